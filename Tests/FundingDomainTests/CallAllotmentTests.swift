import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.UUID

/// Drives an allotment as the store does: decisions come one by one, after each everything that can be served is
/// served.
private struct AllotmentDrive {
    var allotment: CallAllotment
    var ledger = ModelLedger()
    var decisions: [Int: Decision] = [:]
    var outcomes: [UUID: String] = [:]
    let envelope: UUID
    let ruleSets: [CofundingRuleSet]

    init(call: UUID, envelopeCents: Int64) throws {
        allotment = CallAllotment(call: call)
        let funds = CallFunds(call: call, animationCents: envelopeCents, experimentsCents: 1)
        let (envelope, transfer) = try Envelope.open(
            id: UUID(), purpose: .animation, amountCents: envelopeCents, of: funds, from: (UUID(), envelopeCents))
        self.envelope = envelope.id
        ruleSets = [try Controls.ruleSet()]
        let isBooked = ledger.book(transfer)
        #expect(isBooked)
    }

    mutating func receive(_ decision: Decision) {
        if let rank = decision.rank { decisions[rank] = decision }
        while true {
            let decision = decisions[allotment.nextRank]
            switch allotment.step(decision, ruleSets: ruleSets, envelope: envelope, grant: UUID()) {
            case .wait: return
            case nil: allotment.settle(isExhausted: false)
            case .refuse(let refusal):
                outcomes[refusal.subject.application] = refusal.reason
                allotment.settle(isExhausted: false)
            case .reserve(let claim):
                let isBooked = ledger.book(claim.transfer)
                outcomes[claim.subject.application] =
                    isBooked ? "\(claim.result.grantedCents)" : GrantRefusal.exhausted
                allotment.settle(isExhausted: !isBooked)
            }
        }
    }
}

@Suite struct CallAllotments {
    private let call = UUID()

    @Test func everyOrderOfArrivalEndsInTheSameAllotment() throws {
        // given: 2.5 M€ for 1 M€, a reserve place, 1 M€, 1 M€ that does not fit any more, and 0.4 M€ that would
        let decisions = [
            Controls.decision(rank: 1, call: call),
            Controls.decision(rank: 2, outcome: .reserve, call: call),
            Controls.decision(rank: 3, call: call),
            Controls.decision(rank: 4, call: call),
            Controls.decision(rank: 5, call: call, requestedCents: 40_000_000),
        ]
        let expected = [
            decisions[0].application: "100000000",
            decisions[2].application: "100000000",
            decisions[3].application: GrantRefusal.exhausted,
            decisions[4].application: GrantRefusal.exhausted,
        ]
        for order in permutations(decisions) {
            // when
            var drive = try AllotmentDrive(call: call, envelopeCents: 250_000_000)
            for decision in order { drive.receive(decision) }
            // then
            #expect(drive.outcomes == expected)
            #expect(drive.allotment.nextRank == 6)
            #expect(drive.ledger.balance(.available(envelope: drive.envelope)) == 50_000_000)
        }
    }

    @Test func rankIsNotServedBeforeTheRanksAboveIt() throws {
        // given
        var drive = try AllotmentDrive(call: call, envelopeCents: 500_000_000)
        // when
        drive.receive(Controls.decision(rank: 2, call: call))
        // then
        #expect(drive.outcomes.isEmpty)
        // when
        drive.receive(Controls.decision(rank: 1, call: call))
        // then
        #expect(drive.outcomes.count == 2)
    }

    @Test func structureTypeWithoutCeilingIsRefusedByItsRuleAndDoesNotStopTheOthers() throws {
        // given
        var drive = try AllotmentDrive(call: call, envelopeCents: 500_000_000)
        let foreign = Decision(
            application: UUID(), call: call, outcome: .funded, rank: 1,
            consortium: Controls.consortium(structureType: "cro"), animationBudgetCents: 2, requestedCents: 1,
            decidedAt: Controls.now)
        let second = Controls.decision(rank: 2, call: call)
        // when
        drive.receive(foreign)
        drive.receive(second)
        // then
        #expect(drive.outcomes[foreign.application] == "no-ceiling-for-structure-type")
        #expect(drive.outcomes[second.application] == "100000000")
    }

    @Test func allotmentWaitsForRulesThenForTheEnvelope() throws {
        // given
        let allotment = CallAllotment(call: call)
        let decision = Controls.decision(rank: 1, call: call)
        let later = try Controls.ruleSet(validFrom: Controls.now.addingTimeInterval(1))
        let rules = try Controls.ruleSet()
        // then
        #expect(allotment.step(nil, ruleSets: [], envelope: nil, grant: UUID()) == .wait(.rank))
        #expect(allotment.step(decision, ruleSets: [], envelope: UUID(), grant: UUID()) == .wait(.ruleSet))
        #expect(allotment.step(decision, ruleSets: [later], envelope: UUID(), grant: UUID()) == .wait(.ruleSet))
        #expect(allotment.step(decision, ruleSets: [rules], envelope: nil, grant: UUID()) == .wait(.envelope))
    }

    @Test func nothingIsReservedForARequestOfNothing() throws {
        // given
        let decision = Controls.decision(rank: 1, call: call, requestedCents: 0)
        // when
        let step = CallAllotment(call: call).step(
            decision, ruleSets: [try Controls.ruleSet()], envelope: UUID(), grant: UUID())
        // then
        guard case .refuse(let refusal)? = step else {
            Issue.record("a grant of 0 cents was not refused")
            return
        }
        #expect(refusal.reason == GrantRefusal.nothingToGrant)
    }
}

func permutations<Element>(_ elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
        var rest = elements
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}
