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
    private let part = (id: UUID(), balanceCents: Int64(6_300_000_000))

    @Test func envelopeTakesAtMostWhatTheCallPublishedForItsPurpose() throws {
        // when
        let (envelope, transfer) = try Envelope.open(
            id: UUID(), purpose: .animation, amountCents: 2_900_000_000, of: funds, from: part)
        // then
        #expect(envelope.call == funds.call)
        #expect(transfer.debit == .part(part.id))
        #expect(transfer.credit == .available(envelope: envelope.id))
        #expect(transfer.cents == 2_900_000_000)
        #expect(throws: FundingError.aboveCall(limitCents: 2_900_000_000)) {
            try Envelope.open(id: UUID(), purpose: .animation, amountCents: 2_900_000_001, of: funds, from: part)
        }
        #expect(throws: FundingError.callNotKnown) {
            try Envelope.open(id: UUID(), purpose: .experiments, amountCents: 1, of: nil, from: part)
        }
        let refusal = #expect(throws: FundingError.self) {
            try Envelope.open(id: UUID(), purpose: .experiments, amountCents: 0, of: funds, from: part)
        }
        #expect(refusal?.field == "/amountCents")
    }

    @Test func envelopeTakesAtMostWhatItsPartOfTheProgrammeHolds() throws {
        #expect(throws: FundingError.programmeExhausted(availableCents: 99)) {
            try Envelope.open(id: UUID(), purpose: .animation, amountCents: 100, of: funds, from: (UUID(), 99))
        }
        #expect(throws: FundingError.programmeNotOpen) {
            try Envelope.open(id: UUID(), purpose: .animation, amountCents: 100, of: funds, from: nil)
        }
        _ = try Envelope.open(id: UUID(), purpose: .animation, amountCents: 100, of: funds, from: (UUID(), 100))
    }

    @Test func adjustingLeavesWhatIsSetAsideAndStaysBelowTheCall() throws {
        let envelope = Envelope(id: UUID(), call: funds.call, purpose: .animation, amountCents: 2_800_000_000)
        func adjust(by cents: Int64, left: Int64 = 5, part: Int64 = 6_300_000_000) throws -> Transfer {
            try envelope.adjust(by: cents, of: funds, from: self.part.id, balances: (left, part), change: UUID())
        }
        #expect(try adjust(by: 100_000_000).reason == .fund)
        #expect(throws: FundingError.aboveCall(limitCents: 2_900_000_000)) { try adjust(by: 100_000_001) }
        #expect(throws: FundingError.programmeExhausted(availableCents: 9)) { try adjust(by: 10, part: 9) }
        let lowering = try adjust(by: -5)
        #expect(lowering.reason == .withdraw && lowering.cents == 5 && lowering.credit == .part(part.id))
        #expect(throws: FundingError.envelopeExhausted(availableCents: 5)) { try adjust(by: -6) }
        #expect(throws: FundingError.self) { try adjust(by: 0) }
        #expect(throws: FundingError.self) { try adjust(by: .min) }
    }
}

@Suite struct Programmes {
    private func open(
        _ cents: Int64, animation: Int64, experiments: Int64
    ) throws -> (programme: Programme, opening: Transfer, allotments: [Transfer]) {
        try Programme.open(
            name: "Tiers-lieux", amountCents: cents,
            allottedCents: [.animation: animation, .experiments: experiments], nextID: UUID.init)
    }

    @Test func partsTakeWhatTheyAreAllottedAndLeaveTheRest() throws {
        // when: 63 M€, 29 for animation, 30 for experiments
        let (programme, opening, allotments) = try open(6300, animation: 2900, experiments: 3000)
        // then
        #expect(opening.debit == .budget && opening.cents == 6300)
        #expect(allotments.map(\.cents) == [2900, 3000])
        #expect(allotments.allSatisfy { $0.debit == .programme(programme.id) })
        // when: of the rest
        let part = try #require(programme.part(for: .animation))
        let more = try programme.allot(400, to: part, fromBalanceCents: 400, reason: "avenant", change: UUID())
        let back = try programme.allot(-1, to: part, fromBalanceCents: 1, reason: "avenant", change: UUID())
        // then
        #expect(more.reason == .allot && back.reason == .takeBack && back.cents == 1)
        #expect(throws: FundingError.programmeExhausted(availableCents: 400)) {
            try programme.allot(401, to: part, fromBalanceCents: 400, reason: "avenant", change: UUID())
        }
    }

    @Test func partsAreNeverMoreThanTheProgramme() throws {
        for (animation, experiments, field) in [
            (6301, 0, "/animationCents"), (3000, 3301, "/experimentsCents"), (-1, 0, "/animationCents"),
        ] as [(Int64, Int64, String)] {
            let refusal = #expect(throws: FundingError.self) {
                try open(6300, animation: animation, experiments: experiments)
            }
            #expect(refusal?.field == field)
        }
        #expect(throws: FundingError.self) { try open(0, animation: 0, experiments: 0) }
    }
}

@Suite struct EnvelopeDesks {
    @Test func whoComesFirstIsServedAndWhoDoesNotFitLeavesTheRestToTheNext() {
        #expect(EnvelopeDesk.serve([60, 50, 40, 1], availableCents: 100) == [nil, 40, nil, 0])
        #expect(EnvelopeDesk.serve([], availableCents: 100).isEmpty)
    }

    @Test(arguments: UInt64(1)...50)
    func servesNeverMoreThanThereIsAndRefusesOnlyWhatDoesNotFit(seed: UInt64) {
        // given
        var random = SeededGenerator(seed: seed)
        let amounts = (0..<100).map { _ in Int64.random(in: 1...1000, using: &random) }
        let available = Int64.random(in: 0...20_000, using: &random)
        // when
        let verdicts = EnvelopeDesk.serve(amounts, availableCents: available)
        // then
        var left = available
        for (amount, verdict) in zip(amounts, verdicts) {
            #expect((verdict == nil) == (amount <= left))
            if verdict == nil { left -= amount } else { #expect(verdict == left) }
        }
        #expect(left >= 0)
    }
}
