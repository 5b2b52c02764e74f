import Events
import FeedbackDomain
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import Logging
import Observability
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("One contract, two doors")
struct EventDoorTests {
    private static let structured = "application/cloudevents+json"

    private func headers(
        _ user: String = "telehealth", type: String = structured, also: [(String, String)] = []
    ) throws -> HTTPFields {
        var fields: HTTPFields = [
            .contentType: type,
            .authorization: "Basic " + Data("\(user).1:\(Self.password)".utf8).base64EncodedString(),
        ]
        for (name, value) in also { fields[try #require(HTTPField.Name(name))] = value }
        return fields
    }

    private static let password = "abcdefghijkmnpqrstuvwxyz23456789"

    private func post(_ lab: IntakeLab, _ body: [UInt8], _ headers: HTTPFields) async throws -> TestAnswer {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let answer = try await postOnce(lab, body, headers)
            // After nonsense the door asks for a rest.
            guard answer.problemSlug == "publisher-rests", ContinuousClock.now < deadline else { return answer }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func postOnce(_ lab: IntakeLab, _ body: [UInt8], _ headers: HTTPFields) async throws -> TestAnswer {
        try await lab.service.request(
            .post, "/v1/events", json: String(decoding: body, as: UTF8.self), headers: headers)
    }

    private func with(
        experiments: (@Sendable (IntakeLab) -> [UUID])? = nil, settings: [String: String] = [:],
        _ body: (IntakeLab) async throws -> Void
    ) async throws {
        try await IntakeLab.with(settings: settings) { lab in
            let store = PublisherStore(queueBytesTotal: 1 << 30)
            let context = CommandContext(actor: "test", cause: .init(correlationID: "test"), now: Date())
            let secret = try #require(CredentialSecret(Self.password))
            for name in ["telehealth", "surveys"] {
                let terms = PublisherTerms(
                    organisation: name, contact: "c", experiments: name == "surveys" ? experiments?(lab) : nil,
                    queueBytes: 1 << 20)
                try await lab.service.pool.withTransaction { transaction in
                    if name != IntakeLab.publisher {
                        try await store.insert(name, terms, context: context, in: transaction)
                    }
                    _ = try await store.rotate(
                        name, to: .password(CredentialHash(of: secret)), overlapHours: 0, in: transaction)
                }
            }
            try await body(lab)
        }
    }

    @Test func anEventOverHTTPIsAnsweredWhenItIsCommittedAndSendsNoMessage() async throws {
        try await with { lab in
            // when
            let answer = try await post(lab, lab.event("a").body, headers())
            // then
            #expect(answer.status == .ok)
            #expect(try answer.decode(FeedbackSubmission.Receipt.self).outcome == .accepted)
            #expect(try await lab.count("responses") == 1)
            #expect(try await lab.receipts().isEmpty)
        }
    }

    @Test func theSameEventThroughEveryDoorAndInEveryModeCountsOnce() async throws {
        try await with { lab in
            // given: over HTTP, structured
            let event = lab.event("a")
            let first = try await post(lab, event.body, headers())
            #expect(first.status == .ok)
            // when: over HTTP in binary mode, and over AMQP in all modes
            let members = try JSONMembers(event.body)
            let data = Array(try #require(members.value("data")))
            let attributes = [
                ("specversion", "1.0"), ("id", "a"), ("source", "urn:app"), ("type", FeedbackSubmission.submitted),
                ("time", WireInstant.format(event.time)),
            ]
            let binary = try headers(type: "application/json", also: attributes.map { ("ce-" + $0.0, $0.1) })
            let answer = try await post(lab, data, binary)
            var messages = [OutsideMessage(body: event.body, contentType: Self.structured)]
            for prefix in BinaryEvent.prefixes {
                messages.append(
                    OutsideMessage(
                        body: data, contentType: "application/json",
                        fields: attributes.map { (prefix + $0.0, $0.1) }))
            }
            let tally = try await lab.intake.settle(
                messages.map {
                    $0.read(by: IntakeLab.reader, publisher: "telehealth", clockAt: lab.service.clock.now())
                })
            // then
            #expect(try answer.decode(FeedbackSubmission.Receipt.self).outcome == .duplicate)
            #expect(tally.duplicates == 4 && tally.accepted == 0 && tally.refused == 0)
            #expect(try await lab.count("responses") == 1)
        }
    }

    @Test func twoPrefixesAtOnceAreRefusedWithTheMend() async throws {
        try await with { lab in
            let message = OutsideMessage(
                body: lab.event("a").body, contentType: "application/json",
                fields: [("ce-specversion", "1.0"), ("ce-id", "a"), ("cloudEvents:id", "b")])
            let tally = try await lab.intake.settle([
                message.read(by: IntakeLab.reader, publisher: "telehealth", clockAt: lab.service.clock.now())
            ])
            #expect(tally.refused == 1)
            #expect(try await lab.receipt(of: "a").reason == "malformed-headers")
        }
    }

    @Test func aBinaryEventWhoseBodyIsNoJSONKeepsItsNameInTheReceipt() async throws {
        try await with { lab in
            let attributes = [
                ("ce-specversion", "1.0"), ("ce-id", "a%20b"), ("ce-source", "urn:app"),
                ("ce-type", FeedbackSubmission.submitted), ("ce-time", "2026-11-21T09:00:00Z"),
            ]
            let answer = try await post(
                lab, Array(#"{"experiment":"#.utf8), headers(type: "application/json", also: attributes))
            #expect(answer.status == .unprocessableContent)
            let receipt = try answer.decode(FeedbackSubmission.Receipt.self)
            #expect(receipt.id == "a b" && receipt.reason == "invalid-field" && receipt.field == "/data")
        }
    }

    @Test func oneBrokenEventOfABatchIsRefusedAlone() async throws {
        try await with { lab in
            // given
            let good = (0..<5).map { String(decoding: lab.event("g\($0)", participant: $0).body, as: UTF8.self) }
            let batch = "[" + (good[..<2] + [#"{"id": nonsense}"#, "7"] + good[2...]).joined(separator: " ,\n") + "]"
            // when
            let answer = try await post(lab, Array(batch.utf8), headers(type: "application/cloudevents-batch+json"))
            // then
            let receipts = try answer.decode(FeedbackSubmission.Receipts.self).receipts
            #expect(
                receipts.map(\.outcome) == [.accepted, .accepted, .refused, .refused, .accepted, .accepted, .accepted])
            #expect(receipts.map(\.id) == ["g0", "g1", "", "", "g2", "g3", "g4"])
            #expect(try await lab.count("responses") == 5)
        }
    }

    @Test(arguments: ["[", "{}", "", "[{}", "[] x", #"["]"#, #"[{"id": [}]"#])
    func aBatchThatIsNoArrayIsRefusedWhole(text: String) async throws {
        try await with { lab in
            let answer = try await post(lab, Array(text.utf8), headers(type: "application/cloudevents-batch+json"))
            #expect(answer.status == .badRequest)
            #expect(try await lab.count("identities") == 0)
        }
    }

    @Test func linesAreAnsweredLineByLineAndTheLastLineCountsThem() async throws {
        try await with { lab in
            // given
            var lines = (0..<400).map { String(decoding: lab.event("l\($0)", participant: $0).body, as: UTF8.self) }
            lines.insert(String(repeating: "x", count: 70_000), at: 100)
            // when
            let answer = try await post(
                lab, Array(lines.joined(separator: "\r\n\n").utf8), headers(type: "application/x-ndjson"))
            // then
            let told = answer.text.split(separator: "\n")
            #expect(told.count == 402)
            #expect(told.last == #"{"settled":401}"#)
            #expect(told[100].contains("too-large"))
            #expect(try await lab.count("responses") == 400)
        }
    }

    /// Holds requests up in the middle, as a slow database would.
    private func holding(_ lab: IntakeLab, _ body: () async throws -> Void) async throws {
        try await lab.service.pool.withTransaction { transaction in
            try await ExperimentLocks.take([lab.experiment], in: transaction)
            try await body()
        }
    }

    @Test func aPublisherHasSoManyRequestsAtOnceAndHoldsUpNoOther() async throws {
        try await with(settings: ["feedback.requests": "2"]) { lab in
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                try await holding(lab) {
                    // given
                    for number in 0..<2 {
                        let body = lab.event("e\(number)", participant: number).body
                        group.addTask { try await post(lab, body, headers()).status }
                    }
                    try await waitUntil("both wait") { try await lab.blockedCount() == 2 }
                    // when
                    let third = try await post(lab, lab.event("third", participant: 2).body, headers())
                    let other = try await post(lab, Array("[]".utf8), headers("surveys", type: Self.batch))
                    // then
                    #expect(third.status == .tooManyRequests && third.problemSlug == "too-many-requests")
                    #expect(third.headers[.retryAfter] == "1" && third.problem?.mend != nil)
                    #expect(other.status == .ok)
                }
                for try await status in group { #expect(status == .ok) }
            }
            // then: the places are free again, and nothing of the third was taken
            #expect(try await post(lab, lab.event("third", participant: 2).body, headers()).status == .ok)
            #expect(try await lab.count("responses") == 3)
        }
    }

    private static let batch = "application/cloudevents-batch+json"

    /// Sends an event behind nonsense that took a third of a second, and what passed between the two answers.
    private func postAfterNonsense(_ lab: IntakeLab, _ id: String) async throws -> (TestAnswer, took: Duration) {
        let body = lab.event(id, day: 2).body
        try await withThrowingTaskGroup(of: TestAnswer.self) { group in
            try await holding(lab) {
                group.addTask { try await post(lab, body, headers()) }
                let started = ContinuousClock.now
                try await waitUntil("it took long") {
                    try await lab.blockedCount() == 1 && ContinuousClock.now > started + .milliseconds(400)
                }
            }
            #expect(try await group.next()?.status == .unprocessableContent)
        }
        let started = ContinuousClock.now
        return (try await postOnce(lab, lab.event("good").body, headers()), ContinuousClock.now - started)
    }

    @Test func afterNonsenseAPublisherRestsThreeTimesAsLongAsThatTookAndItsNeighbourDoesNot() async throws {
        try await with { lab in
            // when
            var attempt = 0
            var (resting, took): (TestAnswer, Duration)
            repeat {
                attempt += 1
                (resting, took) = try await postAfterNonsense(lab, "wrong \(attempt)")
                // It is over already where the machine stood still for as long: then it is all done again.
            } while took > .milliseconds(900)
            let neighbour = try await postOnce(lab, lab.event("theirs", participant: 1).body, headers("surveys"))
            // then
            #expect(resting.status == .tooManyRequests && resting.problemSlug == "publisher-rests")
            #expect(resting.headers[.retryAfter] == "1")
            #expect(neighbour.status == .ok)
            // when: it has rested
            #expect(try await post(lab, lab.event("good").body, headers()).status == .ok)
        }
    }

    @Test(arguments: [IntakeDoor.http, .page])
    func aMessageThatMakesTheDatabaseFailIsCountedAndLoggedAtEveryDoor(kind: IntakeDoor) async throws {
        try await with { lab in
            // given
            try await lab.poisonTheDatabase()
            let (lines, factory) = (LogLines(), PrometheusMetricsFactory())
            var door = EventDoor(intake: lab.intake, wakeUps: [], kind: kind, logger: lines.logger)
            door.metricsFactory = factory
            var poison = lab.event("poison")
            poison.comment = "poison"
            // when
            let answer = try await door.take(
                [OutsideMessage(body: poison.body), OutsideMessage(body: lab.event("good", participant: 1).body)],
                from: "telehealth")
            // then
            #expect(answer.receipts.map(\.outcome) == [.refused, .accepted])
            let labels = #"door="\#(kind.rawValue)""#
            let text = factory.render()
            #expect(text.contains(#"maillage_feedback_poison_total{\#(labels),publisher="telehealth"} 1"#))
            for outcome in ["accepted", "refused"] {
                #expect(
                    text.contains(
                        "maillage_feedback_messages_total{\(labels),outcome=\"\(outcome)\",publisher=\"telehealth\"} 1")
                )
            }
            #expect(lines.all.filter { $0.contains("\"error\"") && $0.contains("is quarantined") }.count == 1)
        }
    }

    @Test func whatSpeaksUnderAnothersSourceChangesNothingOfTheOthers() async throws {
        try await with { lab in
            // given
            _ = try await post(lab, lab.event("a").body, headers())
            let before = try await lab.fingerprint()
            // when: the same name from another publisher, and a correction of the other's event
            var correction = lab.event("b", day: 91)
            correction.amends = "a"
            correction.answers = "[1,1,1,1,1,1,1,1,1,1]"
            let copy = try await post(lab, lab.event("a").body, headers("surveys"))
            let amended = try await post(lab, correction.body, headers("surveys"))
            // then
            #expect(try copy.decode(FeedbackSubmission.Receipt.self).reason == "already-answered")
            #expect(try amended.decode(FeedbackSubmission.Receipt.self).reason == "amends-refused")
            let after = try await lab.fingerprint()
            #expect(
                before.filter { $0.hasPrefix("responses") || $0.hasPrefix("values") || $0.hasPrefix("experiments") }
                    == after.filter {
                        $0.hasPrefix("responses") || $0.hasPrefix("values") || $0.hasPrefix("experiments")
                    })
        }
    }

    @Test func everythingThreeTimesInRandomOrderThroughBothDoorsChangesNothing() async throws {
        try await with { lab in
            // given
            var generator = SeededGenerator(seed: 20_261_122)
            let events = (0..<60).map { lab.event("e\($0)", participant: $0).body }
            for event in events { _ = try await post(lab, event, headers()) }
            let before = try await lab.fingerprint()
            // when
            let again = (events + events + events).shuffled(using: &generator)
            for (index, event) in again.enumerated() {
                if index.isMultiple(of: 2) {
                    _ = try await post(lab, event, headers())
                } else {
                    _ = try await lab.intake.settle([lab.message(event)])
                }
            }
            // then
            #expect(try await lab.fingerprint() == before)
        }
    }

    @Test func aPublisherTellsOnlyOfItsExperiments() async throws {
        try await with(experiments: { _ in [UUID()] }) { lab in
            let refused = try await post(lab, lab.event("a").body, headers("surveys"))
            #expect(try refused.decode(FeedbackSubmission.Receipt.self).reason == "experiment-not-allowed")
            let taken = try await post(lab, lab.event("a").body, headers())
            #expect(taken.status == .ok)
        }
        try await with(experiments: { [$0.experiment] }) { lab in
            let taken = try await post(lab, lab.event("a").body, headers("surveys"))
            #expect(taken.status == .ok)
        }
    }

    @Test func receiptsQuarantineAndStatementShowAPublisherItsOwnAlone() async throws {
        try await with { lab in
            // given
            _ = try await post(lab, lab.event("mine").body, headers())
            _ = try await post(lab, lab.event("wrong", participant: 1, day: 2).body, headers())
            _ = try await post(lab, Array("nonsense".utf8), headers())
            _ = try await post(lab, lab.event("wait", participant: 399).body.replacingPseudonym(), headers())
            let day = try await lab.today()
            // when
            let mine = try await lab.service.request(.get, "/v1/receipts?source=urn:app&id=mine", headers: headers())
            let other = try await lab.service.request(
                .get, "/v1/receipts?source=urn:app&id=mine", headers: headers("surveys"))
            let quarantine = try await lab.service.request(.get, "/v1/quarantine", headers: headers("surveys"))
            let statement = try await lab.service.request(.get, "/v1/statements/\(day)", headers: headers())
            // then
            #expect(mine.status == .ok && other.status == .notFound)
            #expect(quarantine.text.contains(#""items":[]"#))
            struct View: Decodable {
                let events: Int, accepted: Int, waiting: Int, refused: Int, unidentified: Int, isFinal: Bool
                let refusedByReason: [String: Int]
            }
            let view = try statement.decode(View.self)
            #expect(view.events == 3 && view.accepted == 1 && view.waiting == 1 && view.refused == 1)
            #expect(view.unidentified == 1 && !view.isFinal && view.refusedByReason == ["outside-window": 1])
        }
    }
}

extension IntakeLab {
    /// As the database's clock has it, which statements go by.
    fileprivate func today() async throws -> String {
        let rows = try await service.pool.query("select (clock_timestamp() at time zone 'UTC')::date::text as day")
        return try rows[0].get("day")
    }
}

extension [UInt8] {
    /// For somebody who is not enrolled.
    fileprivate func replacingPseudonym() -> [UInt8] {
        Array(String(decoding: self, as: UTF8.self).replacing("P399", with: "P999").utf8)
    }
}
