import CofundingRules
import Events
import Foundation
import FundingDomain
import HTTPTypes
import Identity
import Postgres
import ServiceRuntime
import TestSupport
import Testing

@testable import Funding

@Suite(.timeLimit(.minutes(10))) struct Ledger {
    /// Opens an envelope in the ledger alone.
    private func envelope(_ cents: Int64, in pool: PostgresPool) async throws -> UUID {
        let (programme, opening, allotments) = try FundingDomain.Programme.open(
            name: "of one envelope", amountCents: cents, allottedCents: [.animation: cents], nextID: UUID.init)
        let part = try #require(programme.part(for: .animation))
        let (envelope, transfer) = try Envelope.open(
            id: UUID(), purpose: .animation, amountCents: cents,
            of: CallFunds(call: UUID(), animationCents: cents, experimentsCents: cents), from: (part.id, cents))
        try await pool.withTransaction { transaction in
            for transfer in [opening] + allotments + [transfer] {
                try await LedgerStore.book(.init(transfer: transfer, at: Date(), event: UUID()), in: transaction)
            }
        }
        return envelope.id
    }

    private func reservation(of envelope: UUID, _ cents: Int64) throws -> LedgerStore.Entry {
        let decision = Decision(
            application: UUID(), call: UUID(), outcome: .funded, rank: 1,
            consortium: Consortium(lead: Member(Controls.member()), partners: []), animationBudgetCents: cents * 2,
            requestedCents: cents, decidedAt: Date())
        let step = CallAllotment(call: decision.call).step(
            decision, ruleSets: [try CofundingControls.rules()], envelope: envelope, grant: UUID())
        guard case .reserve(let claim)? = step else { throw Unserved() }
        return LedgerStore.Entry(transfer: claim.transfer, at: Date(), event: UUID())
    }

    private struct Unserved: Error {}

    @Test(arguments: [20, 200])
    func ofRacingReservationsOfTheLastEuroExactlyOneWins(workerCount: Int) async throws {
        try await Programme.with { programme in
            let pool = programme.service.pool
            for _ in 0..<5 {
                // given: one euro is left
                let envelope = try await envelope(100, in: pool)
                let entries = try (0..<workerCount).map { _ in try reservation(of: envelope, 100) }
                // when
                let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for entry in entries {
                        group.addTask {
                            try await pool.withTransaction { try await LedgerStore.reserve(entry, in: $0) }
                        }
                    }
                    return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                // then
                #expect(winners == 1)
            }
            try await programme.expectEqualSums()
        }
    }

    @Test(arguments: [20, 200])
    func ofRacingRequestsForTheLastCofundingExactlyOneIsApproved(workerCount: Int) async throws {
        try await Programme.with { programme in
            // given: an envelope for one of them
            try await programme.prepare(experimentsCents: 20_000_000)
            let agreement = try await programme.signedAgreement()
            let experiments = (0..<workerCount).map { _ in UUID() }
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for experiment in experiments {
                    group.addTask {
                        try await programme.service.deliver(
                            Controls.request(experiment, under: agreement), subject: experiment.lowercase, sequence: 1)
                    }
                }
                try await group.waitForAll()
            }
            // then
            #expect(try await programme.service.recordedEvents(type: CofundingApproved.type.name).count == 1)
            let refused = try await programme.service.recordedEvents(type: CofundingRefused.type.name)
            #expect(refused.count == workerCount - 1)
            #expect(try await programme.service.deadLetterCount() == 0)
            #expect(try await programme.envelopes()["experiments"]?.money == [20_000_000, 20_000_000, 0, 0, 0])
            try await programme.expectBalancedLedger()
        }
    }

    @Test func transferIsBookedOnceAndMissingMoneyIsAContradiction() async throws {
        try await Programme.with { programme in
            // given
            let pool = programme.service.pool
            let envelope = try await envelope(2000, in: pool)
            let entry = try reservation(of: envelope, 600)
            #expect(try await pool.withTransaction { try await LedgerStore.reserve(entry, in: $0) })
            // when: the same command again, although the money would suffice
            let error = await #expect(throws: PostgresError.self) {
                try await pool.withTransaction { try await LedgerStore.reserve(entry, in: $0) }
            }
            // then
            #expect(error?.isUniqueViolation == true)
            // when: money moves on that is not there
            var agreement = try Agreement.draft(
                id: UUID(),
                of: Grant(
                    id: UUID(), purpose: .animation, state: .reserved, of: (call: UUID(), application: UUID()),
                    consortium: Consortium(lead: Member(Controls.member()), partners: []), reservedCents: 600),
                nextID: UUID.init)
            let signatories = [
                Signatory(side: .funder, name: "a", role: "b"), Signatory(side: .beneficiary, name: "a", role: "b"),
            ]
            let commitment = try agreement.sign(by: signatories, on: Date(), at: Date())
            // then
            await #expect(throws: LedgerContradiction.self) {
                try await pool.withTransaction {
                    try await LedgerStore.book(.init(transfer: commitment, at: Date(), event: UUID()), in: $0)
                }
            }
            try await programme.expectEqualSums()
        }
    }

    @Test(
        arguments: [
            "update accounts set debited_cents = debited_cents + 1 where kind <> 'budget'",
            "update accounts set credited_cents = credited_cents - 1",
            "delete from accounts where kind = 'available'", "update accounts set parent = id where kind = 'reserved'",
            "select ledger_book(array[now()], array[owner], array[kind], array[gen_random_uuid()], array['paid'], "
                + "array[1], array['pay'], array['pay:x'], array[gen_random_uuid()]) from accounts "
                + "where kind = 'available'",
            "select ledger_book(array[now()], array[owner], array[kind], array[gen_random_uuid()], array['held'], "
                + "array[1], array['hold'], array['hold:x'], array[gen_random_uuid()]) from accounts "
                + "where kind = 'available' and credited_cents = debited_cents",
            // A move that there is, and not between these two.
            "select ledger_book(array[now()], array[a.owner], array['available'], array[p.id], array['part'], "
                + "array[1], array['withdraw'], array['withdraw:x'], array[gen_random_uuid()]) from accounts a "
                + "join envelopes e on e.id = a.owner join programme_parts p on p.kind <> e.kind "
                + "where a.kind = 'available' and a.credited_cents > a.debited_cents",
            "update ledger_blocks set entry_count = 1", "delete from ledger_blocks",
            "update transfers set amount_cents = 1", "delete from transfers", "truncate transfers cascade",
            "update evidence set event = gen_random_uuid()", "delete from evidence",
            "update rule_sets set experiment_ceiling_cents = 1", "delete from rule_sets",
            "update events set actor = 'nobody'", "delete from events",
            "update payments set approved_by = ordered_by, state = 'approved', approved_at = now()",
        ])
    func databaseRefusesWhatNoProgramMayDo(statement: String) async throws {
        try await Programme.with { programme in
            // given: everything has rows, and the reserved money is committed to the cent
            try await programme.prepare(animationCents: 100_000_000)
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            _ = try await programme.order(agreement.tranches[0].id)
            try await programme.service.checkpoint()
            // then: even the owner of the tables is refused
            let error = await #expect(throws: PostgresError.self) {
                try await programme.service.pool.withConnection { try await $0.executeScript(statement) }
            }
            #expect(["23514", "23001"].contains(error?.sqlState ?? ""))
        }
    }

    @Test func runRoleMayInsertIntoLogsAndLedgerAndNothingElse() async throws {
        try await Programme.with { programme in
            // given
            let role = "run_\(UUID().lowercase.replacing("-", with: "").prefix(12))"
            let pool = programme.service.pool
            try await pool.query("create role \(identifier: role)")
            try await programme.prepare()
            _ = try await SchemaUpgrade(of: FundingService.self, schema: "funding", runRole: role).run(on: pool)
            // then
            for table in ["events"] + FundingSchema.appendOnlyTables {
                for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"] {
                    let rows = try await pool.query(
                        "select has_table_privilege(\(role), \("funding.\(table)"), \(privilege)) as has")
                    let isGranted = try #require(rows.first).get("has", as: Bool.self)
                    #expect(isGranted == ["SELECT", "INSERT"].contains(privilege), "\(privilege) on \(table)")
                }
            }
            for table in FundingSchema.readOnlyTables {
                for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"] {
                    let rows = try await pool.query(
                        "select has_table_privilege(\(role), \("funding.\(table)"), \(privilege)) as has")
                    let isGranted = try #require(rows.first).get("has", as: Bool.self)
                    #expect(isGranted == (privilege == "SELECT"), "\(privilege) on \(table)")
                }
            }
            try await pool.withConnection { connection in
                try await connection.query("set role \(identifier: role)")
                let error = await #expect(throws: PostgresError.self) {
                    try await connection.query("update transfers set amount_cents = 1")
                }
                #expect(error?.sqlState == "42501")
                // What it may: lock and book through the functions, and nothing that they refuse.
                let booked = try await connection.query(
                    """
                    select ledger_lock(owner, kind) as balance, ledger_book(array[now()], array[owner], array[kind],
                        array[gen_random_uuid()], array['held'], array[1::bigint], array['hold'], array['hold:test'],
                        array[gen_random_uuid()]) as count
                    from accounts where kind = 'available' limit 1
                    """)
                #expect(try booked.first?.get("count", as: Int64.self) == 1)
                try await connection.query("reset role")
            }
            try await pool.query("drop owned by \(identifier: role)")
            try await pool.query("drop role \(identifier: role)")
        }
    }
}
