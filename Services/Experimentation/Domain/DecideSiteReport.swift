package import struct FoundationEssentials.Date

/// What somebody wants to happen to a report.
package enum SiteReportCommand: Sendable, Equatable {
    /// Again, after it was reopened.
    case submit(SiteReportContent)
    case accept
    case reopen(reason: String)
}

/// What happened to a report.
package enum SiteReportFact: Sendable, Equatable {
    case submitted(SiteReportSubmission)
    case decided(SiteReportDecision)
}

extension SiteReport {
    /// What the command leads to, or why it is refused. Nothing changes until the fact is taken in by `evolve`.
    package func decide(
        _ command: SiteReportCommand, by: String, at now: Date
    ) throws(ExperimentationError) -> SiteReportFact {
        switch command {
        case .submit(let content):
            try require(.reopened)
            try content.check()
            return .submitted(SiteReportSubmission(content, by: by, at: now))
        case .accept:
            try require(.submitted)
            guard by != submission.submittedBy else { throw .ownReport }
            return .decided(SiteReportDecision(.accepted, reason: nil, by: by, at: now))
        case .reopen(let reason):
            try require(.submitted, .accepted)
            try TextLimits.require(reason, "/reason", lengthMax: TextLimits.reasonLengthMax)
            let outcome: SiteReportDecision.Outcome = state == .accepted ? .takenUpAgain : .sentBack
            return .decided(SiteReportDecision(outcome, reason: reason, by: by, at: now))
        }
    }

    package mutating func evolve(_ fact: SiteReportFact) {
        switch fact {
        case .submitted(let submission):
            state = .submitted
            self.submission = submission
        case .decided(let decision):
            state = decision.outcome == .accepted ? .accepted : .reopened
            self.decision = decision
        }
        version += 1
    }

    private func require(_ needed: SiteReportState...) throws(ExperimentationError) {
        guard needed.contains(state) else { throw .reportInWrongState(state, needed: needed) }
    }
}
