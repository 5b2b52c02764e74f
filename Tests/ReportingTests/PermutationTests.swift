import Events
import FoundationEssentials
import TestSupport
import Testing

@testable import Reporting

/// Projections are the same for every order of the four others' events.
@Suite(.timeLimit(.minutes(60))) struct Permutations {
    @Test func everyOrderOfTheFourOthersEventsEndsInTheSameProjections() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given: nothing
            var schema = CanonicalSchema()
            // The server's clock.
            schema.leftOut = ["received.received_at", "ledger_checkpoint.received_at", "ledger_seals.received_at"]
            schema.references = ["response_events.position": "received.position"]
            // A cell that all responses left is no cell.
            schema.views["response_cells"] = "select to_jsonb(c) from response_cells as c where responses_count > 0"
            schema.violations = [
                """
                select 'a cell differs from its responses: ' || c.experiment from response_cells as c
                where c.responses_count <> (
                    select count(*) from responses as r
                    where (r.experiment, r.instrument, r.occasion) = (c.experiment, c.instrument, c.occasion)
                        and r.is_counted)
                """
            ]
            let bench = try await PermutationBench(service, schema)
            let generate: @Sendable (Chance) throws -> History = { try ProgrammeHistory(chance: $0).told() }
            #expect(try PermutationCoverage.untold(by: [generate], to: service) == [])
            // when, then
            try await PermutationProof(bench, generate: generate).run()
        }
    }
}

/// A programme as the four others tell it.
private struct ProgrammeHistory {
    private var history: History
    private let call: UUID
    private let application: UUID
    private let agreement: UUID
    private let site: UUID

    init(chance: Chance) {
        history = History(chance: chance)
        call = history.chance.uuid()
        application = history.chance.uuid()
        agreement = history.chance.uuid()
        site = history.chance.uuid()
    }

    func told() throws -> History {
        var telling = self
        try telling.select()
        try telling.fund()
        for _ in 0..<telling.history.chance.number(1...2) { try telling.experiment() }
        return telling.history
    }

    private mutating func select() throws {
        try history.publishCall(call)
        try history.select(application, in: call, outcome: .funded, rank: 1, requestedCents: 30_000_000)
        let other = history.chance.uuid()
        try history.select(other, in: call, outcome: .reserve, rank: 2, requestedCents: 20_000_000)
        let refused = GrantRefused(
            grant: history.chance.uuid(), call: call, kind: .animation, application: other, experiment: nil,
            requestedCents: 20_000_000, reason: "envelope-exhausted")
        try history.tell(refused, about: refused.grant)
    }

    /// The programme, an envelope that is lowered and raised, and a reservation that is let go.
    private mutating func openEnvelope(_ envelope: UUID) throws {
        let (programme, reservation) = (history.chance.uuid(), history.chance.uuid())
        try history.tell(ProgrammeOpened(programme: programme, amountCents: 6_300_000_000), about: programme)
        for cents in [2_900_000_000, -100] as [Int64] {
            try history.tell(
                ProgrammeAllotted(programme: programme, kind: .animation, changeCents: cents), about: programme)
        }
        try history.tell(
            EnvelopeOpened(envelope: envelope, call: call, kind: .animation, amountCents: 100_000_000), about: envelope)
        for (change, amount) in [(-50, 99_999_950), (50, 100_000_000)] as [(Int64, Int64)] {
            try history.tell(
                EnvelopeAdjusted(
                    envelope: envelope, call: call, kind: .animation, changeCents: change, amountCents: amount),
                about: envelope)
        }
        try history.tell(
            ReservationMade(
                reservation: reservation, envelope: envelope, call: call, kind: .animation,
                beneficiarySiren: History.lead.siren, amountCents: 1_000), about: reservation)
        try history.tell(
            ReservationLetGo(reservation: reservation, envelope: envelope, amountCents: 1_000), about: reservation)
    }

