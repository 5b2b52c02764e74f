import Events
import FeedbackDomain
import Foundation
import Logging
import Migrations
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("What a response takes in an event")
struct ResponseBytesTests {
    private func response(
        _ answers: [Int?], _ scores: InstrumentScores, version: Int = 1, occasion: String = "M1",
        standing: ResponseStanding = .valid
    ) -> PlannedResponse {
        let submission = Submission(
            identity: EventIdentity(publisher: "p", source: "s", id: "i"),
            answeredAt: Date(timeIntervalSince1970: 1.25),
            experiment: UUID(), pseudonym: "P1", instrument: "SUS", occasion: occasion,
            answers: answers)
        let accepted = AcceptedResponse(
            response: UUID(), version: version, standing: standing, countChange: 1, participant: UUID(),
            instrumentVersion: "F-SUS-2021", scores: scores)
        return PlannedResponse(submission, accepted, origin: .fact(reason: ""))
    }

    @Test func theBoundHoldsAndIsNotMuchMore() throws {
        let further = InstrumentScores(main: -525_491, further: ["pain": 7, "\"é": -40], valueSet: "FR-5L-Andrade2020")
        for response in [
            response([4, 2, 5, 1, 4, 2, 5, 1, 4, 2], InstrumentScores(main: 850)),
            response([nil, 100, -3], further, version: 12_345, occasion: "\"\\ début"),
            response([], InstrumentScores()), response([], InstrumentScores(), standing: .retracted),
        ] {
            let item = try WireCoding.encode(response.item).count
            let values = try response.values.map { try WireCoding.encode($0).count } ?? 0
            let size = item + 1 + (values == 0 ? 0 : values + 1)
            #expect(size <= response.byteCountMax)
            if response.accepted.standing == .valid { #expect(size + 8 >= response.byteCountMax) }
        }
    }
}

@Suite("Batches that are taken for new until one message is found to be there", .timeLimit(.minutes(5)))
struct TakenForNewTests {
    /// So many that their rows are copied into the tables.
    private static let many = 0..<60

    private func answers(_ lab: IntakeLab, _ numbers: Range<Int>, prefix: String = "v") -> [InboundMessage] {
        numbers.map { lab.message(lab.event("\(prefix)\($0)", participant: $0).body) }
    }

    /// Everything that is not the server's clock.
    private func rows(_ lab: IntakeLab) async throws -> [String] {
        try await lab.service.pool.query(
            """
            select 'identity ' || (to_jsonb(i) - 'received_at')::text as line from identities as i
            union all select 'response ' || (to_jsonb(r) - 'recorded_at')::text from responses as r
            union all select 'value ' || to_jsonb(v)::text from response_values as v
            union all select 'events ' || count(*) from events
            union all select 'count ' || responses_count from experiments
            order by 1
            """
        ).map { try $0.get("line") }
    }

