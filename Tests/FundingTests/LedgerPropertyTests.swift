import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Funding

/// Whatever is done to the money, by however many at a time, and wherever the connections are cut.
@Suite(.timeLimit(.minutes(20))) struct LedgerPropertyTests {
    private static let workerCount = 6

    private static var seeds: ClosedRange<UInt64> {
        let count = ProcessInfo.processInfo.environment["MAILLAGE_LEDGER_SEEDS"].flatMap(UInt64.init) ?? 3
        return 1...count
    }

    @Test(arguments: Self.seeds)
    func noSequenceOfCommandsAndCrashesMakesOrLosesMoney(seed: UInt64) async throws {
        try await Programme.withoutMoney { programme in
            // given: less money than is asked for
            try await programme.openProgramme(
                amountCents: 2_500_000_000, animationCents: 1_000_000_000, experimentsCents: 500_000_000)
            try await programme.publishRules()
            var chance = Chance(seed: seed)
            let calls = (0..<4).map { _ in chance.uuid() }
            for call in calls {
                let published = Controls.call(call, animationCents: 500_000_000, experimentsCents: 400_000_000)
                try await programme.service.deliver(published, subject: call.lowercase)
            }
            let money = RandomMoney(programme: programme, calls: calls)
            // Half of the calls have their money from the beginning, so that grants are there early.
            for call in calls.prefix(2) {
                let body = #"{"call": "\#(call.lowercase)", "kind": "animation", "amountCents": 300000000}"#
                let opened = try await programme.service.request(
                    .post, "/v1/envelopes", as: [.operator], json: body)
                #expect(opened.status == .created)
            }
            // when: six people at once, while connections are cut in the middle of what they do
            let cutCount = try await withCuts(in: programme) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<Self.workerCount {
                        let chance = Chance(seed: seed &* 1_000 &+ UInt64(worker))
                        group.addTask { try await money.work(chance, count: 400) }
                    }
                    try await group.waitForAll()
                }
            }
            try await programme.retryParked()
            try await programme.service.checkpoint()
            // then
            try await programme.expectBalancedLedger()
            #expect(try await Rebuilt.fromEvents(of: programme) == Rebuilt.live(of: programme))
            try await expectEachAcknowledgementOnce(money, programme)
            // what would prove nothing: no cuts, or commands that do nothing
            let done = money.state.things.withLock { $0.done }
            #expect(cutCount > 20)
            let names = [
                "open", "adjust", "allot", "reserve", "draft", "sign", "order", "approve", "execute", "amend",
                "sign-amendment", "submit", "accept", "settle",
            ]
            for name in names {
                #expect(done[name]?.isEmpty == false, "\(name) never took effect")
            }
        }
    }

    /// Runs `body` while another session cuts off whoever is in the middle of something.
    private func withCuts(
        in programme: Programme, _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Int {
        try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask {
                var count = 0
                while !Task.isCancelled {
                    // The server waits, so that a cut falls between any two statements.
                    let rows = try? await programme.service.pool.query(
                        """
                        select pg_sleep(random() * 0.3), (
                            select count(pg_terminate_backend(pid)) from (
                                select pid from pg_stat_activity
                                where datname = current_database() and pid <> pg_backend_pid()
                                    and state in ('active', 'idle in transaction')
                                order by random() limit 1) a) as cut_count
                        """)
                    count += Int((try? rows?.first?.get("cut_count", as: Int64.self)) ?? 0)
                }
                return count
            }
            group.addTask {
                try await body()
                return nil
            }
            // The cutter never ends by itself.
            _ = try await group.next()
            group.cancelAll()
            return try await group.next()?.flatMap { $0 } ?? 0
        }
    }

    private func expectEachAcknowledgementOnce(_ money: RandomMoney, _ programme: Programme) async throws {
        let done = money.state.things.withLock { $0.done }
        let counts: [String: PostgresQuery] = [
            "open": "select count(*) - 2 as n from envelopes", "reserve": "select count(*) as n from reservations",
            "let-go": "select count(*) as n from reservations where state = 'let-go'",
            "draft": "select count(*) as n from agreements",
            "sign": "select count(*) as n from transfers where reason = 'commit'",
            "order": "select count(*) as n from payments",
            "approve": "select count(*) as n from payments where approved_by is not null",
            "execute": "select count(*) as n from payments where bank_reference not like 'offset-%'",
            "cancel": "select count(*) as n from payments where state = 'cancelled'",
            "terminate": "select count(*) as n from agreement_changes where change = 'terminate'",
            "propose": "select count(*) as n from recoveries where cause is null and proposed_by <> 'funding'",
            "amend": "select count(*) as n from amendments",
            "discard": "select count(*) as n from amendments where state = 'discarded'",
            "sign-amendment": "select count(*) as n from amendments where state = 'signed'",
            "submit": "select count(*) as n from expense_statement_changes where change = 'submit'",
            "accept": "select count(*) as n from expense_statement_changes where change = 'accept'",
            "reopen": "select count(*) as n from expense_statement_changes where change = 'reopen'",
            "settle": "select count(*) as n from agreement_changes where change = 'settle'",
            "claim": "select count(*) as n from transfers where reason = 'claim'",
            "receive": "select count(*) as n from recovery_receipts where bank_reference not like 'offset-%'",
            "waive": "select count(*) as n from transfers where reason = 'waive'",
            "allot": "select count(*) - 2 as n from transfers where reason in ('allot', 'take-back')",
            "adjust": """
            select count(*) - (select count(*) from envelopes) as n from transfers
            where reason in ('fund', 'withdraw')
            """,
        ]
        for (name, count) in counts {
            let rows = try await programme.service.pool.query(count)
            #expect(try rows.first?.get("n", as: Int64.self) == Int64(done[name, default: []].count), "\(name)")
        }
    }
}

