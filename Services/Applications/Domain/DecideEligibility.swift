package import struct FoundationEssentials.Date

/// The operator has the hard criteria evaluated, once the last deposit is certain.
package struct DecideEligibility: Sendable, Equatable {
    package let by: String
    package let call: Call
    /// Of the deposit, by the rules in force now.
    package let estimate: GrantEstimate

    package init(by: String, call: Call, estimate: GrantEstimate) {
        self.by = by
        self.call = call
        self.estimate = estimate
    }
}

package struct Eligibility: Sendable, Equatable {
    /// Empty when eligible.
    package let reasons: [EligibilityReason]
    package let decidedBy: String
    package let decidedAt: Date
    package var isEligible: Bool { reasons.isEmpty }

    package init(reasons: [EligibilityReason], decidedBy: String, decidedAt: Date) {
        self.reasons = reasons
        self.decidedBy = decidedBy
        self.decidedAt = decidedAt
    }
}

extension Application {
    func decideEligibility(_ command: DecideEligibility, at now: Date) throws(ApplicationsError) -> Eligibility {
        guard let deposit, state == .submitted else { throw .wrongState(state, needed: [.submitted]) }
        guard command.call.state(at: now) == .closed else {
            throw .callStillOpen(graceUntil: command.call.graceUntil)
        }
        // A decision that skipped the cap could not be taken back.
        guard command.estimate != .ruleSetUnknown else { throw .ruleSetNotKnown }
        return Eligibility(
            reasons: EligibilityCriteria.reasons(deposit, call: command.call, estimate: command.estimate),
            decidedBy: command.by, decidedAt: now)
    }
}
