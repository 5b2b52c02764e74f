import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Reservations: money of an envelope that operators set aside by hand.
struct ReservationStore: Sendable {
    /// A reservation with who made it and when.
    struct Standing: Sendable {
        var reservation: Reservation
        let madeBy: String
        let madeAt: Date
        var letGoAt: Date?
    }

    /// What one operator asks for.
    struct Claim: Sendable {
        let reservation: Reservation
        let command: CommandContext
    }

    /// Serves claims on any number of envelopes together, each in its turn. What is written goes out with COMMIT.
    /// - Parameter envelopes: those that the claims name.
    /// - Returns: for each claim its reservation, or why it has none; those that are refused leave nothing behind.
    func make(
        _ claims: [Claim], of envelopes: LockedEnvelopes, in transaction: PostgresTransaction
    ) async throws -> [Result<Versioned<Standing>, any Error>] {
        var results: [Result<Versioned<Standing>, any Error>] = claims.map { _ in
            .failure(StoreRefusal.notFound(noun: "envelope"))
        }
        var served: [(claim: Claim, event: NewEvent)] = []
        let places = Dictionary(grouping: claims.indices) { claims[$0].reservation.envelope }
        for (id, places) in places.sorted(by: { $0.key < $1.key }) {
            guard let envelope = envelopes[id] else { continue }
            let verdicts = EnvelopeDesk.serve(
                places.map { claims[$0].reservation.amountCents }, availableCents: envelope.availableCents)
            for (place, leftCents) in zip(places, verdicts) {
                if let leftCents {
                    results[place] = .failure(FundingError.envelopeExhausted(availableCents: leftCents))
                } else {
                    served.append((claims[place], Self.made(claims[place], envelope)))
                    results[place] = .success(Self.standing(of: claims[place]))
                }
            }
        }
        try await book(served, in: transaction)
        return results
    }

    func letGo(
        _ id: UUID, expected: Int64, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Standing> {
        try await session.query("select id from reservations where id = \(id) for update")
        let stored = try await find(id, in: session)
        try stored.check(expected)
        var reservation = stored.value.reservation
        let transfer = try reservation.letGo()
        let freed = command.event(
            ReservationLetGo(
                reservation: id, envelope: reservation.envelope, amountCents: reservation.amountCents),
            about: id)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: freed.id), in: session)
        try await session.query(
            """
            update reservations set state = \(reservation.state.rawValue), version = version + 1,
                let_go_by = \(command.actor), let_go_at = \(command.now)
            where id = \(id)
            """)
        try await EventLog.append([freed], in: session)
        return try await find(id, in: session)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Versioned<Standing> {
        let rows = try await session.query("select * from reservations where id = \(id)")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "reservation") }
        return try Self.standing(row)
    }

    /// In the order of their ids.
    func list(
        envelope: UUID, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<Standing>] {
        try await session.query(
            """
            select * from reservations where envelope = \(envelope) and (\(after) is null or id > \(after))
            order by id limit \(limit)
            """
        ).map { try Self.standing($0) }
    }

    private func book(
        _ served: [(claim: Claim, event: NewEvent)], in transaction: PostgresTransaction
    ) async throws {
        guard !served.isEmpty else { return }
        try await LedgerStore.enqueue(
            served.map { claim, event in
                .init(transfer: claim.reservation.holding, at: claim.command.now, event: event.id)
            }, in: transaction)
        let reservations = served.map(\.claim.reservation)
        try await transaction.enqueue(
            """
            insert into reservations (id, envelope, beneficiary_siren, amount_cents, purpose, state, made_by, made_at)
            select * from unnest(\(reservations.map(\.id)), \(reservations.map(\.envelope)),
                \(reservations.map(\.beneficiarySiren)), \(reservations.map(\.amountCents)),
                \(reservations.map(\.purpose)), \(reservations.map(\.state.rawValue)),
                \(served.map(\.claim.command.actor)), \(served.map(\.claim.command.now)))
            """)
        try await EventLog.append(served.map(\.event), in: transaction)
    }

    private static func made(_ claim: Claim, _ envelope: LockedEnvelopes.Envelope) -> NewEvent {
        let reservation = claim.reservation
        return claim.command.event(
            ReservationMade(
                reservation: reservation.id, envelope: reservation.envelope, call: envelope.call,
                kind: EnvelopeKind(envelope.purpose), beneficiarySiren: reservation.beneficiarySiren,
                amountCents: reservation.amountCents),
            about: reservation.id)
    }

    private static func standing(of claim: Claim) -> Versioned<Standing> {
        Versioned(
            value: Standing(
                reservation: claim.reservation, madeBy: claim.command.actor, madeAt: claim.command.now, letGoAt: nil),
            version: 1)
    }

    private static func standing(_ row: PostgresRow) throws -> Versioned<Standing> {
        let reservation = Reservation(
            id: try row.get("id"), envelope: try row.get("envelope"),
            beneficiarySiren: try row.get("beneficiary_siren"), amountCents: try row.get("amount_cents"),
            purpose: try row.get("purpose"), state: try row.get("state"))
        let standing = Standing(
            reservation: reservation, madeBy: try row.get("made_by"), madeAt: try row.get("made_at"),
            letGoAt: try row.get("let_go_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }
}
