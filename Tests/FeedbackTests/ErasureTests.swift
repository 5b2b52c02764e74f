import Crypto
import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Outbox
import Postgres
import RabbitMQ
import ServiceRuntime
import TestSupport
import Testing

@testable import Feedback

@Suite("Erasure of what was taken back")
struct ErasureTests {
    /// The values of the log, as the relay and every replay publish them.
    private func logged(_ lab: IntakeLab) async throws -> [ResponseValues] {
        let rows = try await lab.service.pool.query("select personal from events_personal order by position")
        return try rows.flatMap { row in
            let text: String = try row.get("personal")
            return text.hasPrefix("[")
                ? try WireCoding.decode([ResponseValues].self, from: Array(text.utf8))
                : [try WireCoding.decode(ResponseValues.self, from: Array(text.utf8))]
        }
    }

    private func response(_ lab: IntakeLab, of event: String) async throws -> UUID {
        let rows = try await lab.service.pool.query("select response from identities where event_id = \(event)")
        return try #require(rows.first).get("response")
    }

    @Test(arguments: [true, false])
    func noVersionOfARetractedAnswerIsLeftInTheLogAndItsNeighboursStay(isOneBatch: Bool) async throws {
        try await IntakeLab.with { lab in
            // given
            var correction = lab.event("b", day: 90.5)
            correction.amends = "a"
            let others = (1..<4).map { lab.event("other-\($0)", participant: $0) }
            let events = [others[0], lab.event("a"), others[1], others[2], correction, lab.retraction("x", of: "b")]
            // when
            if isOneBatch {
                _ = try await lab.intake.settle(events.map { lab.message($0.body) })
            } else {
                _ = try await lab.intake.settle(events[..<4].map { lab.message($0.body) })
                #expect(try await logged(lab).count == 4)
                _ = try await lab.intake.settle(events[4...].map { lab.message($0.body) })
            }
            // then
            let left = try await logged(lab)
            let gone = try await response(lab, of: "a")
            #expect(left.count == 3 && !left.contains { $0.response == gone })
            #expect(left.allSatisfy { $0.answers == [4, 2, 4, 2, 4, 2, 4, 2, 4, 2] && $0.salt.utf8.count == 32 })
            let recorded = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)
            #expect(try recorded[0].decode(ResponsesRecorded.self).items.count == 4)
            let values = try await lab.service.pool.query("select from response_values where salt is not null")
            #expect(values.count == 3)
        }
    }

    @Test func aReplayTellsTheEventsWithoutWhatWasErased() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1))
            try await lab.settle(lab.event("c", participant: 2))
            try await lab.settle(lab.retraction("x", of: "a"), lab.retraction("y", of: "c", participant: 2))
            let publisher = RecordingPublisher()
            // when
            _ = try await EventReplay(
                owner: .feedback, pool: lab.service.pool, publisher: publisher,
                order: EventReplay.Order(listener: .reporting, generation: 0)
            ).run { _ in }
            // then
            let told = try publisher.messages.map { try EventEnvelope(decoding: $0.body) }
                .filter { $0.type == ResponsesRecorded.type }
                .map { try WireCoding.decode(ResponsesRecorded.self, from: $0.data) }
            let kept = try await response(lab, of: "b")
            #expect(told.map { $0.items.count } == [2, 1])
            #expect(told.map { $0.personal?.map(\.response) } == [[kept], nil])
        }
    }

    @Test func copiesOfRefusedMessagesOfTheAnswerGoAndTheirReasonsStay() async throws {
        try await IntakeLab.with { lab in
            // given: another content under its name, a correction that is refused, one that comes after the end
            var conflict = lab.event("a")
            conflict.answers = "[1,1,1,1,1,1,1,1,1,1]"
            var wrong = lab.event("b", day: 90.2)
            wrong.amends = "a"
            wrong.answers = "[9,2,4,2,4,2,4,2,4,2]"
            var late = lab.event("late", day: 90.4)
            late.amends = "a"
            try await lab.settle(lab.event("a"), wrong, lab.event("refused", participant: 1, day: 10))
            try await lab.settle(conflict)
            // when
            try await lab.settle(lab.retraction("x", of: "a"))
            try await lab.settle(late)
            // then
            let rows = try await lab.service.pool.query(
                """
                select event_id, reason, octet_length(body) as length, byte_count, erased_at from quarantine
                order by event_id, reason
                """)
            let seen = try rows.map { row in
                "\(try row.get("event_id", as: String.self)) \(try row.get("reason", as: String.self)) "
                    + "\(try row.get("length", as: Int32.self) > 0) \(try row.get("erased_at", as: Date?.self) != nil)"
            }
            #expect(
                seen == [
                    "a identity-conflict false true", "b level-out-of-range false true",
                    "late amends-outdated false true", "refused outside-window true false",
                ])
            #expect(try rows.allSatisfy { try $0.get("byte_count", as: Int64.self) > 100 })
            #expect(try await lab.receipt(of: "b").reason == "level-out-of-range")
            #expect(try await lab.settle(wrong).duplicates == 1)
        }
    }

    @Test(arguments: [true, false])
    func aSecondAnswerThatWasRefusedGoesWithTheFirstAndTakingItBackTouchesNothing(isBefore: Bool) async throws {
        try await IntakeLab.with { lab in
            // given: what an edition of a file sends once more, before or after the person takes the answer back
            let second = lab.event("a#2")
            try await lab.settle(lab.event("a"))
            if isBefore { try await lab.settle(second) }
            try await lab.settle(lab.retraction("x", of: "a#2"))
            #expect(try await lab.scores() == ["P000": 750])
            // when
            try await lab.settle(lab.retraction("y", of: "a"))
            if !isBefore { try await lab.settle(second) }
            // then
            #expect(try await lab.scores().isEmpty)
            #expect(try await lab.receipt(of: "a#2").reason == "already-answered")
            let copies = try await lab.service.pool.query(
                """
                select octet_length(body) as length, erased_at is not null as is_erased from quarantine
                where event_id = 'a#2'
                """)
            #expect(copies.count == 1)
            #expect(try copies[0].get("length", as: Int32.self) == 0 && copies[0].get("is_erased"))
        }
    }

    @Test func whatNoLongerCountedGoesTooWhenItIsTakenBack() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.settle(lab.event("a", day: 92))
            try await lab.service.deliver(
                ExperimentCompleted(
                    experiment: lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                    completedAt: lab.start + 91 * 86_400), subject: lab.experiment.lowercase)
            #expect(try await lab.receipt(of: "a").outcome == .excluded)
            #expect(try await logged(lab).count == 1)
            // when
            try await lab.settle(lab.retraction("x", of: "a", day: 93))
            // then
            #expect(try await lab.receipt(of: "x").reason == "amends-refused")
            #expect(try await logged(lab).isEmpty)
            let values = try await lab.service.pool.query("select from response_values where salt is not null")
            #expect(values.isEmpty)
        }
    }

    @Test func whatWasTakenBackWhileItDidNotCountNeverCountsAgain() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.settle(lab.event("a", day: 92))
            try await lab.approve(version: 2, occasion: "M6", days: 91)
            #expect(try await lab.receipt(of: "a").outcome == .excluded)
            try await lab.settle(lab.retraction("x", of: "a", day: 93))
            #expect(try await lab.receipt(of: "x").reason == "amends-refused")
            // when: a version that plans the occasion again
            try await lab.approve(version: 3, occasion: "M3", days: 91.5)
            // then
            #expect(try await lab.receipt(of: "x").outcome == .accepted)
            let counted = try await lab.service.pool.query("select from responses where state = 'valid'")
            #expect(counted.isEmpty)
            #expect(try await logged(lab).isEmpty)
        }
    }

    @Test func aRetractionThatNamesAnotherParticipantErasesNothing() async throws {
        try await IntakeLab.with { lab in
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1))
            try await lab.settle(lab.retraction("x", of: "a", participant: 1))
            #expect(try await lab.receipt(of: "x").reason == "amends-other-response")
            #expect(try await logged(lab).count == 2)
        }
    }

    @Test func aWithdrawalOnThePageLeavesNoValuesAnywhere() async throws {
        try await GiverLab.with { lab in
            // given
            let code = try await lab.answered(level: 4, comment: "Très bien")
            let asking = try await lab.submit("/recu", [("code", code), ("action", "ask")])
            // when
            let sent = try await lab.submit(
                "/recu", [("code", code), ("form", try lab.secret(in: asking)), ("action", "withdraw")])
            // then
            #expect(sent.status == .seeOther)
            #expect(try await logged(lab.lab).isEmpty)
            #expect(try await lab.responses().map(\.state) == ["retracted"])
            #expect(try await !lab.lab.storedText().contains("Très bien"))
        }
    }

    /// Whoever has the tables and tries all answers must not find one by its hash.
    @Test func noHashOfAnAnswerCanBeMadeWithoutTheKey() async throws {
        try await GiverLab.with { lab in
            // given
            _ = try await lab.answered(level: 4)
            try await lab.lab.settle(lab.lab.event("a", participant: 1))
            try await lab.lab.settle(lab.lab.event("a", participant: 2))
            let nonsense = Array("level=4".utf8)
            _ = try await lab.lab.intake.settle([lab.lab.message(nonsense)])
            // when: everything that an attacker could hash
            let submission = try lab.lab.message(lab.lab.event("a", participant: 1).body).content.get()
            let contents =
                [
                    submission.canonicalContent, nonsense, lab.lab.event("a", participant: 2).body,
                ]
                + (0...10).flatMap { level in
                    ["", "maillage content\n"].map { Array("\($0)answer\n[\(level)]\n".utf8) }
                }
            let guesses = Set(contents.map { Array(SHA256.hash(data: $0)) })
            // then
            let stored = try await lab.service.pool.query(
                """
                select content_hash as hash, event_id as name from identities
                union all select content_hash, '' from invitation_submissions
                union all select body_hash, coalesce(event_id, '') from quarantine
                """)
            #expect(stored.count == 6)
            for row in stored {
                let (hash, name) = (try row.get("hash", as: [UInt8].self), try row.get("name", as: String.self))
                #expect(hash.count == 32 && !guesses.contains(hash))
                #expect(!guesses.contains { name.contains($0.hexadecimal) })
            }
        }
    }

    @Test func anotherKeyMakesOtherHashes() {
        let keys = ["a", "b"].map { ContentKey(String(repeating: $0, count: 32)) }
        let hashes = keys.flatMap { key in [key.hash([1], of: .event), key.hash([1], of: .form)] }
        #expect(Set(hashes).count == 4)
        #expect(keys[0].hash([1], of: .event) == hashes[0])
    }

    @Test func withoutAKeyOrWithAShortOneNothingBegins() async throws {
        #expect(FeedbackService.requiredSettings.contains { $0.name == FeedbackSettings.contentKey.name })
        #expect(throws: SettingsError.self) {
            _ = try Settings.load(
                keys: FeedbackService.allSettings, environment: ["MAILLAGE_FEEDBACK_CONTENT_KEY": "too short"])
        }
    }
}

extension IntakeLab {
    /// All that the tables of the intake hold, in one text.
    func storedText() async throws -> String {
        var text = ""
        let tables = [
            "identities", "waiting", "quarantine", "response_values", "receipts_outbox", "events", "events_personal",
        ]
        for table in tables {
            let rows = try await service.pool.query("select to_jsonb(t)::text as row from \(identifier: table) as t")
            for row in rows { text += try row.get("row", as: String.self) + "\n" }
        }
        for table in ["waiting", "quarantine", "receipts_outbox"] {
            for row in try await service.pool.query("select body from \(identifier: table)") {
                text += String(decoding: try row.get("body", as: [UInt8].self), as: UTF8.self) + "\n"
            }
        }
        return text
    }
}
