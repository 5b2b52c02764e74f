import Events
import Foundation
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Logging
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import Funding

/// Money that operators set aside by hand.
@Suite(.timeLimit(.minutes(10))) struct Reservations {
    struct ReservationAnswer: Decodable {
        let id: UUID
        let version: Int64
        let state: String
        let amountCents: Int64
    }

    private func letGo(_ id: UUID, version: Int64?, in programme: Programme) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/reservations/\(id.lowercase)/let-go", as: [.operator], json: "{}",
            headers: Programme.ifMatch(version))
    }

    @Test func whatIsSetAsideIsNobodyElsesUntilItIsLetGo() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare(animationCents: 150_000_000)
            let envelope = try #require(try await programme.envelopes()["animation"]?.id)
            // when
            let made = try await programme.reserve(envelope, 100_000_000)
            // then
            #expect(made.status == .created && made.version == 1)
            let reservation: ReservationAnswer = try made.decode()
            #expect(made.headers[.location] == "/v1/reservations/\(reservation.id.lowercase)")
            let tooMuch = try await programme.reserve(envelope, 50_000_001)
            #expect(tooMuch.status == .conflict && tooMuch.problem?.type == "/problems/envelope-exhausted")
            #expect(tooMuch.text.contains("50000000 cents"))
            // when: the State decides meanwhile
            let grant = try await programme.reservedGrant(cents: 50_000_001)
            // then
            #expect(grant.state == "refused" && grant.reason == "envelope-exhausted")
            // when: it is let go
            let freed = try await letGo(reservation.id, version: 1, in: programme)
            // then
            #expect(freed.status == .ok)
            #expect(try freed.decode(ReservationAnswer.self).state == "let-go")
            #expect(try await programme.envelopes()["animation"]?.availableCents == 150_000_000)
            #expect(try await letGo(reservation.id, version: 1, in: programme).status == .preconditionFailed)
            #expect(try await letGo(reservation.id, version: 2, in: programme).status == .conflict)
            #expect(try await letGo(reservation.id, version: nil, in: programme).status.code == 428)
            #expect(try await programme.reserve(envelope, 150_000_000).status == .created)
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aRepetitionGetsTheFirstAnswerAndAnotherBodyIsRefused() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let envelope = try #require(try await programme.envelopes()["animation"]?.id)
            // when
            let first = try await programme.reserve(envelope, 100, key: "k")
            let second = try await programme.reserve(envelope, 100, key: "k")
            let other = try await programme.reserve(envelope, 101, key: "k")
            // then
            #expect(first.text == second.text && second.headers[.init("Idempotency-Replayed")!] == "true")
            #expect(other.problem?.type == "/problems/idempotency-key-reused")
            #expect(try await programme.envelopes()["animation"]?.heldCents == 100)
        }
    }

    @Test(arguments: [
        (siren: "200034582", cents: 100, field: "/beneficiarySiren"),
        (siren: Controls.siren, cents: 0, field: "/amountCents"),
        (siren: Controls.siren, cents: -1, field: "/amountCents"),
    ])
    func aFaultyReservationIsRefusedByItsField(siren: String, cents: Int64, field: String) async throws {
        try await Programme.with { programme in
            try await programme.prepare()
            let envelope = try #require(try await programme.envelopes()["animation"]?.id)
            let refused = try await programme.reserve(envelope, cents, siren: siren)
            #expect(refused.status == .unprocessableContent && refused.problem?.field == field)
            #expect(try await programme.reserve(UUID(), 100).status == .notFound)
            let reader = try await programme.service.request(
                .post, "/v1/envelopes/\(envelope.lowercase)/reservations", as: [.ministry], json: "{}")
            #expect(reader.status == .forbidden)
        }
    }

    /// Two replicas, each combining what reaches it.
    private func withReplicas(_ programme: Programme, _ body: ([ReservationDesk]) async throws -> Void) async throws {
        let desks = (0..<2).map { _ in
            ReservationDesk(reservations: ReservationStore(), pool: programme.service.pool)
        }
        let group = ServiceGroup(
            configuration: .init(services: desks.map { .init(service: $0.combiner) }, logger: .init(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(desks)
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func order(_ cents: Int64, of envelope: UUID, key: String = UUID().uuidString) -> ReservationDesk.Order {
        ReservationDesk.Order(
            key: .init(caller: "test", route: "POST /v1/envelopes/\(envelope.lowercase)/reservations", key: key),
            envelope: envelope, beneficiarySiren: Controls.siren, amountCents: cents, purpose: "course",
            context: CommandContext(
                actor: "test", cause: .init(correlationID: "race"), now: Date(timeIntervalSince1970: 1_772_442_000)))
    }

    @Test func twoHundredWorkersRaceForTheLastEuroAThousandTimes() async throws {
        try await Programme.with { programme in
            // given: a thousand envelopes with one euro each
            var chance = Chance(seed: 5)
            let envelopes = try await programme.openEnvelopes(count: 1_000, cents: 100)
            try await withReplicas(programme) { desks in
                for envelope in envelopes {
                    // when: 200 workers want some of it
                    let amounts = (0..<200).map { _ in chance.cents(1...150) }
                    let race = try await race(amounts, of: envelope, at: desks)
                    // then: nothing is oversold, and nobody was refused who fits into what is left in the end
                    let sum = race.filter(\.isServed).map(\.cents).reduce(0, +)
                    #expect(sum <= 100)
                    #expect(race.allSatisfy { $0.isServed || $0.cents > 100 - sum })
                }
            }
            try await programme.expectEqualSums()
            let held = try await programme.service.pool.query(
                "select sum(held_cents)::bigint as cents from envelope_money")
            let told = try await programme.service.pool.query(
                """
                select sum((data::jsonb ->> 'amountCents')::bigint)::bigint as cents from events
                where stream = 'reservation'
                """)
            #expect(try held.first?.get("cents", as: Int64.self) == told.first?.get("cents", as: Int64.self))
        }
    }

    @Test func ofTwoOrdersWithOneKeyInOneBatchTheSecondIsARepetition() async throws {
        try await Programme.with { programme in
            // given
            let envelope = try await programme.openEnvelopes(count: 1, cents: 1_000)[0]
            try await withReplicas(programme) { desks in
                // when: the same key at both replicas, ten times at once
                let orders = (0..<20).map { _ in order(100, of: envelope, key: "one") }
                let answers = try await withThrowingTaskGroup(of: String?.self) { group in
                    for (place, order) in orders.enumerated() {
                        group.addTask { try await desks[place % 2].make(order).headers[.location] }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                // then
                #expect(answers.count == 20 && Set(answers).count == 1 && answers[0] != nil)
            }
            let balance = try await LedgerReadings(pool: programme.service.pool).balance(
                of: "available", envelope, at: .now, visibleTo: nil)
            #expect(balance.balanceCents == 900)
        }
    }

    /// At two replicas, which ask for the key while neither has answered.
    @Test func whoWaitedForTheEnvelopeBehindAnOrderWithItsKeyIsARepetition() async throws {
        try await Programme.with { programme in
            // given
            let envelope = try await programme.openEnvelopes(count: 1, cents: 100)[0]
            let twins = (0..<2).map { _ in order(100, of: envelope, key: "one") }
            try await withReplicas(programme) { desks in
                let answers = try await withThrowingTaskGroup(of: String?.self) { group in
                    try await programme.service.pool.withTransaction { holder in
                        _ = try await holder.query(LockedEnvelopes.question([envelope]))
                        for (desk, twin) in zip(desks, twins) {
                            group.addTask { try await desk.make(twin).headers[.location] }
                        }
                        try await waitUntil("both wait for the envelope") { try await programme.blockedCount() == 2 }
                    }
                    // when: the envelope is free
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                // then: the last euro was asked for once
                #expect(answers.count == 2 && answers[0] == answers[1] && answers[0] != nil)
            }
        }
    }

    private func race(
        _ amounts: [Int64], of envelope: UUID, at desks: [ReservationDesk]
    ) async throws -> [(cents: Int64, isServed: Bool)] {
        try await withThrowingTaskGroup(of: (Int64, Bool).self) { group in
            for (place, cents) in amounts.enumerated() {
                let order = order(cents, of: envelope)
                group.addTask {
                    do {
                        return (cents, try await desks[place % desks.count].make(order).status == .created)
                    } catch FundingError.envelopeExhausted {
                        return (cents, false)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append((cents: $1.0, isServed: $1.1)) }
        }
    }
}
