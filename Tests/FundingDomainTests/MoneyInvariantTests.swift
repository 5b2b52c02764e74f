import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.UUID

/// A programme in memory that is given commands at random, sensible or not.
private struct RandomProgramme {
    var random: SeededGenerator
    var ledger = ModelLedger()
    let ruleSets: [CofundingRuleSet]
    let part = (id: UUID(), balanceCents: Int64(1_000_000_000))
    let funds = CallFunds(call: UUID(), animationCents: 300_000_000, experimentsCents: 50_000_000)
    var envelope: Envelope?
    var allotment: CallAllotment
    var grants: [Grant] = []
    var agreements: [Agreement] = []
    var tranches: [Tranche] = []
    var payments: [Payment] = []
    var evidence: [UUID: RecordedEvidence] = [:]

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        ruleSets = [try Controls.ruleSet()]
        allotment = CallAllotment(call: funds.call)
    }

    mutating func commandAtRandom() {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: openEnvelope()
        case 1: decide()
        case 2: draft()
        case 3: sign()
        case 4: recordEvidence()
        case 5: order()
        case 6: approve()
        default: execute()
        }
    }

    private mutating func openEnvelope() {
        let cents = Int64.random(in: 0...400_000_000, using: &random)
        guard envelope == nil,
            let opened = try? Envelope.open(id: UUID(), purpose: .animation, amountCents: cents, of: funds, from: part),
            ledger.book(opened.transfer)
        else { return }
        envelope = opened.envelope
    }

    private mutating func decide() {
        let decision = Controls.decision(
            rank: allotment.nextRank, outcome: DecidedOutcome.allCases.randomElement(using: &random) ?? .funded,
            call: funds.call, requestedCents: Int64.random(in: 0...200_000_000, using: &random))
        let id = UUID()
        guard
            case .reserve(let claim)? = allotment.step(
                decision, ruleSets: ruleSets, envelope: envelope?.id, grant: id), ledger.book(claim.transfer)
        else { return }
        allotment.settle(isExhausted: false)
        grants.append(Controls.grant(claim.result.grantedCents, id: id))
    }

    private mutating func draft() {
        guard let grant = grants.randomElement(using: &random), !agreements.contains(where: { $0.grant == grant.id }),
            let agreement = try? Agreement.draft(id: UUID(), of: grant, nextID: UUID.init)
        else { return }
        agreements.append(agreement)
    }

    private mutating func sign() {
        guard let index = agreements.indices.randomElement(using: &random),
            let transfer = try? agreements[index].sign(
                by: Controls.signatories, on: Controls.now, at: Controls.now)
        else { return }
        let isBooked = ledger.book(transfer)
        #expect(isBooked)
        tranches += agreements[index].tranches
    }

    private mutating func recordEvidence() {
        guard let agreement = agreements.randomElement(using: &random),
            let kind = EvidenceOf.allCases.randomElement(using: &random)
        else { return }
        evidence[agreement.id, default: .none] = evidence[agreement.id, default: .none] + .of(kind)
        for index in tranches.indices where tranches[index].agreement == agreement.id {
            if let transfer = tranches[index].release(on: evidence[agreement.id, default: .none]) {
                let isBooked = ledger.book(transfer)
                #expect(isBooked)
            }
        }
    }

    private mutating func order() {
        guard let tranche = tranches.randomElement(using: &random),
            !payments.contains(where: { $0.tranche == tranche.id }),
            let payment = try? Payment.order(
                id: UUID(), of: (tranche, evidence[tranche.agreement, default: .none]),
                to: (tranche.parts[0].line, "c", Controls.iban), by: "a")
        else { return }
        payments.append(payment)
    }

    private mutating func approve() {
        guard let index = payments.indices.randomElement(using: &random) else { return }
        guard let tranche = tranches.first(where: { $0.id == payments[index].tranche }) else { return }
        try? payments[index].approve(
            by: Bool.random(using: &random) ? "a" : "b", on: (tranche, evidence[tranche.agreement, default: .none]))
    }

    private mutating func execute() {
        guard let index = payments.indices.randomElement(using: &random),
            let tranche = tranches.firstIndex(where: { $0.id == payments[index].tranche }),
            let transfer = try? payments[index].execute(
                bankReference: "r\(Int.random(in: 0...3, using: &random))", tranche: &tranches[tranche],
                evidence: evidence[payments[index].agreement, default: .none])
        else { return }
        let isBooked = ledger.book(transfer)
        #expect(isBooked)
    }

    func checkInvariants() {
        var reserved: Int64 = 0
        for grant in grants {
            let agreement = agreements.first { $0.grant == grant.id }
            let released = tranches.filter { $0.grant == grant.id }.map { ledger.total(.released(tranche: $0.id)) }
            let levels: [Int64] = [
                ledger.total(.reserved(grant: grant.id)),
                agreement.map { ledger.total(.committed(agreement: $0.id)) } ?? 0,
                released.reduce(0, +), agreement.map { ledger.total(.paid(line: $0.lines[0].id)) } ?? 0,
            ]
            #expect(levels == levels.sorted(by: >), "reserved ≥ committed ≥ released ≥ paid")
            #expect(levels[0] == grant.reservedCents)
            reserved += levels[0]
        }
        #expect(reserved <= envelope?.amountCents ?? 0)
        #expect(ledger.debited.values.reduce(0, +) == ledger.credited.values.reduce(0, +))
        for agreement in agreements {
            let paid = tranches.filter { $0.agreement == agreement.id && $0.state == .paid }.map(\.amountCents)
            #expect(paid.reduce(0, +) == ledger.total(.paid(line: agreement.lines[0].id)))
        }
    }
}

@Suite struct MoneyInvariants {
    @Test(arguments: UInt64(1)...20)
    func holdAfterEveryCommandOfARandomSequence(seed: UInt64) throws {
        // given
        var programme = try RandomProgramme(seed: seed)
        for _ in 0..<500 {
            // when
            programme.commandAtRandom()
            // then
            programme.checkInvariants()
        }
        #expect(!programme.ledger.booked.isEmpty, "the sequence moved no money and proved nothing")
    }
}
