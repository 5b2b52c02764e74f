import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// An envelope with what became of its money, in cents; each amount is part of the one before it.
struct EnvelopeStanding: Sendable {
    let envelope: Envelope
    let reservedCents: Int64
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let openedAt: Date
}

/// Calls as far as money goes, and their envelopes.
struct EnvelopeStore: Sendable {
    let allotments: AllotmentStore

    /// Notes what a published call announced.
    func note(_ funds: CallFunds, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into calls (call, animation_cents, experiments_cents)
            values (\(funds.call), \(funds.animationCents), \(funds.experimentsCents)) on conflict do nothing
            """)
    }

    /// Opens an envelope and serves the ranks that waited for it.
    func open(
        call: UUID, purpose: EnvelopePurpose, amountCents: Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<EnvelopeStanding> {
        let (envelope, transfer) = try Envelope.open(
            id: EventID.next(), purpose: purpose, amountCents: amountCents,
            of: try await funds(of: call, in: session))
        let inserted = try await session.query(
            """
            insert into envelopes (id, call, kind, amount_cents, opened_at)
            values (\(envelope.id), \(call), \(purpose.rawValue), \(amountCents), \(command.now))
            on conflict (call, kind) do nothing
            """)
        guard inserted.affectedCount == 1 else { throw FundingError.envelopeExists }
        let opened = command.event(
            EnvelopeOpened(
                envelope: envelope.id, call: call, kind: EnvelopeKind(purpose), amountCents: amountCents),
            about: envelope.id)
        try await LedgerStore.open(.init(transfer: transfer, at: command.now, event: opened.id), in: session)
        try await EventLog.append([opened], in: session)
        if purpose == .animation { try await allotments.advance(call: call, command, in: session) }
        return try await find(envelope.id, in: session)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Versioned<EnvelopeStanding> {
        let rows = try await session.query("select * from envelope_money where envelope = \(id)")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "envelope") }
        return try Self.standing(row)
    }

    /// Envelopes in the order of their ids, those of one call if one is given.
    func list(
        call: UUID?, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<EnvelopeStanding>] {
        let rows = try await session.query(
            """
            select * from envelope_money
            where (\(call) is null or call = \(call)) and (\(after) is null or envelope > \(after))
            order by envelope limit \(limit)
            """)
        return try rows.map { try Self.standing($0) }
    }

    /// The call's envelope for a purpose, once opened.
    static func id(of call: UUID, _ purpose: EnvelopePurpose, in session: some PostgresSession) async throws -> UUID? {
        try await session.query(
            "select id from envelopes where call = \(call) and kind = \(purpose.rawValue)"
        ).first?.get("id")
    }

    private func funds(of call: UUID, in session: some PostgresSession) async throws -> CallFunds? {
        let rows = try await session.query(
            "select animation_cents, experiments_cents from calls where call = \(call)")
        return try rows.first.map { row in
            CallFunds(
                call: call, animationCents: try row.get("animation_cents"),
                experimentsCents: try row.get("experiments_cents"))
        }
    }

    private static func standing(_ row: PostgresRow) throws -> Versioned<EnvelopeStanding> {
        let envelope = Envelope(
            id: try row.get("envelope"), call: try row.get("call"), purpose: try row.get("kind"),
            amountCents: try row.get("amount_cents"))
        let standing = EnvelopeStanding(
            envelope: envelope, reservedCents: try row.get("reserved_cents"),
            committedCents: try row.get("committed_cents"), releasedCents: try row.get("released_cents"),
            paidCents: try row.get("paid_cents"), openedAt: try row.get("opened_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
