import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.UUID

@Suite struct RuleSetSuccessionRules {
    @Test func firstRuleSetMayBeginInThePast() throws {
        try RuleSetSuccession.check(
            Controls.ruleSet(validFrom: Controls.now.addingTimeInterval(-1)), after: [], at: Controls.now)
    }

    @Test func laterRuleSetIsNeitherBackdatedNorBeforeItsPredecessorNorOfTheSameName() throws {
        // given
        let now = Controls.now
        let first = try Controls.ruleSet(validFrom: now.addingTimeInterval(1000))
        // then
        #expect(throws: FundingError.ruleSetExists) {
            try RuleSetSuccession.check(
                Controls.ruleSet(validFrom: now.addingTimeInterval(2000)), after: [first], at: now)
        }
        #expect(throws: FundingError.ruleSetBackdated) {
            try RuleSetSuccession.check(
                Controls.ruleSet(name: "b", validFrom: now.addingTimeInterval(1000)), after: [first], at: now)
        }
        #expect(throws: FundingError.ruleSetBackdated) {
            try RuleSetSuccession.check(
                Controls.ruleSet(name: "b", validFrom: now.addingTimeInterval(1500)), after: [first],
                at: now.addingTimeInterval(1501))
        }
        try RuleSetSuccession.check(
            Controls.ruleSet(name: "b", validFrom: now.addingTimeInterval(1500)), after: [first],
            at: now.addingTimeInterval(1500))
    }
}

@Suite struct Envelopes {
    private let funds = CallFunds(call: UUID(), animationCents: 2_900_000_000, experimentsCents: 3_000_000_000)

    @Test func envelopeTakesAtMostWhatTheCallPublishedForItsPurpose() throws {
        // when
        let (envelope, transfer) = try Envelope.open(
            id: UUID(), purpose: .animation, amountCents: 2_900_000_000, of: funds)
        // then
        #expect(envelope.call == funds.call)
        #expect(transfer.debit == .budget)
        #expect(transfer.credit == .available(envelope: envelope.id))
        #expect(transfer.cents == 2_900_000_000)
        #expect(throws: FundingError.aboveCall(limitCents: 2_900_000_000)) {
            try Envelope.open(id: UUID(), purpose: .animation, amountCents: 2_900_000_001, of: funds)
        }
        #expect(throws: FundingError.callNotKnown) {
            try Envelope.open(id: UUID(), purpose: .experiments, amountCents: 1, of: nil)
        }
        let refusal = #expect(throws: FundingError.self) {
            try Envelope.open(id: UUID(), purpose: .experiments, amountCents: 0, of: funds)
        }
        #expect(refusal?.field == "/amountCents")
    }
}
