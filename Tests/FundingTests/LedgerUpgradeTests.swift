import Foundation
import FundingDomain
import Logging
import Migrations
import Outbox
import Postgres
import ServiceRuntime
import TestSupport
import Testing

@testable import Funding

/// A ledger of the first version, which kept what is committed, released and paid by grant, becomes a tree.
@Suite(.timeLimit(.minutes(10))) struct LedgerUpgradeTests {
    /// An envelope of 1,000; a grant of 600, signed, of which 180 and 300 are released and 180 paid; a grant of 100.
    private static let olderRows = """
        insert into calls values ('00000000-0000-7000-8000-000000000001', 1000, 1000);
        insert into rule_sets values ('r', now(), 5000, '{}', 5000, 1, 's', now(), 'o');
        insert into envelopes (id, call, kind, amount_cents, opened_at)
        values ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'animation', 1000,
            now());
        insert into grants (id, kind, state, call, application, envelope, lead_siren, consortium, requested_cents,
            reserved_cents, rule_set, derivation, settled_at)
        select ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'animation', 'reserved',
            '00000000-0000-7000-8000-000000000001', gen_random_uuid(), '00000000-0000-7000-8000-000000000002',
            '200034528', '{}', cents, cents, 'r', '[]', now()
        from (values (3, 600), (4, 100)) as g (n, cents);
        insert into agreements (id, grant_id, application, lead_siren, state, drafted_at, drafted_by, signed_on,
            signed_at)
        values ('00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-000000000003', gen_random_uuid(),
            '200034528', 'signed', now(), 'o', now(), now());
        insert into tranches (id, agreement, number, amount_cents, conditions, state, released_at)
        select ('00000000-0000-7000-8000-00000000001' || n)::uuid, '00000000-0000-7000-8000-000000000005', n, cents,
            '{site-opened}', state, case when state in ('released', 'paid') then now() end
        from (values (1, 180, 'paid'), (2, 300, 'released'), (3, 120, 'opened')) as t (n, cents, state);
        insert into payments (id, tranche, amount_cents, state, creditor_name, iban, ordered_by, ordered_at,
            approved_by, approved_at, executed_by, executed_at, bank_reference)
        values ('00000000-0000-7000-8000-000000000006', '00000000-0000-7000-8000-000000000011', 180, 'executed', 'c',
            'FR1420041010050500013M02606', 'a', now(), 'b', now(), 'b', now(), 'r');
        insert into accounts (owner, kind, debited_cents, credited_cents) values
            ('00000000-0000-7000-8000-000000000002', 'available', 700, 1000),
            ('00000000-0000-7000-8000-000000000003', 'reserved', 600, 600),
            ('00000000-0000-7000-8000-000000000003', 'committed', 480, 600),
            ('00000000-0000-7000-8000-000000000003', 'released', 180, 480),
            ('00000000-0000-7000-8000-000000000003', 'paid', 0, 180),
            ('00000000-0000-7000-8000-000000000004', 'reserved', 0, 100),
            ('00000000-0000-7000-8000-000000000004', 'committed', 0, 0),
            ('00000000-0000-7000-8000-000000000004', 'released', 0, 0),
            ('00000000-0000-7000-8000-000000000004', 'paid', 0, 0);
        update accounts set debited_cents = 1000 where kind = 'budget';
        insert into events (id, type, stream, subject, sequence, time, actor, correlation, data)
        select ('00000000-0000-7000-8000-00000000010' || n)::uuid, 'funding.old.told.v1', 'old', n::text, 1, now(), 'o',
            'c', '{"amountCents": ' || cents || '}'
        from (values (1, 1000), (2, 600), (3, 100), (4, 600), (5, 180), (6, 300), (7, 180)) as e (n, cents);
        insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event)
        select now(), d.id, c.id, t.cents, t.reason, t.reason || ':00000000-0000-7000-8000-0000000000' || t.thing,
            ('00000000-0000-7000-8000-00000000010' || t.n)::uuid
        from (values
            (1, 1000, 'open', '02', 'budget', '00000000-0000-0000-0000-000000000000', 'available', 2),
            (2, 600, 'reserve', '03', 'available', '00000000-0000-7000-8000-000000000002', 'reserved', 3),
            (3, 100, 'reserve', '04', 'available', '00000000-0000-7000-8000-000000000002', 'reserved', 4),
            (4, 600, 'commit', '05', 'reserved', '00000000-0000-7000-8000-000000000003', 'committed', 3),
            (5, 180, 'release', '11', 'committed', '00000000-0000-7000-8000-000000000003', 'released', 3),
            (6, 300, 'release', '12', 'committed', '00000000-0000-7000-8000-000000000003', 'released', 3),
            (7, 180, 'pay', '06', 'released', '00000000-0000-7000-8000-000000000003', 'paid', 3)
        ) as t (n, cents, reason, thing, debit_kind, debit_owner, credit_kind, credit_owner)
        join accounts d on d.kind = t.debit_kind and d.owner = t.debit_owner::uuid
        join accounts c on c.kind = t.credit_kind
            and c.owner = ('00000000-0000-7000-8000-00000000000' || t.credit_owner)::uuid
        order by t.n
        """

    @Test func whatWasKeptByGrantIsKeptByAgreementTrancheAndLine() async throws {
        try await withDatabase(schema: "funding") { _, url in
            // given
            let pool = PostgresPool(
                configuration: PostgresConfiguration(
                    connectionString: url, schema: "funding", applicationName: "upgrade", connectionCountMax: 2),
                logger: Logger(label: "tests"))
            let files = FundingService.allMigrations
            let older = files.filter { $0.component != "funding" || $0.name < "0006" }
            _ = try await Migrator(schema: "funding", files: older).apply(on: pool)
            try await pool.withConnection { try await $0.executeScript(Self.olderRows) }
            // when
            _ = try await Migrator(schema: "funding", files: files).apply(on: pool)
            // then
            let balances = try await pool.query(
                """
                select kind, array_agg(credited_cents - debited_cents order by owner)::text as cents
                from accounts group by kind order by kind
                """)
            #expect(
                try balances.map { "\(try $0.get("kind", as: String.self)) \(try $0.get("cents", as: String.self))" }
                    == [
                        "available {300}", "budget {-1000}", "committed {120}", "paid {180}", "released {0,300}",
                        "reserved {0,100}",
                    ])
            #expect(try await LedgerVerifier(pool: pool).verify().findings == [])
            let money = try await pool.query("select * from envelope_money").first
            #expect(try money?.get("reserved_cents", as: Int64.self) == 700)
            #expect(try money?.get("paid_cents", as: Int64.self) == 180)

            // when: the programme is opened, too small and then as it should be
            let command = CommandContext(actor: "o", cause: .init(correlationID: "c"), now: Date())
            func open(_ cents: Int64) async throws -> Versioned<ProgrammeStanding> {
                try await pool.withTransaction {
                    try await ProgrammeStore().open(
                        name: "p", amountCents: 5000, allottedCents: [.animation: cents], command, in: $0)
                }
            }
            let refusal = await #expect(throws: FundingError.self) { try await open(999) }
            #expect(refusal?.field == "/animationCents")
            let opened = try await open(1200).value
            // then: the old envelope is its part's, and can be adjusted as any other
            #expect(opened.unallottedCents == 3800)
            #expect(opened.parts.first?.allottedCents == 1200 && opened.parts.first?.paidCents == 180)
            #expect(try await LedgerVerifier(pool: pool).verify().findings == [])
            let envelope = try #require(UUID(uuidString: "00000000-0000-7000-8000-000000000002"))
            let lowered = try await pool.withTransaction {
                try await EnvelopeStore(allotments: AllotmentStore(grants: GrantStore()))
                    .adjust(envelope, by: -300, expected: 1, command, in: $0)
            }
            #expect(lowered.value.envelope.amountCents == 700 && lowered.value.availableCents == 0)
            #expect(try await LedgerVerifier(pool: pool).verify().findings == [])
            await pool.close()
        }
    }
}
