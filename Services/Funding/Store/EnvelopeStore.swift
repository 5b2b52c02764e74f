import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// An envelope with what became of its money, in cents; each amount is part of the one before it.
struct EnvelopeStanding: Sendable {
    let envelope: Envelope
    /// The call's wave, where it is known.
    let wave: Int?
    /// Set aside by operators.
    let heldCents: Int64
    let reservedCents: Int64
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let openedAt: Date

    var availableCents: Int64 { envelope.amountCents - heldCents - reservedCents }
}

/// Calls as far as money goes, and their envelopes.
struct EnvelopeStore: Sendable {
    let allotments: AllotmentStore

    /// Notes what a published call announced.
    func note(_ funds: CallFunds, wave: Int, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into calls (call, animation_cents, experiments_cents, wave)
            values (\(funds.call), \(funds.animationCents), \(funds.experimentsCents), \(Int32(clamping: wave)))
            on conflict do nothing
            """)
    }

    /// Opens an envelope and serves the ranks that waited for it.
    func open(
        call: UUID, purpose: EnvelopePurpose, amountCents: Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<EnvelopeStanding> {
        let (envelope, transfer) = try Envelope.open(
            id: EventID.next(), purpose: purpose, amountCents: amountCents,
            of: try await funds(of: call, in: session),
            from: try await ProgrammeStore.lockPart(for: purpose, in: session))
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
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: opened.id), in: session)
        try await EventLog.append([opened], in: session)
        if purpose == .animation { try await allotments.advance(call: call, command, in: session) }
        return try await find(envelope.id, in: session)
    }

    /// Raises or lowers an envelope, and serves what waited for it.
    func adjust(
        _ id: UUID, by changeCents: Int64, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<EnvelopeStanding> {
        try await session.query("select id from envelopes where id = \(id) for update")
        let stored = try await find(id, in: session)
        try stored.check(expected)
        let envelope = stored.value.envelope
        guard let part = try await ProgrammeStore.lockPart(for: envelope.purpose, in: session) else {
            throw FundingError.programmeNotOpen
        }
        guard let funds = try await funds(of: envelope.call, in: session) else { throw FundingError.callNotKnown }
        let availableCents = try await LedgerStore.lock(.available(envelope: id), in: session) ?? 0
        let transfer = try envelope.adjust(
            by: changeCents, of: funds, from: part.id, balances: (availableCents, part.balanceCents),
            change: EventID.next())
        let adjusted = command.event(
            EnvelopeAdjusted(
                envelope: id, call: envelope.call, kind: EnvelopeKind(envelope.purpose), changeCents: changeCents,
                amountCents: envelope.amountCents + changeCents),
            about: id)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: adjusted.id), in: session)
        try await session.query("update envelopes set version = version + 1 where id = \(id)")
        try await EventLog.append([adjusted], in: session)
        return try await find(id, in: session)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Versioned<EnvelopeStanding> {
        let rows = try await session.query(
            """
            select m.*, c.wave from envelope_money m join calls c on c.call = m.call where m.envelope = \(id)
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "envelope") }
        return try Self.standing(row)
    }

    /// Envelopes in the order of their ids, those of one call if one is given.
    func list(
        call: UUID?, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<EnvelopeStanding>] {
        let rows = try await session.query(
            """
            select m.*, c.wave from envelope_money m join calls c on c.call = m.call
            where (\(call) is null or m.call = \(call)) and (\(after) is null or m.envelope > \(after))
            order by m.envelope limit \(limit)
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
            envelope: envelope, wave: try row.get("wave", as: Int32?.self).map { Int($0) },
            heldCents: try row.get("held_cents"), reservedCents: try row.get("reserved_cents"),
            committedCents: try row.get("committed_cents"), releasedCents: try row.get("released_cents"),
            paidCents: try row.get("paid_cents"), openedAt: try row.get("opened_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
