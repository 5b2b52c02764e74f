import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Funding

/// Whatever the order, the cut and the repetitions in which funding hears of the others, the money ends up the same.
@Suite(.timeLimit(.minutes(60))) struct Permutations {
    @Test func everyOrderOfDecisionsRulesAndEnvelopesEndsInTheSameAllotment() async throws {
        try await Programme.with { programme in
            // given: nothing
            let bench = try await PermutationBench(programme.service, FundingCases.schema())
            // when, then
            try await PermutationProof(bench) { try FundingCases.allotments(programme, $0) }.run()
        }
    }

    @Test func everyOrderInWhichStateAidRulesComeAndADeclarationChangesEndsInTheSameAllotment() async throws {
        try await Programme.with { programme in
            // given: a lead on the block exemption
            #expect(try await programme.declare(AidControls.gber("large")).status == .ok)
            let bench = try await PermutationBench(programme.service, FundingCases.schema())
            // when, then
            try await PermutationProof(bench) { chance in
                var history = try FundingCases.allotments(programme, chance)
                history.act("publishes the State-aid rules") {
                    try await programme.publishAidRules().status == .created
                }
                history.act("declares another undertaking") {
                    let answer = try await programme.declare(
                        AidControls.deMinimis(), head: AidControls.foreigner, members: [AidControls.member])
                    return answer.status == .ok
                }
                return history
            }.run()
        }
    }

    @Test func everyOrderOfEvidenceAndSigningReleasesTheSameTranches() async throws {
        try await Programme.with { programme in
            // given: an agreement that is signed, and one that is not yet
            try await programme.prepare()
            let agreements = [
                try await programme.signedAgreement(),
                try await programme.draft(try await programme.reservedGrant(rank: 2).id).decode(AgreementAnswer.self),
            ]
            let bench = try await PermutationBench(programme.service, FundingCases.schema())
            // when, then
            try await PermutationProof(bench) { try FundingCases.evidence(programme, agreements, $0) }.run()
        }
    }

    @Test func noOrderOfRequestsSellsMoreThanTheEnvelopeHolds() async throws {
        try await Programme.with { programme in
            // given: money for two and a half requests
            try await programme.prepare(experimentsCents: 50_000_000)
            let agreement = try await programme.signedAgreement()
            var schema = FundingCases.schema()
            // Experiments have no rank: who comes first is served. So only that each is settled is the same.
            schema.leftOut.formUnion(["accounts", "transfers", "events"])
            schema.views["grants"] = "select jsonb_build_object('kind', kind, 'experiment', experiment) from grants"
            let bench = try await PermutationBench(programme.service, schema)
            // when, then
            try await PermutationProof(bench) { try FundingCases.requests(under: agreement, $0) }.run()
        }
    }

    @Test func historiesTellEverythingThatFundingFollows() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            // when
            let allotments: @Sendable (Chance) throws -> History = { try FundingCases.allotments(programme, $0) }
            let evidence: @Sendable (Chance) throws -> History = {
                try FundingCases.evidence(programme, [agreement, agreement], $0)
            }
            // then
            #expect(try PermutationCoverage.untold(by: [allotments, evidence], to: programme.service) == [])
        }
    }
}

