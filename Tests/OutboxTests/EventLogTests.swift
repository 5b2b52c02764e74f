import Events
import Foundation
import Outbox
import Postgres
import TestSupport
import Testing

@Suite struct EventLogTests {
    @Test func eventsOfOneCallAreNumberedWithinTheirSubjectInTheOrderGiven() async throws {
        try await withOutbox { pool in
            // given
            let subjects = ["b", "a", "b", "c", "a", "b"]
            let events = subjects.map { EventBuilders.new(EventBuilders.milestoneReached(), subject: $0) }
            // when
            let ids = try await pool.withTransaction { try await EventLog.append(events, in: $0) }
            try await pool.append(EventBuilders.new(EventBuilders.milestoneReached(), subject: "b"))
            // then
            let rows = try await pool.query("select id, subject, sequence, stream from events order by position")
            let places = try rows.map {
                "\(try $0.get("subject", as: String.self))\(try $0.get("sequence", as: Int.self))"
            }
            #expect(places == ["b1", "a1", "b2", "c1", "a2", "b3", "b4"])
            #expect(try rows.prefix(6).map { try $0.get("id", as: UUID.self) } == ids)
            #expect(try await pool.count("outbox") == 7)
        }
    }

    @Test func aSubjectIsNumberedForEachStreamApart() async throws {
        try await withOutbox { pool in
            // when
            try await pool.append(
                EventBuilders.new(EventBuilders.milestoneReached(), subject: "a"),
                EventBuilders.new(EventBuilders.responseAmended(), subject: "a"))
            // then
            let rows = try await pool.query("select stream from events where sequence = 1 order by stream")
            #expect(try rows.map { try $0.get("stream", as: String.self) } == ["milestone", "response"])
        }
    }

    @Test func concurrentWritersLeaveNoGapAndPositionsFollowTheSequence() async throws {
        try await withOutbox { pool in
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        for round in 0..<25 {
                            // Every writer names the subjects in another order; the statement locks them in one.
                            let subjects = (0..<3).map { "s\(($0 + writer + round) % 3)" }
                            let events = subjects.map {
                                EventBuilders.new(EventBuilders.milestoneReached(), subject: $0)
                            }
                            try await pool.withTransaction { try await EventLog.append(events, in: $0) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // then
            let broken = try await pool.query(
                """
                select 1 as one from (
                    select sequence, row_number() over (partition by subject order by position) as place
                    from events) as e
                where sequence <> place
                """)
            #expect(broken.isEmpty)
            #expect(try await pool.count("events") == 600)
        }
    }

    @Test func aRolledBackTransactionLeavesNoEventAndNoNumber() async throws {
        struct Refusal: Error {}
        try await withOutbox { pool in
            // when
            await #expect(throws: Refusal.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.appendNow(
                        EventBuilders.new(EventBuilders.milestoneReached(), subject: "a"))
                    throw Refusal()
                }
            }
            try await pool.append(EventBuilders.new(EventBuilders.milestoneReached(), subject: "a"))
            // then
            let rows = try await pool.query("select sequence from events")
            #expect(try rows.map { try $0.get("sequence", as: Int.self) } == [1])
        }
    }

    @Test func valuesAboutPersonsAreStoredApartFromTheLog() async throws {
        try await withOutbox { pool in
            // given
            let amended = EventBuilders.responseAmended(score: 725)
            // when
            try await pool.append(EventBuilders.new(amended, subject: "a"))
            // then
            let row = try await pool.query("select data, personal from events join events_personal using (position)")[0]
            let data: String = try row.get("data")
            let personal: String = try row.get("personal")
            for member in ["personal", "score", "answers", "salt"] { #expect(!data.contains("\"\(member)\"")) }
            #expect(try WireCoding.decode(ResponseValues.self, from: personal.utf8) == amended.personal)
        }
    }

    @Test func aPayloadOverTheLimitIsRefusedWithAClearError() async throws {
        try await withOutbox { pool in
            // given
            let large = EventBuilders.milestoneReached(String(repeating: "é", count: 25_000))
            // when
            let error = await #expect(throws: EventLogError.self) {
                try await pool.append(EventBuilders.new(large, subject: "a"))
            }
            // then
            #expect(error?.code == .payloadTooLarge)
            #expect(error?.description.contains("49152 are allowed") == true)
            let count = try await pool.count("events")
            #expect(count == 0)
        }
    }

    @Test(arguments: ["", "a\u{0}b", "a\nb", String(repeating: "x", count: 256)])
    func aSubjectThatNoIndexOrHeaderCanHoldIsRefused(subject: String) async throws {
        try await withOutbox { pool in
            // when
            let error = await #expect(throws: EventLogError.self) {
                try await pool.append(EventBuilders.new(EventBuilders.milestoneReached(), subject: subject))
            }
            // then
            #expect(error?.code == .invalidSubject)
        }
    }

    @Test func hostileTextOfACauseIsStoredWithoutItsControlCharacters() async throws {
        try await withOutbox { pool in
            // given
            let cause = EventCause(correlationID: "a\u{0}b" + String(repeating: "ü", count: 300), traceparent: "t\u{7}")
            // when
            try await pool.append(EventBuilders.new(EventBuilders.milestoneReached(), subject: "a", cause: cause))
            // then
            let row = try await pool.query("select correlation, traceparent from events")[0]
            let correlation: String = try row.get("correlation")
            #expect(correlation.hasPrefix("a\u{FFFD}bü") && correlation.utf8.count <= 255)
            #expect(try row.get("traceparent", as: String.self) == "t\u{FFFD}")
        }
    }

    @Test func eventsCanNeitherBeChangedNorDeleted() async throws {
        try await withOutbox { pool in
            // given
            try await pool.append(EventBuilders.new(EventBuilders.milestoneReached(), subject: "a"))
            // then
            await #expect(throws: PostgresError.self) { try await pool.query("update events set actor = 'x'") }
            await #expect(throws: PostgresError.self) { try await pool.query("delete from events") }
            #expect(try await pool.count("events") == 1)
        }
    }

    /// A generic plan expects ten elements in an array. With nested loops, 2,000 events took a second per call.
    @Test func theGenericPlanOfAnAppendHasNoNestedLoop() async throws {
        try await withOutbox { pool in
            // given
            try await pool.withConnection { lease in
                try await lease.query(
                    """
                    create function pg_temp.plan(part text) returns setof text language plpgsql as $$
                    declare statement record;
                    begin
                        select p.name, rtrim(repeat('null,', cardinality(p.parameter_types)), ',') as arguments
                        into strict statement from pg_prepared_statements as p where p.statement like part;
                        return query execute format('explain execute %I(%s)', statement.name, statement.arguments);
                    end
                    $$
                    """)
                try await lease.query("set plan_cache_mode = force_generic_plan")
                // when
                let events = (0..<2_000).map { EventBuilders.new(EventBuilders.responseAmended(), subject: "s\($0)") }
                _ = try await lease.withTransaction { try await EventLog.append(events, in: $0) }
                // then
                let rows = try await lease.query("select pg_temp.plan('with bumped as%')")
                let plan = try rows.map { try $0.get("plan", as: String.self) }
                #expect(plan.contains { $0.contains("Full Join") }, "\(plan.joined(separator: "\n"))")
                #expect(!plan.contains { $0.contains("Nested Loop") }, "\(plan.joined(separator: "\n"))")
            }
            #expect(try await pool.count("events_personal") == 2_000)
        }
    }
}
