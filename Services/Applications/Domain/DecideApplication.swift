package import struct FoundationEssentials.Date

/// The State decides.
package struct DecideApplication: Sendable, Equatable {
    package let by: Assessor
    package let outcome: Outcome
    package let rank: Int?
    /// Needed where the outcome is not the recommended one.
    package let reason: String?
    /// What is decided in the call so far.
    package let ranking: RankList

    package init(by: Assessor, outcome: Outcome, rank: Int?, reason: String?, ranking: RankList) {
        self.by = by
        self.outcome = outcome
        self.rank = rank
        self.reason = reason
        self.ranking = ranking
    }
}

package struct Decision: Sendable, Equatable {
    package let outcome: Outcome
    package let rank: Int?
    package let reason: String?
    package let decidedBy: String
    package let decidedAt: Date

    package init(outcome: Outcome, rank: Int?, reason: String?, by: String, at: Date) {
        self.outcome = outcome
        self.rank = rank
        self.reason = reason
        decidedBy = by
        decidedAt = at
    }
}

extension Application {
    func decide(_ command: DecideApplication, at now: Date) throws(ApplicationsError) -> Decision {
        guard let recommendation, state == .recommended else {
            throw .wrongState(state, needed: [.recommended])
        }
        guard command.by.subject != recommendation.recommendedBy else { throw .separationOfDuties }
        try refuseTies(of: command.by)
        try command.outcome.checkRank(command.rank)
        try ContentLimits.checkText(command.reason, "/reason", lengthMax: ContentLimits.reasonLengthMax)
        if command.outcome != recommendation.outcome, Completeness.isBlank(command.reason) { throw .reasonRequired }
        if let rank = command.rank { try command.ranking.admit(command.outcome, rank: rank) }
        return Decision(
            outcome: command.outcome, rank: command.rank, reason: command.reason, by: command.by.subject, at: now)
    }
}
