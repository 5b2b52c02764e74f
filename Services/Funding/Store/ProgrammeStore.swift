import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// The programme with what became of its money, in cents.
struct ProgrammeStanding: Sendable {
    /// One purpose: what it was allotted, and how much of that is where; each amount is part of the one before it.
    struct PartStanding: Sendable {
        let part: Programme.Part
        let allottedCents: Int64
        let inEnvelopesCents: Int64
        let heldCents: Int64
        let reservedCents: Int64
        let committedCents: Int64
        let releasedCents: Int64
        let paidCents: Int64
    }

    let programme: Programme
    let unallottedCents: Int64
    let parts: [PartStanding]
    let openedAt: Date
}

/// The money of the whole programme and its parts.
struct ProgrammeStore: Sendable {
    /// Opens the programme. Envelopes that were opened before there was one are charged to its parts.
    func open(
        name: String, amountCents: Int64, allottedCents: [EnvelopePurpose: Int64], _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<ProgrammeStanding> {
        let (programme, opening, allotments) = try Programme.open(
            name: name, amountCents: amountCents, allottedCents: allottedCents, nextID: { EventID.next() })
        let inserted = try await session.query(
            """
            insert into programme (id, name, amount_cents, opened_at)
            values (\(programme.id), \(name), \(amountCents), \(command.now)) on conflict do nothing
            """)
        guard inserted.affectedCount == 1 else { throw FundingError.programmeExists }
        try await session.query(
            """
            insert into programme_parts (id, programme, kind)
            select part, \(programme.id), kind
            from unnest(\(programme.parts.map(\.id)), \(programme.parts.map(\.purpose.rawValue))) as p (part, kind)
            """)
        let opened = command.event(
            ProgrammeOpened(programme: programme.id, amountCents: amountCents), about: programme.id)
        try await LedgerStore.book(.init(transfer: opening, at: command.now, event: opened.id), in: session)
        var events = [opened]
        for transfer in allotments {
            guard let part = programme.parts.first(where: { transfer.credit == .part($0.id) }) else { continue }
            let allotted = Self.allotted(transfer.cents, to: part, of: programme, command)
            try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: allotted.id), in: session)
            events.append(allotted)
        }
        try await EventLog.append(events, in: session)
        for part in programme.parts { try await adopt(part, opened.id, command, in: session) }
        return try await find(in: session)
    }

    /// Moves money between what is not allotted and a part.
    func allot(
        _ changeCents: Int64, to purpose: EnvelopePurpose, reason: String, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<ProgrammeStanding> {
        guard let programme = try await Self.programme(isLocked: true, in: session),
            let part = programme.part(for: purpose)
        else { throw FundingError.programmeNotOpen }
        let source = changeCents > 0 ? LedgerAccount.programme(programme.id) : .part(part.id)
        let transfer = try programme.allot(
            changeCents, to: part, fromBalanceCents: try await LedgerStore.lock(source, in: session) ?? 0,
            reason: reason, change: EventID.next())
        let allotted = Self.allotted(changeCents, to: part, of: programme, command)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: allotted.id), in: session)
        try await EventLog.append([allotted], in: session)
        try await session.query("update programme set version = version + 1 where id = \(programme.id)")
        return try await find(in: session)
    }

    /// - Throws: `StoreRefusal.notFound` before it is opened.
    func find(in session: some PostgresSession) async throws -> Versioned<ProgrammeStanding> {
        let rows = try await session.query(
            """
            select g.id, g.name, g.amount_cents, g.version, g.opened_at,
                a.credited_cents - a.debited_cents as unallotted_cents
            from programme g join accounts a on a.owner = g.id and a.kind = 'programme'
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "programme") }
        let parts = try await parts(in: session)
        let programme = Programme(
            id: try row.get("id"), name: try row.get("name"), amountCents: try row.get("amount_cents"),
            parts: parts.map(\.part))
        let standing = ProgrammeStanding(
            programme: programme, unallottedCents: try row.get("unallotted_cents"), parts: parts,
            openedAt: try row.get("opened_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }

    /// The part that pays for a purpose, with its balance, locked; nil before the programme is opened.
    static func lockPart(
        for purpose: EnvelopePurpose, in session: some PostgresSession
    ) async throws -> (id: UUID, balanceCents: Int64)? {
        let rows = try await session.query("select id from programme_parts where kind = \(purpose.rawValue)")
        guard let id = try rows.first?.get("id", as: UUID.self) else { return nil }
        return (id, try await LedgerStore.lock(.part(id), in: session) ?? 0)
    }

    private static func programme(
        isLocked: Bool, in session: some PostgresSession
    ) async throws -> Programme? {
        if isLocked { try await session.query("select id from programme for update") }
        let rows = try await session.query(
            """
            select g.id, g.name, g.amount_cents, p.id as part, p.kind from programme g
            join programme_parts p on p.programme = g.id order by p.kind
            """)
        guard let row = rows.first else { return nil }
        return Programme(
            id: try row.get("id"), name: try row.get("name"), amountCents: try row.get("amount_cents"),
            parts: try rows.map { Programme.Part(id: try $0.get("part"), purpose: try $0.get("kind")) })
    }

    private func adopt(
        _ part: Programme.Part, _ event: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let balanceCents = try await LedgerStore.lock(.part(part.id), in: session) ?? 0
        let rows = try await session.query(
            """
            select coalesce(sum(t.amount_cents), 0)::bigint as cents
            from transfers t join accounts d on d.id = t.debit_account join accounts c on c.id = t.credit_account
            join envelopes e on e.id = c.owner
            where t.reason = 'open' and d.kind = 'budget' and c.kind = 'available' and e.kind = \(part.purpose.rawValue)
            """)
        let drawnCents = try rows.first?.get("cents", as: Int64.self) ?? 0
        guard drawnCents > 0 else { return }
        guard drawnCents <= balanceCents else {
            throw FundingError.invalid(
                field: "/\(part.purpose.rawValue)Cents",
                expected: "at least \(drawnCents): envelopes of that amount are open already")
        }
        try await session.query(
            "select ledger_adopt(\(part.id), \(part.purpose.rawValue), \(command.now), \(event))")
    }

    private func parts(in session: some PostgresSession) async throws -> [ProgrammeStanding.PartStanding] {
        let rows = try await session.query(
            """
            select p.id, p.kind, coalesce(a.credited_cents - a.debited_cents, 0) as left_cents,
                coalesce(sum(m.amount_cents), 0)::bigint as amount_cents,
                coalesce(sum(m.held_cents), 0)::bigint as held_cents,
                coalesce(sum(m.reserved_cents), 0)::bigint as reserved_cents,
                coalesce(sum(m.committed_cents), 0)::bigint as committed_cents,
                coalesce(sum(m.released_cents), 0)::bigint as released_cents,
                coalesce(sum(m.paid_cents), 0)::bigint as paid_cents
            from programme_parts p
            left join accounts a on a.owner = p.id and a.kind = 'part'
            left join envelope_money m on m.kind = p.kind
            group by p.id, a.id order by p.kind
            """)
        return try rows.map { row in
            let inEnvelopesCents = try row.get("amount_cents", as: Int64.self)
            return ProgrammeStanding.PartStanding(
                part: Programme.Part(id: try row.get("id"), purpose: try row.get("kind")),
                allottedCents: try row.get("left_cents", as: Int64.self) + inEnvelopesCents,
                inEnvelopesCents: inEnvelopesCents, heldCents: try row.get("held_cents"),
                reservedCents: try row.get("reserved_cents"), committedCents: try row.get("committed_cents"),
                releasedCents: try row.get("released_cents"), paidCents: try row.get("paid_cents"))
        }
    }

    private static func allotted(
        _ changeCents: Int64, to part: Programme.Part, of programme: Programme, _ command: CommandContext
    ) -> NewEvent {
        command.event(
            ProgrammeAllotted(
                programme: programme.id, kind: EnvelopeKind(part.purpose), changeCents: changeCents),
            about: programme.id)
    }
}
