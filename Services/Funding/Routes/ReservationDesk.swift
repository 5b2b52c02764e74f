import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Postgres
import ServiceRuntime

import struct FoundationEssentials.UUID

/// Serves operators who want money of the same envelope at the same time: together, each with an answer of its own.
struct ReservationDesk: Sendable {
    /// What one operator sent.
    struct Order: Sendable {
        let key: IdempotentCommand
        let envelope: UUID
        let beneficiarySiren: String
        let amountCents: Int64
        let purpose: String
        let context: CommandContext
    }

    private static let attemptsMax = 6
    private static let retryDelay = Duration.milliseconds(100)

    let combiner: CommandCombiner<Order, Response>

    init(reservations: ReservationStore, pool: PostgresPool) {
        combiner = CommandCombiner { orders in
            try await Self.carryOut(orders, reservations, pool)
        }
    }

    /// - Throws: the refusal of this order alone.
    func make(_ order: Order) async throws -> Response { try await combiner.submit(order) }

    /// Orders with one key are one command: the second is answered as a repetition, once the first is.
    private static func carryOut(
        _ orders: [Order], _ reservations: ReservationStore, _ pool: PostgresPool
    ) async throws -> [Result<Response, any Error>] {
        var results: [Int: Result<Response, any Error>] = [:]
        while results.count < orders.count {
            var places: [Int] = []
            for place in orders.indices where results[place] == nil {
                let isTwin = places.contains { IdempotentBatch.isSame(orders[$0].key, orders[place].key) }
                if !isTwin { places.append(place) }
            }
            let answers = try await repeatingUnknown {
                try await pool.withTransaction { transaction in
                    try await transact(places.map { orders[$0] }, reservations, in: transaction)
                }
            }
            for (place, answer) in zip(places, answers) { results[place] = answer }
        }
        return orders.indices.compactMap { results[$0] }
    }

    private static func transact(
        _ orders: [Order], _ reservations: ReservationStore, in transaction: PostgresTransaction
    ) async throws -> [Result<Response, any Error>] {
        let batch = IdempotentBatch(orders.map(\.key))
        var results: [Int: Result<Response, any Error>] = [:]
        // In one round trip, since others wait for the envelopes. Keys are asked for behind their locks: an order with
        // the same key is one for the same envelope, so by then its answer is there.
        let answers = try await transaction.pipeline([
            LockedEnvelopes.question(orders.map(\.envelope)), batch.question,
        ])
        let envelopes = try LockedEnvelopes(answers[0])
        for (place, known) in try batch.known(answers[1]) { results[place] = known.mapError { $0 } }
        var (claims, places): ([ReservationStore.Claim], [Int]) = ([], [])
        for (place, order) in orders.enumerated() where results[place] == nil {
            do throws(FundingError) {
                let reservation = try Reservation.claim(
                    id: EventID.next(), envelope: order.envelope, beneficiarySiren: order.beneficiarySiren,
                    amountCents: order.amountCents, purpose: order.purpose)
                claims.append(.init(reservation: reservation, command: order.context))
                places.append(place)
            } catch {
                results[place] = .failure(error)
            }
        }
        var kept: [Int: CommandResponse] = [:]
        for (place, made) in zip(places, try await reservations.make(claims, of: envelopes, in: transaction)) {
            switch made {
            case .failure(let refusal): results[place] = .failure(refusal)
            case .success(let stored):
                let view = ReservationView(stored)
                let answer = try CommandResponse.created(
                    view, at: "/v1/reservations/\(view.id)", version: view.version)
                kept[place] = answer
                results[place] = .success(answer.firstResponse)
            }
        }
        try await batch.keep(kept, in: transaction)
        return orders.indices.compactMap { results[$0] }
    }

    /// Of a commit nobody may know whether it took place: the keys tell when the batch runs again.
    private static func repeatingUnknown(
        _ body: () async throws -> [Result<Response, any Error>]
    ) async throws -> [Result<Response, any Error>] {
        var attemptCount = 1
        while true {
            do {
                return try await body()
            } catch let error as PostgresError
                where attemptCount < attemptsMax && (error.code == .commitUnknown || error.isRetriable)
            {
                attemptCount += 1
                try await Task.sleep(for: retryDelay * attemptCount)
            }
        }
    }
}