    @Test func aBatchThatCameBeforeIsFoundOutAndOnlyWhatIsNewCounts() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.enrol(4..<70)
            let first = try await lab.intake.settle(answers(lab, Self.many))
            #expect(first.accepted == 60 && first.known == 0)
            let before = try await rows(lab)
            // when: all of it again, in another order
            let again = try await lab.intake.settle(answers(lab, Self.many).reversed())
            // then
            #expect(again.duplicates == 60 && again.accepted == 0 && again.known == 60)
            #expect(try await rows(lab) == before)
            // when: some of it with something new
            let mixed = try await lab.intake.settle(answers(lab, 50..<70))
            // then
            #expect(mixed.duplicates == 10 && mixed.accepted == 10)
            #expect(try await lab.count("responses") == 70)
        }
    }

    @Test func anAnswerWhereOneStandsIsRefusedAsIfItHadBeenLookedFor() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.enrol(4..<60)
            _ = try await lab.intake.settle(answers(lab, 0..<1))
            // when: new events, one of them a second answer
            let tally = try await lab.intake.settle(answers(lab, Self.many, prefix: "w"))
            // then
            #expect(tally.accepted == 59 && tally.refused == 1 && tally.known == 1)
            #expect(try await lab.receipt(of: "w0").reason == "already-answered")
            #expect(try await lab.count("responses") == 60)
            #expect(try await lab.count("identities") == 61)
        }
    }

    @Test func aCorrectionThatWaitsForOneOfManyIsSettledWithIt() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.enrol(4..<60)
            var correction = lab.event("a", participant: 7, day: 91)
            correction.amends = "v7"
            correction.answers = "[1,5,1,5,1,5,1,5,1,5]"
            try await lab.settle(correction)
            // when
            _ = try await lab.intake.settle(answers(lab, Self.many))
            // then
            #expect(try await lab.scores()[IntakeLab.pseudonym(7)] == 0)
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.count("waiting") == 0)
        }
    }

    @Test func anEventThatWaitsIsADuplicateAlsoWhereNoMoreMayWait() async throws {
        try await IntakeLab.with { lab in
            // given: an event that waits, and so many others that no more may
            let early = lab.event("early", participant: 900)
            try await lab.settle(early)
            try await lab.service.pool.query(
                """
                insert into waiting (publisher, source, event_id, waits_for, body, clock_at)
                select \(IntakeLab.publisher), 'urn:app', 'w' || n, 'participant', '', now()
                from generate_series(2, \(IntakePlan.waitingCountMax)) as n
                """)
            // when: it comes again, with one that is new
            let tally = try await lab.settle(early, lab.event("late", participant: 901))
            // then
            #expect(tally.duplicates == 1 && tally.refused == 1 && tally.known == 1)
            #expect(try await lab.receipt(of: "early").outcome == .duplicate)
            #expect(try await lab.receipt(of: "late").reason == "too-many-waiting")
            #expect(try await lab.count("quarantine") == 1)
        }
    }

    @Test func twoSpellingsOfACodeAreTwoPeopleAndAKnownOneDoesNotHideTheOther() async throws {
        try await IntakeLab.with { lab in
            // given: only the composed spelling is somebody's
            let (composed, decomposed) = ("P\u{E9}1", "Pe\u{301}1")
            #expect(composed == decomposed)
            let enrolled = ParticipantEnrolled(
                participant: UUID(), experiment: lab.experiment, arm: "a", pseudonym: composed,
                consentScope: "usability", consentVersion: 1, consentedAt: lab.start)
            try await lab.service.pool.withTransaction { transaction in
                try await ExperimentStore(intake: lab.intake).record(
                    [enrolled], cause: EventCause(correlationID: "test"), in: transaction)
            }
            func event(_ id: String, _ code: String) -> OutsideEvent {
                var event = lab.event(id)
                event.participant = code
                return event
            }
            // when: the unknown one first, and then again where the other is known by heart
            let first = try await lab.settle(event("a", decomposed), event("b", composed))
            let second = try await lab.settle(event("c", decomposed))
            // then
            #expect(first.accepted == 1 && first.waiting == 1)
            #expect(second.waiting == 1)
        }
    }

    @Test func theKeyOfAnEventIsWhatTheDatabaseMakesOfItsName() async throws {
        try await IntakeLab.with { lab in
            let names = [("urn:app", "v1"), ("", "bytes:00ff"), ("https://é.example/\u{1F600}", "a b|c"), ("x", "")]
            for (source, id) in names {
                let identity = EventIdentity(publisher: "telesuivi", source: source, id: id)
                let rows = try await lab.service.pool.query(
                    "select identity_key(\(identity.publisher), \(source), \(id)) as key")
                #expect(try rows[0].get("key") == identity.key)
            }
        }
    }

    @Test func eventsOfAnOlderSchemaKeepTheirNamesTheirVersionsAndTheirRefusals() async throws {
        try await withDatabase(schema: "feedback") { _, url in
            let files = FeedbackService.migrations
            let configuration = PostgresConfiguration(
                connectionString: url, schema: "feedback", applicationName: "upgrade", connectionCountMax: 2)
            let pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
            // given: events as they were stored before they had keys
            let older = files.filter { $0.name < "0032" }
            _ = try await Migrator(schema: "feedback", files: older).apply(on: pool)
            try await pool.withConnection { lease in
                try await lease.executeScript(
                    """
                    insert into identities (publisher, source, event_id, content_hash, outcome, reason, response,
                        version)
                    values
                        ('app', 'urn:é', '1', sha256('a'), 'accepted', null, gen_random_uuid(), 1),
                        ('app', 'urn:é', '2', sha256('b'), 'refused', 'already-answered', null, null);
                    insert into response_values (response, version, publisher, source, event_id, answered_at,
                        is_retraction, given_by)
                    select response, 1, publisher, source, event_id, now(), false, null from identities
                    where outcome = 'accepted'
                    union all select response, 2, null, null, null, now(), false, 'app' from identities
                    where outcome = 'accepted'
                    """)
            }
            // when
            _ = try await Migrator(schema: "feedback", files: files).apply(on: pool)
            // then
            let rows = try await pool.query(
                "select key, source, event_id, outcome, reason from identities order by event_id")
            #expect(try rows.map { try $0.get("outcome") } == ["accepted", "refused"])
            for row in rows {
                let (source, id): (String, String) = try (row.get("source"), row.get("event_id"))
                #expect(try row.get("key") == EventIdentity(publisher: "app", source: source, id: id).key)
            }
            let versions = try await pool.query(
                """
                select v.version, i.event_id from response_values as v left join identities as i on i.key = v.event
                order by v.version
                """)
            #expect(try versions.map { try $0.get("event_id", as: String?.self) } == ["1", nil])
            await pool.close()
        }
    }
}
