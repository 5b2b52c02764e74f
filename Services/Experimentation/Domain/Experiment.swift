package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

package enum ExperimentState: String, Sendable, CaseIterable {
    case registered
    case started
    case completed
    /// Ended before its time.
    case terminated
}

/// Whether the State pays a share.
package enum Cofunding: Sendable, Equatable {
    case notRequested
    case requested
    case approved(cents: Int64)
    case refused(reason: String)

    package enum State: String, Sendable, CaseIterable {
        case notRequested = "not-requested"
        case requested
        case approved
        case refused
    }

    package var state: State {
        switch self {
        case .notRequested: .notRequested
        case .requested: .requested
        case .approved: .approved
        case .refused: .refused
        }
    }
}

/// The end of an experiment before its time, started or not.
package struct Termination: Sendable, Equatable {
    /// Stays in this service.
    package let reason: String
    package let terminatedAt: Date

    package init(reason: String, terminatedAt: Date) {
        self.reason = reason
        self.terminatedAt = terminatedAt
    }
}

/// A solution tried in real life at one site.
package struct Experiment: Sendable, Equatable {
    package let id: UUID
    package let site: UUID
    package let solution: UUID
    package let title: String
    package let budgetCents: Int64
    package let requestedCents: Int64
    package let participantsTarget: Int
    package let registeredBy: String
    /// Of the aggregate: one more with every change. Participants are aggregates of their own and do not count.
    package var version: Int64
    package var state: ExperimentState
    package var cofunding: Cofunding
    package var approvedProtocol: StudyProtocol?
    package var startedAt: Date?
    package var completedAt: Date?
    package var termination: Termination?
    package var arms: ArmCounts

    package init(_ command: RegisterExperiment, id: UUID, solution: UUID) {
        self.id = id
        site = command.site
        self.solution = solution
        title = command.title
        budgetCents = command.budgetCents
        requestedCents = command.requestedCents
        participantsTarget = command.participantsTarget
        registeredBy = command.by
        version = 1
        state = .registered
        cofunding = command.requestedCents > 0 ? .requested : .notRequested
        arms = ArmCounts()
    }

    func require(_ needed: ExperimentState...) throws(ExperimentationError) {
        guard needed.contains(state) else { throw .wrongState(state, needed: needed) }
    }
}

/// What somebody wants to happen to an experiment.
package enum ExperimentCommand: Sendable, Equatable {
    case approveProtocol(ApproveProtocol)
    case start(siteState: SiteState)
    case complete
    case terminate(reason: String)
    /// Funding decided.
    case settleCofunding(Cofunding)
}

/// What happened to an experiment.
package enum ExperimentFact: Sendable, Equatable {
    case protocolApproved(StudyProtocol)
    case started(at: Date)
    case completed(at: Date)
    case terminated(Termination)
    case cofundingSettled(Cofunding)
}

extension Experiment {
    /// What the command leads to, or why it is refused. Nothing changes until the fact is taken in by `evolve`.
    package func decide(_ command: ExperimentCommand, at now: Date) throws(ExperimentationError) -> ExperimentFact {
        switch command {
        case .approveProtocol(let command):
            return .protocolApproved(try approve(command, at: now))
        case .start(let siteState):
            try checkStart(siteState)
            return .started(at: now)
        case .complete:
            try require(.started)
            return .completed(at: now)
        case .terminate(let reason):
            try require(.registered, .started)
            try TextLimits.require(reason, "/reason", lengthMax: TextLimits.reasonLengthMax)
            return .terminated(Termination(reason: reason, terminatedAt: now))
        case .settleCofunding(let outcome):
            guard cofunding == .requested else { throw .cofundingSettled(cofunding.state) }
            return .cofundingSettled(outcome)
        }
    }

    package mutating func evolve(_ fact: ExperimentFact) {
        switch fact {
        case .protocolApproved(let approved): approvedProtocol = approved
        case .started(let instant):
            state = .started
            startedAt = instant
        case .completed(let instant):
            state = .completed
            completedAt = instant
        case .terminated(let termination):
            state = .terminated
            self.termination = termination
        case .cofundingSettled(let outcome): cofunding = outcome
        }
        version += 1
    }

    private func checkStart(_ siteState: SiteState) throws(ExperimentationError) {
        try require(.registered)
        guard siteState == .open else { throw .siteNotOpen }
        switch cofunding {
        case .notRequested, .approved: break
        case .requested: throw .cofundingPending
        case .refused(let reason): throw .cofundingRefused(reason: reason)
        }
        guard approvedProtocol != nil else { throw .protocolMissing }
    }
}
