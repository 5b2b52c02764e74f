import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import TestSupport
import Testing

@Suite struct RelayTests {
    @Test func aMessageIsTheEnvelopeWithThePersonalPartAsLastMemberAndScalarHeaders() async throws {
        try await withOutbox { pool in
            // given
            let amended = EventBuilders.responseAmended()
            let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            let cause = EventCause(correlationID: "c-1", causationID: "k-1", traceparent: traceparent)
            let publisher = RecordingPublisher()
            // when
            let ids = try await pool.append(EventBuilders.new(amended, subject: "e-1", cause: cause))
            try await withRelay(pool, publisher) { _ in try await pool.waitUntilPublished() }
            // then
            let message = try #require(publisher.messages.first)
            let envelope = try EventEnvelope(decoding: message.body)
            #expect(try WireCoding.decode(ResponseAmended.self, from: envelope.data) == amended)
            #expect((envelope.correlationID, envelope.causationID, envelope.traceparent) == ("c-1", "k-1", traceparent))
            #expect(envelope.time == EventBuilders.time && envelope.id == ids[0])
            #expect(message.exchange == "maillage.feedback" && message.routingKey == "feedback.response.amended.v1")
            #expect(message.messageID == ids[0].lowercase && message.isMandatory)
            var headers = Dictionary(uniqueKeysWithValues: message.headers)
            guard case .int(let loggedAt) = headers.removeValue(forKey: "logged-at") else {
                Issue.record("no time of logging")
                return
            }
            #expect(abs(Double(loggedAt) / 1_000 - Date().timeIntervalSince1970) < 3_600)
            #expect(
                headers == [
                    "ce-id": .string(ids[0].lowercase), "ce-type": .string("feedback.response.amended.v1"),
                    "ce-source": .string("/maillage/feedback"), "ce-subject": .string("e-1"), "ce-sequence": .int(1),
                    "traceparent": .string(traceparent), "log-position": .int(1),
                ])
        }
    }

    @Test func rowsAreDeletedAfterTheirConfirmAndNeverBefore() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            publisher.hold()
            try await pool.append(milestonesOf: "a", count: 3)
            try await withRelay(pool, publisher) { _ in
                // when
                try await waitUntil("the rows are handed over") { publisher.messages.count == 3 }
                // then
                #expect(try await pool.count("outbox") == 3)
                publisher.release()
                try await pool.waitUntilPublished()
            }
            #expect(publisher.messages.count == 3)
        }
    }

    @Test func aRelayThatDiesBetweenConfirmAndDeletePublishesAgain() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            publisher.answer { [publisher] messages in
                if publisher.callCount == 1 { try? await pool.killLeader() }
                return messages.map { _ in .confirmed }
            }
            try await pool.append(milestonesOf: "a", count: 2)
            // when
            try await withRelay(pool, publisher) { _ in try await pool.waitUntilPublished() }
            // then
            #expect(publisher.messages.map(\.place) == ["a 1", "a 2", "a 1", "a 2"])
        }
    }

    @Test func aRefusedEventHoldsBackItsOwnSubjectOnly() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher { messages in
                messages.map { $0.place == "a 2" ? .nacked : .confirmed }
            }
            try await pool.append(milestonesOf: "a", count: 1)
            try await withRelay(pool, publisher) { _ in
                try await pool.waitUntilPublished()
                try await pool.append(milestonesOf: "a", count: 1)
                // Handed over again, so the relay knows of the refusal: until then more may be in flight with it.
                try await waitUntil("it is refused") { publisher.messages.count { $0.place == "a 2" } > 1 }
                // when
                try await pool.append(milestonesOf: "a", count: 2)
                try await pool.append(milestonesOf: "b", count: 3)
                try await waitUntil("the other subject flows on") { try await pool.count("outbox") == 3 }
                // then
                #expect(publisher.messages.sequences(of: "b") == [1, 2, 3])
                #expect(Set(publisher.messages.sequences(of: "a")) == [1, 2])
                publisher.answer { messages in messages.map { _ in .confirmed } }
                try await pool.waitUntilPublished()
            }
            #expect(publisher.messages.sequences(of: "a").suffix(3) == [2, 3, 4])
        }
    }

    @Test func eventsConfirmedBehindARefusedOneAreRepeatedInTheirOrder() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            publisher.answer { [publisher] messages in
                messages.map { publisher.callCount == 1 && $0.place == "a 1" ? .nacked : .confirmed }
            }
            let events = (0..<3).map { _ in EventBuilders.new(EventBuilders.milestoneReached(), subject: "a") }
            try await pool.withTransaction { try await EventLog.append(events, in: $0) }
            // when
            try await withRelay(pool, publisher) { _ in try await pool.waitUntilPublished() }
            // then
            #expect(publisher.messages.sequences(of: "a") == [1, 2, 3, 1, 2, 3])
        }
    }

    @Test func aReturnedEventCountsAsPublishedOnlyIfNobodyListens() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher { messages in
                messages.map { _ in .returned(code: 312, reason: "NO_ROUTE") }
            }
            try await pool.append(
                EventBuilders.new(RumourSpread(position: 7), subject: "ledger"),
                EventBuilders.new(EventBuilders.milestoneReached(), subject: "a"))
            try await withRelay(pool, publisher) { _ in
                // when
                try await waitUntil("one is settled") { try await pool.count("outbox") == 1 }
                // then
                let left = try await pool.query("select e.stream from outbox join events as e using (position)")
                #expect(try left[0].get("stream", as: String.self) == "milestone")
                publisher.answer { messages in messages.map { _ in .confirmed } }
                try await pool.waitUntilPublished()
            }
        }
    }

    @Test func aRowThatIsCommittedLateIsFound() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            try await withRelay(pool, publisher) { _ in
                try await pool.withTransaction { late in
                    try await late.appendNow(EventBuilders.new(EventBuilders.milestoneReached(), subject: "late"))
                    // when
                    try await pool.append(milestonesOf: "early", count: 3)
                    try await waitUntil("the others are published") { publisher.messages.count == 3 }
                }
                // then
                try await pool.waitUntilPublished()
            }
            #expect(publisher.messages.sequences(of: "late") == [1])
        }
    }

    @Test func nothingIsClaimedWhileTheBrokerBlocks() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            publisher.setBlocked(true)
            try await pool.append(milestonesOf: "a", count: 2)
            try await withRelay(pool, publisher) { _ in
                // when
                try await waitUntil("the relay leads") { try await pool.leaderCount() == 1 }
                try await Task.sleep(for: .milliseconds(100))
                // then
                #expect(publisher.callCount == 0)
                publisher.setBlocked(false)
                try await pool.waitUntilPublished()
            }
        }
    }

    @Test func afterSilenceOnlyHeldEventsProbeTheBrokerAndTheOrderIsKept() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher { messages in messages.map { _ in .unknown("no confirm") } }
            try await pool.append(milestonesOf: "a", count: 2)
            try await withRelay(pool, publisher) { _ in
                try await waitUntil("the broker was silent") { publisher.callCount >= 2 }
                // when
                try await pool.append(milestonesOf: "b", count: 2)
                try await waitUntil("it is probed again") { publisher.callCount >= 4 }
                #expect(publisher.messages.sequences(of: "b").isEmpty)
                publisher.answer { messages in messages.map { _ in .confirmed } }
                try await pool.waitUntilPublished()
            }
            // then
            #expect(publisher.messages.sequences(of: "a").suffix(2) == [1, 2])
            #expect(publisher.messages.sequences(of: "b") == [1, 2])
        }
    }

    @Test func oneRelayWorksAndAnotherTakesOverWhenItLosesItsConnection() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            try await withRelay(pool, publisher) { _ in
                try await withRelay(pool, publisher) { _ in
                    try await pool.append(milestonesOf: "a", count: 50)
                    try await pool.waitUntilPublished()
                    #expect(try await pool.leaderCount() == 1)
                    #expect(publisher.messages.count == 50)
                    // when
                    try await pool.killLeader()
                    try await pool.append(milestonesOf: "b", count: 5)
                    // then
                    try await pool.waitUntilPublished()
                    #expect(publisher.messages.sequences(of: "b") == [1, 2, 3, 4, 5])
                }
            }
        }
    }

    @Test func aLeaderThatHangsLosesItsPlaceToAnother() async throws {
        try await withOutbox { pool in
            // given
            var hanging = quickSettings
            (hanging.silenceMax, hanging.heartbeatInterval) = (.milliseconds(50), .seconds(3600))
            hanging.pollInterval = .seconds(3600)
            let (stuck, other) = (RecordingPublisher(), RecordingPublisher())
            stuck.hold()
            try await pool.append(milestonesOf: "a", count: 3)
            try await withRelay(pool, stuck, settings: hanging) { _ in
                defer { stuck.release() }
                try await waitUntil("the first relay publishes") { stuck.callCount == 1 }
                // when
                try await withRelay(pool, other) { _ in try await pool.waitUntilPublished() }
                // then
                #expect(other.messages.sequences(of: "a") == [1, 2, 3])
            }
        }
    }

    @Test func aLeaderThatWaitsForItsConfirmsKeepsItsPlace() async throws {
        try await withOutbox { pool in
            // given
            var settings = quickSettings
            (settings.silenceMax, settings.heartbeatInterval) = (.seconds(2), .milliseconds(20))
            let publisher = RecordingPublisher()
            publisher.hold()
            try await pool.append(milestonesOf: "a", count: 3)
            try await withRelay(pool, publisher, settings: settings) { _ in
                defer { publisher.release() }
                try await waitUntil("the relay publishes") { publisher.callCount == 1 }
                // when
                let began = ContinuousClock.now
                try await waitUntil("it has waited for long") { () async throws -> Bool in
                    // then
                    #expect(try await pool.leaderCount() == 1)
                    return ContinuousClock.now - began > settings.silenceMax * 2
                }
                publisher.release()
                try await pool.waitUntilPublished()
            }
            #expect(publisher.messages.count == 3)
        }
    }

    @Test func aGracefulShutdownFinishesWhatIsClaimed() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            publisher.hold()
            try await pool.append(milestonesOf: "a", count: 3)
            try await withRelay(pool, publisher) { group in
                try await waitUntil("the rows are handed over") { publisher.messages.count == 3 }
                // when
                await group.triggerGracefulShutdown()
                try await pool.append(milestonesOf: "a", count: 1)
                publisher.release()
            }
            // then
            #expect(try await pool.count("outbox") == 1)
            #expect(publisher.messages.count == 3)
            #expect(try await pool.leaderCount() == 0)
        }
    }

    @Test func aSignalIsFasterThanThePoll() async throws {
        try await withOutbox { pool in
            // given
            let publisher = RecordingPublisher()
            let wakeUp = RelayWakeUp()
            var settings = quickSettings
            settings.pollInterval = .seconds(60)
            try await withRelay(pool, publisher, settings: settings, wakeUp: wakeUp) { _ in
                try await waitUntil("the relay leads") { try await pool.leaderCount() == 1 }
                for number in 1...3 {
                    // when
                    try await pool.append(milestonesOf: "a", count: 1)
                    wakeUp.signal()
                    // then
                    try await waitUntil("published", within: .seconds(10)) { publisher.messages.count == number }
                }
            }
        }
    }
}

extension PostgresPool {
    func leaderCount() async throws -> Int {
        try await query(
            """
            select count(*) as n from pg_locks as l join pg_database as d on d.oid = l.database
            where l.locktype = 'advisory' and l.granted and d.datname = current_database()
            """)[0].get("n")
    }
}
