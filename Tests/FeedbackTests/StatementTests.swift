import Events
import FeedbackDomain
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// What a publisher sent and what we say came of it add up, whatever the order in which it came.
@Suite(.timeLimit(.minutes(10))) struct StatementTests {
    private static let orderCount = 40

    /// Sixteen messages about four participants and two strangers.
    private func messages(_ lab: IntakeLab, _ order: Int) -> [[UInt8]] {
        let place = order * 4
        func event(_ id: String, _ offset: Int, day: Double = 90) -> OutsideEvent {
            lab.event(id, participant: place + offset, day: day)
        }
        var correction = event("correction", 0, day: 91)
        correction.amends = "plain"
        var conflict = event("plain", 0)
        conflict.comment = "other words"
        var strangers = [event("stranger-1", 0), event("stranger-2", 0)]
        for index in strangers.indices { strangers[index].participant = "nobody-\(index)" }
        let late = event("outside", 1, day: 2)
        let nonsense = Array("nonsense \(order)".utf8)
        return [
            event("plain", 0).body, event("plain", 0).body, correction.body, conflict.body, conflict.body,
            late.body, late.body, event("other", 2).body, event("again", 3).body, event("again", 3).body,
            event("again", 3).body, nonsense, nonsense, strangers[0].body, strangers[1].body,
            lab.retraction("retraction", of: "other", participant: place + 2, day: 92).body,
        ]
    }

    /// Leaves room for two events that wait.
    private func fill(_ lab: IntakeLab, _ publisher: String) async throws {
        try await lab.service.pool.query(
            """
            insert into waiting (publisher, source, event_id, waits_for, body, clock_at)
            select \(publisher), 's', n::text, 'x', '', now() from generate_series(1, 9998) as n
            """)
    }

    private func clear(_ lab: IntakeLab, _ publisher: String) async throws {
        try await lab.service.pool.query("delete from waiting where publisher = \(publisher) and waits_for = 'x'")
    }

    private func statement(_ lab: IntakeLab, _ publisher: String) async throws -> Statement {
        let rows = try await lab.service.pool.query(
            "select (clock_timestamp() at time zone 'UTC')::date::text as day")
        let day: String = try rows[0].get("day")
        return try await StatementStore(pool: lab.service.pool).statement(
            of: publisher, on: try #require(WireInstant.parse("\(day)T00:00:00Z")), named: day)
    }

    private func expectSums(_ statement: Statement, _ sent: Int, _ place: SourceLocation = #_sourceLocation) {
        #expect(statement.messages == sent, sourceLocation: place)
        #expect(
            statement.accepted + statement.waiting + statement.refused + statement.excluded
                + statement.unidentified + statement.repeated == sent, sourceLocation: place)
        #expect(statement.refusedByReason.values.reduce(0, +) == statement.refused, sourceLocation: place)
    }

    @Test func everyOrderOfArrivalAddsUpToWhatWasSent() async throws {
        try await IntakeLab.with { lab in
            var generator = SeededGenerator(seed: 20_261_122)
            for order in 0..<Self.orderCount {
                // given
                let publisher = "p-\(order)"
                let messages = messages(lab, order)
                let shuffled = messages.shuffled(using: &generator)
                // when: in batches of any size, of which every other is full
                var (rest, sent) = (shuffled[...], 0)
                while !rest.isEmpty {
                    let batch = rest.prefix(Int.random(in: 1...5, using: &generator))
                    rest = rest.dropFirst(batch.count)
                    _ = try await lab.intake.settle(batch.map { lab.message($0, publisher: publisher) })
                    sent += batch.count
                    expectSums(try await statement(lab, publisher), sent)
                }
                // then
                let end = try await statement(lab, publisher)
                expectSums(end, 16)
                #expect(end.accepted >= 2 && end.waiting >= 2 && end.unidentified >= 2, "\(order)")
            }
        }
    }

    @Test func whatTheStoreHadNoRoomForIsRefusedUntilItIsTaken() async throws {
        try await IntakeLab.with { lab in
            for isReversed in [false, true] {
                // given: three that have to wait, and room for two
                let publisher = "full-\(isReversed)"
                try await fill(lab, publisher)
                var strangers = (0..<3).map { lab.event("s\($0)") }
                for index in strangers.indices { strangers[index].participant = "nobody-\(index)" }
                if isReversed { strangers.reverse() }
                let messages = strangers.map { lab.message($0.body, publisher: publisher) }
                // when
                for message in messages { _ = try await lab.intake.settle([message]) }
                _ = try await lab.intake.settle(Array(messages.suffix(1)))
                // then
                let full = try await statement(lab, publisher)
                #expect(full.waiting == 2 && full.refusedByReason == ["too-many-waiting": 1])
                #expect(full.events == 3 && full.unidentified == 0 && full.repeated == 1)
                expectSums(full, 4)
                // when: there is room again
                try await clear(lab, publisher)
                _ = try await lab.intake.settle(messages)
                // then
                let taken = try await statement(lab, publisher)
                #expect(taken.waiting == 3 && taken.refused == 0 && taken.repeated == 4)
                expectSums(taken, 7)
                // when: they turn out to be participants
                if isReversed { continue }
                let before = try await statement(lab, publisher)
                _ = try await lab.intake.sweep(waitSecondsMax: -1)
                let after = try await statement(lab, publisher)
                #expect(before.messages == after.messages && after.refused == 3 && after.waiting == 0)
            }
        }
    }
}