/// The balances of all accounts, by kind and by what is known outside the ledger.
private enum Rebuilt {
    static func live(of programme: Programme) async throws -> [String: Int64] {
        let rows = try await programme.service.pool.query(
            """
            select a.kind || ' ' || coalesce(p.kind, l.agreement::text, nullif(a.owner::text,
                '00000000-0000-0000-0000-000000000000'), '') as name,
                sum(a.credited_cents - a.debited_cents)::bigint as cents
            from accounts a
            left join programme_parts p on p.id = a.owner
            left join agreement_lines l on l.id = a.owner
            group by 1
            """)
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.get("name"), try $0.get("cents")) })
            .filter { $0.value != 0 }
    }

    /// From nothing but the log.
    static func fromEvents(of programme: Programme) async throws -> [String: Int64] {
        var (balances, envelopes): ([String: Int64], [UUID: EnvelopeKind]) = ([:], [:])
        func move(_ cents: Int64, from debit: String, to credit: String) {
            balances[debit, default: 0] -= cents
            balances[credit, default: 0] += cents
        }
        for event in try await programme.service.recordedEvents() {
            switch event.type {
            case ProgrammeOpened.type.name:
                let told = try event.decode(ProgrammeOpened.self)
                move(told.amountCents, from: "budget ", to: "programme \(told.programme.lowercase)")
            case ProgrammeAllotted.type.name:
                let told = try event.decode(ProgrammeAllotted.self)
                move(told.changeCents, from: "programme \(told.programme.lowercase)", to: "part \(told.kind.rawValue)")
            case EnvelopeOpened.type.name:
                let told = try event.decode(EnvelopeOpened.self)
                envelopes[told.envelope] = told.kind
                move(
                    told.amountCents, from: "part \(told.kind.rawValue)", to: "available \(told.envelope.lowercase)")
            case EnvelopeAdjusted.type.name:
                let told = try event.decode(EnvelopeAdjusted.self)
                move(
                    told.changeCents, from: "part \(told.kind.rawValue)", to: "available \(told.envelope.lowercase)")
            case ReservationMade.type.name:
                let told = try event.decode(ReservationMade.self)
                move(
                    told.amountCents, from: "available \(told.envelope.lowercase)",
                    to: "held \(told.reservation.lowercase)")
            case ReservationLetGo.type.name:
                let told = try event.decode(ReservationLetGo.self)
                move(
                    told.amountCents, from: "held \(told.reservation.lowercase)",
                    to: "available \(told.envelope.lowercase)")
            default: try moveGrant(event, move)
            }
        }
        return balances.filter { $0.value != 0 }
    }

    private static func moveGrant(
        _ event: ServiceHarness.RecordedEvent, _ move: (Int64, String, String) -> Void
    ) throws {
        switch event.type {
        case GrantReserved.type.name:
            let told = try event.decode(GrantReserved.self)
            move(told.reservedCents, "available \(told.envelope.lowercase)", "reserved \(told.grant.lowercase)")
        case GrantReleased.type.name:
            let told = try event.decode(GrantReleased.self)
            move(told.amountCents, "reserved \(told.grant.lowercase)", "available \(told.envelope.lowercase)")
        case ExperimentAgreementSigned.type.name:
            let told = try event.decode(ExperimentAgreementSigned.self)
            move(told.grantedCents, "reserved \(told.grant.lowercase)", "committed \(told.agreement.lowercase)")
        case AgreementSigned.type.name:
            let told = try event.decode(AgreementSigned.self)
            move(told.grantedCents, "reserved \(told.grant.lowercase)", "committed \(told.agreement.lowercase)")
        case TrancheReleased.type.name:
            let told = try event.decode(TrancheReleased.self)
            move(told.amountCents, "committed \(told.agreement.lowercase)", "released \(told.tranche.lowercase)")
        case PaymentExecuted.type.name:
            let told = try event.decode(PaymentExecuted.self)
            move(told.amountCents, "released \(told.tranche.lowercase)", "paid \(told.agreement.lowercase)")
        default: try moveBack(event, move)
        }
    }

    private static func moveBack(
        _ event: ServiceHarness.RecordedEvent, _ move: (Int64, String, String) -> Void
    ) throws {
        switch event.type {
        case TrancheCancelled.type.name:
            let told = try event.decode(TrancheCancelled.self)
            guard told.wasReleased else { return }
            move(told.amountCents, "released \(told.tranche.lowercase)", "committed \(told.agreement.lowercase)")
        case AgreementTerminated.type.name:
            let told = try event.decode(AgreementTerminated.self)
            move(told.amountCents, "committed \(told.agreement.lowercase)", "available \(told.envelope.lowercase)")
        case AgreementAmended.type.name:
            let told = try event.decode(AgreementAmended.self)
            move(told.amountCents, "committed \(told.agreement.lowercase)", "available \(told.envelope.lowercase)")
        case AgreementSettled.type.name:
            let told = try event.decode(AgreementSettled.self)
            move(told.amountCents, "committed \(told.agreement.lowercase)", "available \(told.envelope.lowercase)")
        case RecoveryOrdered.type.name:
            let told = try event.decode(RecoveryOrdered.self)
            move(told.amountCents, "paid \(told.agreement.lowercase)", "claimed \(told.recovery.lowercase)")
        case RecoveryReceived.type.name:
            let told = try event.decode(RecoveryReceived.self)
            move(told.amountCents, "claimed \(told.recovery.lowercase)", "available \(told.envelope.lowercase)")
        case RecoveryWaived.type.name:
            let told = try event.decode(RecoveryWaived.self)
            move(told.amountCents, "claimed \(told.recovery.lowercase)", "paid \(told.agreement.lowercase)")
        default: break
        }
    }
}
