import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@Suite struct ReplayTests {
    private func replay(
        _ pool: PostgresPool, _ publisher: RecordingPublisher,
        change: (inout EventReplay.Order) -> Void = { _ in }
    ) -> EventReplay {
        var order = EventReplay.Order(listener: .reporting, generation: 0)
        change(&order)
        return EventReplay(owner: .feedback, pool: pool, publisher: publisher, order: order)
    }

    /// Two milestones, a response with a person's values, a rumour that nobody follows, and a checkpoint.
    private func fill(_ pool: PostgresPool) async throws {
        try await pool.append(milestonesOf: "a", count: 2)
        try await pool.append(EventBuilders.new(EventBuilders.responseAmended(), subject: "b"))
        try await pool.append(EventBuilders.new(RumourSpread(position: 7), subject: "c"))
        var maker = CheckpointMaker(owner: .feedback, pool: pool, interval: .zero, now: { EventBuilders.time })
        try await waitUntil("summed up", within: .seconds(60)) {
            if case .recorded = try await maker.advance() { true } else { false }
        }
    }

    @Test func whatTheRelayPublishedIsPublishedOnceMoreToTheOneQueue() async throws {
        try await withOutbox { pool in
            // given
            try await fill(pool)
            let relayed = RecordingPublisher()
            try await withRelay(pool, relayed) { _ in try await pool.waitUntilPublished() }
            // when
            let repeated = RecordingPublisher()
            let progress = try await replay(pool, repeated).run { _ in }
            // then: neither the rumour nor the checkpoint
            #expect(progress.eventCount == 3 && progress.position == 5)
            let wanted = Set(repeated.messages.map(\.messageID))
            let originals = relayed.messages.filter { wanted.contains($0.messageID) }
            #expect(repeated.messages.map(\.body) == originals.map(\.body))
            #expect(
                repeated.messages.allSatisfy { message in
                    message.exchange.isEmpty && message.routingKey == "maillage.reporting.replay.0"
                        && message.isMandatory
                })
            #expect(repeated.messages[2].headers.contains { $0 == ("log-position", .int(3)) })
        }
    }

    @Test func erasedValuesStayErased() async throws {
        try await withOutbox { pool in
            // given
            try await fill(pool)
            try await pool.query("delete from events_personal")
            // when
            let publisher = RecordingPublisher()
            _ = try await replay(pool, publisher).run { _ in }
            // then
            let envelope = try EventEnvelope(decoding: publisher.messages[2].body)
            let amended = try WireCoding.decode(ResponseAmended.self, from: envelope.data)
            #expect(amended.personal == nil)
        }
    }

    @Test func positionTypeAndDryRunNarrowIt() async throws {
        try await withOutbox { pool in
            try await fill(pool)
            let publisher = RecordingPublisher()
            // when, then
            _ = try await replay(pool, publisher) { $0.from = 2 }.run { _ in }
            #expect(publisher.messages.map(\.place) == ["a 2", "b 1"])
            _ = try await replay(pool, publisher) { $0.types = [ResponseAmended.type] }.run { _ in }
            #expect(publisher.messages.map(\.place) == ["a 2", "b 1", "b 1"])
            let counted = try await replay(pool, publisher) { $0.isDryRun = true }.run { _ in }
            #expect(counted.eventCount == 3 && publisher.messages.count == 3)
        }
    }

    @Test func aReplayThatBreaksOffSaysWhereToGoOn() async throws {
        try await withOutbox { pool in
            // given: the broker loses its queue after the first event
            try await fill(pool)
            let publisher = RecordingPublisher()
            publisher.answer { [publisher] messages in
                messages.map { _ in
                    publisher.callCount == 1 ? .confirmed : .returned(code: 312, reason: "NO_ROUTE")
                }
            }
            // when
            let failure = await #expect(throws: EventReplay.Failure.self) {
                _ = try await replay(pool, publisher) { $0.rate = 1 }.run { _ in }
            }
            // then
            #expect(failure?.position == 1)
            #expect(failure?.description.hasSuffix("go on with --from-position 2") == true)
        }
    }

    @Test func whatIsNotConfirmedIsPublishedAgain() async throws {
        try await withOutbox { pool in
            // given
            try await fill(pool)
            let publisher = RecordingPublisher()
            publisher.answer { [publisher] messages in
                messages.map { publisher.callCount == 1 && $0.place == "a 2" ? .unknown("lost") : .confirmed }
            }
            // when
            let progress = try await replay(pool, publisher).run { _ in }
            // then
            #expect(progress.eventCount == 3)
            #expect(publisher.messages.map(\.place) == ["a 1", "a 2", "b 1", "a 2"])
        }
    }
}
