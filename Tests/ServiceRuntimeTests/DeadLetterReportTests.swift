import ArgumentParser
import Events
import Foundation
import Inbox
import Outbox
import Postgres
import TestSupport
import Testing

@testable import ServiceRuntime

/// What the commands tell, about a real table.
@Suite struct DeadLetterReportTests {
    private func withLetters(_ body: (ServiceHarness) async throws -> Void) async throws {
        try await ServiceHarness.with(ProbeService.self) { service in
            try await service.pool.query(
                """
                insert into dead_letters (class, reason, exchange, routing_key, headers, body, first_seen, attempts)
                select 'envelope', 'body: no JSON', 'x', 'y', '{"k": "v"}', convert_to(E'\\x1b[2Jred', 'UTF8'),
                    '2026-03-01T09:00:00Z', 1 from generate_series(1, 5)
                """)
            try await body(service)
        }
    }

    @Test func causesAreCountedInBothLanguages() async throws {
        try await withLetters { service in
            // when
            let groups = try await service.desk.groups(exampleCount: 2)
            let english = try DeadLetterReport<ProbeService>(language: .en, isJSON: false).list(groups)
            let french = try DeadLetterReport<ProbeService>(language: .fr, isJSON: false).list(groups)
            let machine = try DeadLetterReport<ProbeService>(language: .en, isJSON: true).list(groups)
            // then
            #expect(english.contains("applications: 5 open dead letters"))
            #expect(english.contains("5 × envelope") && english.contains("body: no JSON"))
            #expect(english.contains("first seen 2026-03-01T09:00:00.000Z") && english.contains("and 3 more"))
            #expect(french.contains("5 messages en souffrance") && french.contains("et 3 autres"))
            #expect(machine.contains(#""count":5"#) && machine.contains(#""class":"envelope""#))
            #expect(
                try DeadLetterReport<ProbeService>(language: .en, isJSON: false).list([]).hasSuffix("no dead letters\n")
            )
        }
    }

    @Test func aBodyIsShownOnlyWhenAskedForAndDoesNotSpeakToTheTerminal() async throws {
        try await withLetters { service in
            // given
            let letter = try #require(try await service.desk.letter(1))
            try await service.desk.noteLook(at: 1, by: "Anne", reason: "to see why")
            let acts = try await service.desk.acts(on: 1)
            let report = DeadLetterReport<ProbeService>(language: .en, isJSON: false)
            // when
            let closed = try report.show(letter, acts: acts, withBody: false)
            let open = try report.show(letter, acts: acts, withBody: true)
            // then
            #expect(!closed.contains("red") && closed.contains("bytes       7"))
            #expect(closed.contains("show-body shown [Anne] to see why"))
            #expect(open.contains("\u{FFFD}[2Jred") && !open.contains("\u{1B}"))
        }
    }

    @Test func agesAreTwoUnitsLong() {
        #expect([0, 59, 3_661, 180_000, -5].map { AgeText.of($0) } == ["0 s", "59 s", "1 h 1 min", "2 d 2 h", "0 s"])
    }

    @Test func theCommandRefusesWhatIsIncompleteWithTheFieldAndTheMend() throws {
        func refusal(_ arguments: String...) -> String {
            do {
                _ = try DeadLettersRetryCommand<ProbeService>.parse(arguments)
                return ""
            } catch {
                return DeadLettersRetryCommand<ProbeService>.message(for: error)
            }
        }
        let people = ["--by", "Anne", "--second", "Marc", "--reason", "it is mended"]
        #expect(try DeadLettersRetryCommand<ProbeService>.parse(["7"] + people).act.ids == [7])
        #expect(try DeadLettersRetryCommand<ProbeService>.parse(["7", "--dry-run"]).act.isDryRun)
        #expect(refusal("7").contains("--by is missing: give the name of the person who acts"))
        #expect(refusal("7", "--by", "Anne", "--second", "anne", "--reason", "it is mended").contains("same person"))
        #expect(refusal("--dry-run").contains("one of the two"))
        #expect(refusal("7", "--class", "x", "--dry-run").contains("one of the two"))
        #expect(refusal("7", "--rate", "0", "--dry-run").contains("--rate: give a number from 1 to 1000"))
        #expect(refusal("--class", "x", "--limit", "0", "--dry-run").contains("--limit"))
    }

    @Test(.timeLimit(.minutes(1))) func thePaceKeepsBelowTheRate() async throws {
        // given
        var pace = Pace(perSecond: 100)
        let start = ContinuousClock.now
        // when
        for _ in 0..<11 { try await pace.wait() }
        // then
        #expect(ContinuousClock.now - start >= .milliseconds(100))
    }
}