    private mutating func fund() throws {
        let (envelope, grant) = (history.chance.uuid(), history.chance.uuid())
        try openEnvelope(envelope)
        try history.tell(
            GrantReserved(
                grant: grant, envelope: envelope, call: call, kind: .animation, application: application,
                experiment: nil, beneficiarySiren: History.lead.siren, reservedCents: 30_000_000, ruleSet: "rules",
                bindingRule: "animation-rate"), about: grant)
        try history.tell(
            AgreementSigned(
                agreement: agreement, grant: grant, application: application, call: call, lead: History.lead,
                partners: [], grantedCents: 30_000_000, tranches: [], signedAt: history.now), about: agreement)
        try amendAgreement(grant: grant, envelope: envelope)
        try agreeOnExperiment(envelope: envelope)
        switch history.chance.number(1...4) {
        case 1, 2: try endAgreement(grant: grant, envelope: envelope)
        case 3: try settleAgreement(grant: grant, envelope: envelope)
        default: break
        }
        for number in 1...2 {
            try payTranche(number)
            let balances: [String: Int64] = ["available": 70_000_000, "reserved": 30_000_000 - Int64(number)]
            try history.tell(
                LedgerCheckpointed(position: Int64(number) * 10, balancesCents: balances), about: "ledger")
            try history.tell(
                LedgerSealed(
                    block: Int64(number), position: Int64(number) * 10, entryCount: 3,
                    hash: String(repeating: "\(number)", count: 64)), about: "ledger")
        }
    }

    /// Up to two amendments, of which some leave the grant as it is.
    private mutating func amendAgreement(grant: UUID, envelope: UUID) throws {
        var totalCents: Int64 = 30_000_000
        for amendment in 0..<history.chance.number(0...2) {
            let cents = history.chance.pick([0, history.chance.cents(1...1_000)])
            totalCents -= cents
            try history.tell(
                AgreementAmended(
                    agreement: agreement, amendment: amendment + 1, grant: grant, envelope: envelope,
                    amountCents: cents, totalCents: totalCents,
                    parts: [AgreementPart(siren: History.lead.siren, partCents: totalCents, hasLeft: false)],
                    amendedAt: history.now.addingTimeInterval(Double(amendment) * 86_400)), about: agreement)
        }
    }

    /// Money for an experiment, which is agreed on or given back.
    private mutating func agreeOnExperiment(envelope: UUID) throws {
        let (grant, own, experiment) = (history.chance.uuid(), history.chance.uuid(), history.chance.uuid())
        let cents = history.chance.cents(1_000...9_000)
        try history.tell(
            GrantReserved(
                grant: grant, envelope: envelope, call: call, kind: .experiments, application: application,
                experiment: experiment, beneficiarySiren: History.lead.siren, reservedCents: cents, ruleSet: "rules",
                bindingRule: "experiment-rate"), about: grant)
        guard history.chance.happens(onceIn: 2) else {
            return try history.tell(
                GrantReleased(
                    grant: grant, envelope: envelope, call: call, kind: .experiments, application: application,
                    experiment: experiment, amountCents: cents), about: grant)
        }
        try history.tell(
            ExperimentAgreementSigned(
                agreement: own, grant: grant, experiment: experiment, application: application, call: call,
                siren: History.lead.siren, grantedCents: cents, tranches: [], signedAt: history.now), about: own)
    }

    /// An agreement that ends on what was spent.
    private mutating func settleAgreement(grant: UUID, envelope: UUID) throws {
        let cents = history.chance.cents(0...5_000)
        let dueCents = 15_000_000 - cents
        try history.tell(
            AgreementSettled(
                agreement: agreement, grant: grant, envelope: envelope, amountCents: cents,
                parts: [
                    SettledPart(
                        siren: History.lead.siren, partCents: 15_000_000, eligibleCents: dueCents * 2,
                        dueCents: dueCents, paidCents: 15_000_000)
                ], settledAt: history.now.addingTimeInterval(400 * 86_400)), about: agreement)
    }

    /// An agreement that ends, and what comes back of what was paid.
    private mutating func endAgreement(grant: UUID, envelope: UUID) throws {
        try history.tell(
            AgreementTerminated(
                agreement: agreement, grant: grant, envelope: envelope, amountCents: 5_000, terminatedAt: history.now),
            about: agreement)
        for wasReleased in [true, false] {
            let tranche = history.chance.uuid()
            try history.tell(
                TrancheCancelled(
                    tranche: tranche, agreement: agreement, number: 3, amountCents: 2_500, wasReleased: wasReleased),
                about: tranche)
        }
        let recovery = history.chance.uuid()
        try history.tell(RecoveryOrdered(recovery: recovery, agreement: agreement, amountCents: 100), about: recovery)
        for cents in [30, 20] as [Int64] {
            try history.tell(
                RecoveryReceived(
                    recovery: recovery, agreement: agreement, envelope: envelope, amountCents: cents, openCents: 50),
                about: recovery)
        }
        try history.tell(RecoveryWaived(recovery: recovery, agreement: agreement, amountCents: 50), about: recovery)
    }

