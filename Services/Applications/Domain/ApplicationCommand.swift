package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What somebody wants to happen to an application.
package enum ApplicationCommand: Sendable {
    case revise(ReviseDraft)
    case submit(SubmitApplication)
    case decideEligibility(DecideEligibility)
    case review(ReviewApplication)
    case recommend(RecommendApplication)
    case decide(DecideApplication)
    /// Funding signed the agreement.
    case contract
}

/// What happened to an application.
package enum ApplicationFact: Sendable, Equatable {
    case revised(ApplicationContent)
    case deposited(Deposit)
    case eligibilityDecided(Eligibility)
    case reviewed(Review)
    case recommended(Recommendation)
    case decided(Decision)
    case contracted
}

extension Application {
    /// What the command leads to, or why it is refused. Nothing changes until the fact is taken in by `evolve`.
    package func decide(_ command: ApplicationCommand, at now: Date) throws(ApplicationsError) -> ApplicationFact {
        switch command {
        case .revise(let command): .revised(try revise(command, at: now))
        case .submit(let command): .deposited(try submit(command, at: now))
        case .decideEligibility(let command): .eligibilityDecided(try decideEligibility(command, at: now))
        case .review(let command): .reviewed(try review(command, at: now))
        case .recommend(let command): .recommended(try recommend(command, at: now))
        case .decide(let command): .decided(try decide(command, at: now))
        case .contract: try contract()
        }
    }

    package mutating func evolve(_ fact: ApplicationFact) {
        switch fact {
        case .revised(let content): self.content = content
        case .deposited(let deposit):
            self.deposit = deposit
            state = .submitted
        case .eligibilityDecided(let eligibility):
            self.eligibility = eligibility
            state = eligibility.isEligible ? .eligible : .ineligible
        case .reviewed(let review):
            reviews.append(review)
            return
        case .recommended(let recommendation):
            self.recommendation = recommendation
            state = .recommended
        case .decided(let decision):
            self.decision = decision
            state = decision.outcome.state
        case .contracted: state = .contracted
        }
        version += 1
    }

    private func contract() throws(ApplicationsError) -> ApplicationFact {
        try require(.funded)
        return .contracted
    }
}
