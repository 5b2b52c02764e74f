package import struct FoundationEssentials.Date

/// What the committee may propose and the State may decide.
package enum Outcome: String, Sendable, CaseIterable, Codable {
    case funded
    case reserve
    case rejected

    package var state: ApplicationState {
        switch self {
        case .funded: .funded
        case .reserve: .reserve
        case .rejected: .rejected
        }
    }

    /// A place in the order in which the envelope is allotted belongs to funded and reserve, and to them alone.
    func checkRank(_ rank: Int?) throws(ApplicationsError) {
        guard let rank else {
            guard self == .rejected else { throw .rankRequired }
            return
        }
        guard self != .rejected else { throw .rankNotAllowed }
        guard (1...10_000).contains(rank) else { throw .invalidField("/rank", expected: "a rank from 1 to 10000") }
    }
}

/// The committee gives its opinion; it binds nobody until the State decides.
package struct RecommendApplication: Sendable, Equatable {
    package let by: Assessor
    package let outcome: Outcome
    package let rank: Int?
    /// Ranks that the committee has given to other applications of the call.
    package let ranksTaken: Set<Int>

    package init(by: Assessor, outcome: Outcome, rank: Int?, ranksTaken: Set<Int>) {
        self.by = by
        self.outcome = outcome
        self.rank = rank
        self.ranksTaken = ranksTaken
    }
}

package struct Recommendation: Sendable, Equatable {
    package let outcome: Outcome
    package let rank: Int?
    package let reviewCount: Int
    package let meanScoreHundredths: Int
    package let recommendedBy: String
    package let recommendedAt: Date

    package init(outcome: Outcome, rank: Int?, score: (reviewCount: Int, meanHundredths: Int), by: String, at: Date) {
        self.outcome = outcome
        self.rank = rank
        reviewCount = score.reviewCount
        meanScoreHundredths = score.meanHundredths
        recommendedBy = by
        recommendedAt = at
    }
}

extension Application {
    func recommend(_ command: RecommendApplication, at now: Date) throws(ApplicationsError) -> Recommendation {
        try require(.eligible)
        try refuseTies(of: command.by)
        try command.outcome.checkRank(command.rank)
        let given = reviews.given
        guard given.count >= Self.reviewCountMin, let mean = given.meanScoreHundredths else {
            throw .tooFewReviews(count: given.count)
        }
        if let rank = command.rank, command.ranksTaken.contains(rank) { throw .rankTaken(rank) }
        return Recommendation(
            outcome: command.outcome, rank: command.rank, score: (given.count, mean), by: command.by.subject, at: now)
    }
}