    private mutating func payTranche(_ number: Int) throws {
        let (tranche, payment) = (history.chance.uuid(), history.chance.uuid())
        try history.tell(
            TrancheOpened(
                tranche: tranche, agreement: agreement, number: number, amountCents: 15_000_000,
                conditions: [.siteOpened]), about: tranche)
        if history.chance.happens(onceIn: 3) {
            try history.tell(
                TrancheAdjusted(tranche: tranche, agreement: agreement, number: number, amountCents: 14_999_000),
                about: tranche)
        }
        guard history.chance.happens(onceIn: 2) else { return }
        try history.tell(
            TrancheReleased(
                tranche: tranche, agreement: agreement, number: number, amountCents: 15_000_000, evidence: [],
                releasedAt: history.now), about: tranche)
        try history.tell(
            PaymentOrdered(
                payment: payment, tranche: tranche, agreement: agreement, amountCents: 15_000_000,
                orderedAt: history.now), about: payment)
        switch history.chance.number(0...4) {
        case 0:
            return try history.tell(
                PaymentRejected(payment: payment, tranche: tranche, agreement: agreement, amountCents: 15_000_000),
                about: payment)
        case 1:
            return try history.tell(
                PaymentCancelled(payment: payment, tranche: tranche, agreement: agreement, amountCents: 15_000_000),
                about: payment)
        default: break
        }
        try history.tell(
            PaymentExecuted(
                payment: payment, tranche: tranche, agreement: agreement, amountCents: 15_000_000,
                bankReference: "BDT-\(number)", executedAt: history.now), about: payment)
    }

    private mutating func experiment() throws {
        let experiment = history.chance.uuid()
        try history.tell(
            SiteOpened(
                site: site, agreement: agreement, application: application, call: call, siren: History.lead.siren,
                openedAt: history.now), about: site)
        try history.registerExperiment(experiment, site: site, under: agreement)
        if history.chance.happens(onceIn: 2) {
            try history.tell(
                CofundingApproved(
                    experiment: experiment, grant: history.chance.uuid(), agreement: agreement,
                    budgetCents: 40_000_000, approvedCents: 20_000_000, ruleSet: "rules", derivation: []),
                about: experiment)
        } else {
            try history.tell(
                CofundingRefused(
                    experiment: experiment, agreement: agreement, requestedCents: 20_000_000, reason: "too-late"),
                about: experiment)
        }
        for version in 1...history.chance.number(1...2) {
            try history.tell(
                ProtocolApproved(
                    experiment: experiment, protocolVersion: version, legalQualification: "non_RIPH_satisfaction",
                    consentScope: "usability", windows: [], milestones: []), about: experiment)
        }
        try history.startExperiment(experiment, site: site, under: agreement)
        let participants = (0..<history.chance.number(2...4)).map { _ in history.chance.uuid() }
        try history.enrol(participants, in: experiment)
        try answer(participants, of: experiment)
        try history.reachMilestones(history.chance.number(0...2), of: experiment)
        if history.chance.happens(onceIn: 3) {
            try history.terminateExperiment(experiment, site: site, under: agreement)
        } else {
            try history.completeExperiment(experiment, site: site, under: agreement)
        }
    }

    /// All at once, and then corrections: another score, another time of measure, or a retraction.
    private mutating func answer(_ participants: [UUID], of experiment: UUID) throws {
        let items = participants.map { participant in
            ResponseItem(
                response: history.chance.uuid(), version: 1, state: .valid, instrument: "NPS", instrumentVersion: "1",
                occasion: "M3", participant: participant, answeredAt: history.now, digest: "")
        }
        let values = items.map { value(of: $0) }
        try history.tell(
            ResponsesRecorded(experiment: experiment, items: items, personal: values), about: experiment)
        for var item in items where history.chance.happens(onceIn: 2) {
            for version in 2...history.chance.number(2...3) {
                item.version = version
                item.state = history.chance.pick([.valid, .valid, .retracted, .excluded])
                if history.chance.happens(onceIn: 3) { item.occasion = "M6" }
                switch item.state {
                case .valid:
                    try history.tell(
                        ResponseAmended(experiment: experiment, item: item, personal: value(of: item)),
                        about: experiment)
                case .retracted:
                    try history.tell(ResponseRetracted(experiment: experiment, item: item), about: experiment)
                case .excluded:
                    try history.tell(
                        ResponseExcluded(experiment: experiment, item: item, reason: "experiment-completed"),
                        about: experiment)
                }
            }
        }
    }

    private mutating func value(of item: ResponseItem) -> ResponseValues {
        ResponseValues(
            response: item.response, version: item.version, salt: "salt", score: history.chance.number(0...10),
            answers: [])
    }
}
