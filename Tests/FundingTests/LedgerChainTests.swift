import Events
import Foundation
import FundingDomain
import HTTPTypes
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Funding

/// The hash chain over the ledger, and reading all of it again.
@Suite(.timeLimit(.minutes(10))) struct LedgerChainTests {
    /// Money that went as far as it can, sealed in two blocks, and an entry that waits for its seal.
    private func prepare(_ programme: Programme) async throws {
        try await programme.prepare()
        let agreement = try await programme.signedAgreement()
        try await programme.service.checkpoint()
        try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
        let payment: PaymentAnswer = try await programme.order(agreement.tranches[0].id).decode()
        _ = try await programme.approve(payment.id)
        #expect(try await programme.execute(payment.id).status == .ok)
        try await programme.service.checkpoint()
        _ = try await programme.reservedGrant(rank: 2)
    }

    @Test func everyEntryIsSealedOnceAndTheChainIsPublished() async throws {
        try await Programme.with { programme in
            // given, when
            try await prepare(programme)
            // then
            let report = try await programme.verification()
            #expect(report.findings == [])
            #expect(report.blockCount == 2 && report.sealedCount == 9 && report.unsealedCount == 1)
            let seals = try await programme.service.recordedEvents(type: LedgerSealed.type.name)
                .map { try $0.decode(LedgerSealed.self) }
            #expect(seals.map(\.block) == [1, 2] && seals.map(\.entryCount) == [7, 2])
            #expect(seals.last?.hash == report.lastHash)
            #expect(report.text.hasSuffix("ledger: whole\n"))
        }
    }

    @Test func theHashIsTheOneThatIsWrittenDown() async throws {
        try await Programme.with { programme in
            try await prepare(programme)
            #expect(try await blocksAreAsWrittenDown(programme) == [true, true])
        }
    }

    @Test func aBlockOfManyEntriesThatEventsTellCrosswiseIsTheOneThatIsWrittenDown() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let opened = try await programme.envelopes()
            let envelopes = try [#require(opened["animation"]?.id), #require(opened["experiments"]?.id)]
            try await programme.service.checkpoint()
            let (pool, desk) = (programme.service.pool, ReservationStore())
            let early = try claim(on: envelopes[0])
            let told = early.command.event(
                ReservationMade(
                    reservation: early.reservation.id, envelope: envelopes[0], call: programme.call, kind: .animation,
                    beneficiarySiren: Controls.siren, amountCents: 1),
                about: early.reservation.id)
            // when: the first entry is told by the last event, and there are more than are read at once
            try await pool.withTransaction { transaction in
                let entry = LedgerStore.Entry(
                    transfer: early.reservation.holding, at: early.command.now, event: told.id)
                try await LedgerStore.book(entry, in: transaction)
                for _ in 0..<3 {
                    let claims = try (0..<200).map { _ in try claim(on: envelopes[1]) }
                    _ = try await pool.withTransaction { transaction in
                        let envelope = try LockedEnvelopes(
                            await transaction.query(LockedEnvelopes.question([envelopes[1]])))
                        return try await desk.make(claims, of: envelope, in: transaction)
                    }
                }
                try await EventLog.append([told], in: transaction)
            }
            try await programme.service.checkpoint()
            // then
            let report = try await programme.verification()
            #expect(report.findings == [] && report.blockCount == 2 && report.unsealedCount == 0)
            #expect(try await blocksAreAsWrittenDown(programme) == [true, true])
            let sums = try await programme.service.recordedEvents(type: LedgerCheckpointed.type.name)
                .map { try $0.decode(LedgerCheckpointed.self) }
            #expect(sums.last?.balancesCents["held"] == 601)
        }
    }

    private func claim(on envelope: UUID) throws -> ReservationStore.Claim {
        .init(
            reservation: try .claim(
                id: EventID.next(), envelope: envelope, beneficiarySiren: Controls.siren, amountCents: 1,
                purpose: "course"),
            command: CommandContext(
                actor: "test", cause: .init(correlationID: "many"), now: Date(timeIntervalSince1970: 1_772_442_000)))
    }

    /// The same bytes, put together by the server alone, as the comment of `LedgerChain` describes them.
    private func blocksAreAsWrittenDown(_ programme: Programme) async throws -> [Bool] {
        try await programme.service.pool.query(
            """
            select b.hash = sha256(
                convert_to('maillage-ledger-block-1' || E'\\n' || b.number || E'\\n'
                    || encode(b.previous_hash, 'hex') || E'\\n' || b.after_position || E'\\n'
                    || b.up_to_position || E'\\n' || b.entry_count || E'\\n', 'UTF8')
                || string_agg(sha256(convert_to(concat_ws(' ', t.id, (extract(epoch from t.at) * 1000000)::bigint,
                    d.kind, d.owner, c.kind, c.owner, t.amount_cents, t.debit_after_cents, t.credit_after_cents,
                    t.reason, t.command_id, t.event), 'UTF8')), ''::bytea order by t.id)) as is_same
            from ledger_blocks b
            join events e on e.position > b.after_position and e.position <= b.up_to_position
            join transfers t on t.event = e.id
            join accounts d on d.id = t.debit_account join accounts c on c.id = t.credit_account
            group by b.number order by b.number
            """
        ).map { try $0.get("is_same") }
    }

    struct Tampering: Sendable, CustomStringConvertible {
        let description: String
        let statement: String
        let finding: LedgerReport.Finding.Kind
    }

    static let tamperings = [
        Tampering(
            description: "an amount, with its balances",
            statement: """
                update transfers set amount_cents = amount_cents - 1, debit_after_cents = debit_after_cents - 1,
                    credit_after_cents = credit_after_cents - 1 where reason = 'pay';
                update accounts set debited_cents = debited_cents - 1 where kind = 'released' and debited_cents > 0;
                update accounts set credited_cents = credited_cents - 1 where kind = 'paid'
                """, finding: .entry),
        Tampering(
            description: "a beneficiary",
            statement: "update accounts set owner = gen_random_uuid() where kind = 'paid'", finding: .entry),
        Tampering(
            description: "an instant",
            statement: "update transfers set at = at - interval '1 microsecond' where id = 3", finding: .entry),
        Tampering(
            description: "an entry that is gone", statement: "delete from transfers where reason = 'pay'",
            finding: .chain),
        Tampering(
            description: "an entry that was added",
            statement: """
                insert into transfers (at, debit_account, credit_account, amount_cents, reason, command_id, event,
                    debit_after_cents, credit_after_cents)
                select at, debit_account, credit_account, 1, reason, 'pay:more', event, debit_after_cents + 1,
                    credit_after_cents + 1
                from transfers where reason = 'pay'
                """, finding: .chain),
        Tampering(
            description: "the last block", statement: "delete from ledger_blocks where number = 2", finding: .seal),
        Tampering(
            description: "the first block", statement: "delete from ledger_blocks where number = 1", finding: .chain),
        Tampering(
            description: "a balance", statement: "update accounts set credited_cents = credited_cents + 1 where id = 4",
            finding: .balance),
        Tampering(
            description: "the entry that waits for its seal",
            statement: """
                update transfers set amount_cents = amount_cents - 1, debit_after_cents = debit_after_cents - 1,
                    credit_after_cents = credit_after_cents - 1 where id = (select max(id) from transfers);
                update accounts set debited_cents = debited_cents - 1 where kind = 'available'
                    and id = (select debit_account from transfers order by id desc limit 1);
                update accounts set credited_cents = credited_cents - 1
                    where id = (select credit_account from transfers order by id desc limit 1)
                """, finding: .event),
        Tampering(
            description: "a move that there is not",
            statement: "update transfers set reason = 'hold' where id = (select max(id) from transfers)",
            finding: .move),
        Tampering(
            description: "the event of an entry",
            statement: """
                update events set data = (data::jsonb || '{"amountCents": 1}')::text
                where type = 'funding.payment.executed.v1'
                """, finding: .event),
    ]

    @Test(arguments: tamperings)
    func whoChangesTheLedgerWithTheOwnersSecretIsFound(tampering: Tampering) async throws {
        try await Programme.with { programme in
            // given
            try await prepare(programme)
            // when
            try await programme.service.pool.withConnection {
                try await $0.executeScript("set session_replication_role = replica; \(tampering.statement)")
            }
            // then
            let report = try await programme.verification()
            #expect(report.findings.contains { $0.kind == tampering.finding }, "\(report.findings)")
            #expect(!report.isWhole)
        }
    }

    @Test func aChainThatWasWrittenAnewIsFoundByWhoKeptTheOldOne() async throws {
        try await Programme.with { programme in
            // given
            try await prepare(programme)
            let hash = try #require(try await programme.verification().lastHash)
            // when: an amount, its balances, its event and all blocks with their seals are made to fit
            try await programme.service.pool.withConnection {
                try await $0.executeScript(
                    """
                    set session_replication_role = replica;
                    update transfers set at = at - interval '1 day' where reason = 'pay';
                    delete from ledger_blocks; delete from events where type = 'funding.ledger.sealed.v1'
                    """)
            }
            try await programme.service.checkpoint()
            // then: nothing here contradicts it, and yet
            #expect(try await programme.verification().findings == [])
            let report = try await programme.verification(anchors: [2: [hash]])
            #expect(report.findings.map(\.kind) == [.seal])
        }
    }
}