enum FundingCases {
    static func schema() -> CanonicalSchema {
        var schema = CanonicalSchema()
        // The server's clock; the business time beside it is compared.
        schema.leftOut = [
            "transfers.recorded_at",
            // What the accounts had come to when an entry was booked: their order is what a permutation changes.
            "transfers.debit_after_cents", "transfers.credit_after_cents",
        ]
        // Of several events that meet a condition the first to arrive counts as its evidence, and the release names it.
        schema.views["events"] = """
            select jsonb_build_object('id', id, 'type', type, 'subject', subject, 'time', time,
                'data', data::jsonb - 'evidence')
            from events
            """
        schema.violations = [
            "select 'ledger and balances differ: ' || owner || ' ' || kind from ledger_differences",
            """
            select 'oversold: ' || kind || ' ' || reserved_cents || ' of ' || amount_cents from envelope_money
            where reserved_cents > amount_cents
            """,
            """
            select 'rank ' || d.rank || ' is settled before a higher one' from decisions as d
            join grants as g on g.application = d.application and g.kind = 'animation'
            where (select count(*) from decisions as e where e.call = d.call and e.rank < d.rank) < d.rank - 1
                or exists (
                    select from decisions as e where e.call = d.call and e.rank < d.rank and e.outcome = 'funded'
                        and not exists (select from grants where application = e.application and kind = 'animation'))
            """,
            """
            select 'rank ' || d.rank || ' overtook a refused one' from decisions as d
            join grants as g on g.application = d.application and g.state = 'reserved' and g.kind = 'animation'
            join decisions as e on e.call = d.call and e.rank < d.rank
            join grants as f on f.application = e.application and f.reason = 'envelope-exhausted'
            """,
        ]
        return schema
    }

    /// Calls with more good applications than money; rules and envelopes are made known at any time.
    static func allotments(_ programme: Programme, _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        history.act("publishes the rules") { try await programme.publishRules().status == .created }
        for wave in 1...history.chance.number(1...2) {
            let call = history.chance.uuid()
            try history.publishCall(call, wave: wave)
            let cents = history.chance.cents(50_000_000...350_000_000)
            history.act("opens the envelope of \(call.lowercase)") {
                let body = #"{"call": "\#(call.lowercase)", "kind": "animation", "amountCents": \#(cents)}"#
                let answer = try await programme.service.request(.post, "/v1/envelopes", as: [.operator], json: body)
                return answer.status == .created
            }
            for rank in 1...history.chance.number(2...5) {
                let isReserve = history.chance.happens(onceIn: 4)
                let asked = history.chance.cents(20_000_000...150_000_000)
                let application = history.chance.uuid()
                try history.select(
                    application, in: call, outcome: isReserve ? .reserve : .funded, rank: rank, requestedCents: asked)
            }
            let rejected = history.chance.uuid()
            try history.select(rejected, in: call, outcome: .rejected, rank: nil, requestedCents: 1_000_000)
        }
        return history
    }

    /// More requests than there may be money for.
    static func requests(under agreement: AgreementAnswer, _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        for _ in 0..<history.chance.number(3...6) {
            let experiment = history.chance.uuid()
            try history.tell(Controls.request(experiment, under: agreement), about: experiment)
        }
        return history
    }

    /// Sites and experiments of agreements, of which one is signed only now.
    static func evidence(
        _ programme: Programme, _ agreements: [AgreementAnswer], _ chance: Chance
    ) throws -> History {
        var history = History(chance: chance)
        let draft = agreements[1].id
        history.act("signs \(draft.lowercase)") { try await programme.sign(draft).status == .ok }
        for agreement in agreements {
            let site = history.chance.uuid()
            var opened = Controls.siteOpened(agreement)
            opened.site = site
            try history.tell(opened, about: site)
            for _ in 0..<history.chance.number(1...2) {
                let experiment = history.chance.uuid()
                try history.registerExperiment(experiment, site: site, under: agreement.id)
                var request = Controls.request(experiment, under: agreement)
                request.site = site
                try history.tell(request, about: experiment)
                try history.startExperiment(experiment, site: site, under: agreement.id)
                try history.reachMilestones(history.chance.number(0...2), of: experiment)
                switch history.chance.number(0...3) {
                case 0: continue
                case 1: try history.terminateExperiment(experiment, site: site, under: agreement.id)
                default:
                    try history.completeExperiment(experiment, site: site, under: agreement.id)
                    try history.publishEvaluation(of: experiment, under: agreement.id)
                }
            }
            try history.reportOn(site, number: 1, under: agreement.id)
        }
        return history
    }
}
