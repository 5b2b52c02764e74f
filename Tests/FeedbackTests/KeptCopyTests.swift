import Events
import FeedbackDomain
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// Whatever a message is refused for and however it is written, what is kept of it says nothing of who a person is.
@Suite("What is kept of refused messages")
struct KeptCopyTests {
    private static let numbers = ["185057800608491", "0612345678"]
    private static let planted = "185057800608491 ou 06 12 34 56 78"
    private static let event = OutsideEvent(id: "a", experiment: UUID())

    /// The event with `member` before its others.
    private static func body(_ member: String) -> String {
        String(decoding: event.body, as: UTF8.self).replacing(#"{"specversion""#, with: "{\(member),\"specversion\"")
    }

    private static let escaped = planted.utf8.map { "\\u00" + [$0].hexadecimal }.joined()

    private static let writings: [(String, [UInt8])] = {
        var commented = event
        commented.comment = planted
        let whole = String(decoding: commented.body, as: UTF8.self)
        let data = #"{"note":"\#(planted)""#
        let base64 = Data(data.utf8).base64EncodedString()
        let long = String(repeating: "x", count: KeptCopy.byteCountMax - 8)
        return [
            ("a comment", whole), ("a member that nobody reads", body(#""note":"\#(planted)""#)),
            ("deep inside", body(#""note":[{"a":["\#(planted)"]},{"b":{"c":"\#(planted)"}}]"#)),
            ("a member's name", body(#""\#(planted)":1"#)), ("a number", body(#""note":[1,185057800608491]"#)),
            ("escapes", body(#""note":"\#(escaped)""#)), ("half a character", body(#""note":"\ud800\#(planted)""#)),
            ("base64 of a bare body", body(#""data_base64":"\#(base64)""#)), ("a list", "[\"\(planted)\"]"),
            ("a twin", body(#""id":"b","note":"\#(planted)""#)), ("cut off", String(whole.dropLast(3))),
            ("cut off with escapes", #"{"note":"\#(escaped)"#), ("plain text", "patient \(planted)"),
            ("behind a slash", "patients/185057800608491/answers"),
            ("over the limit", "{\"note\":\"\(planted) \(long)"),
            ("across the limit", long + planted),
        ].map { ($0.0, Array($0.1.utf8)) } + [
            ("UTF-16", planted.utf8.flatMap { [0, $0] }), ("no text", [0xFF, 0xFE] + Array(planted.utf8)),
        ]
    }()

    private func message(_ body: [UInt8], _ content: Result<Submission, Refusal>) -> InboundMessage {
        InboundMessage(
            identity: EventIdentity(publisher: "app", source: "urn:app", id: "a"), isIdentified: true, content: content,
            contentHash: Array(repeating: 0, count: 32), body: body, clockAt: .distantPast)
    }

    /// What a reader of the bytes could make of them: only the digits, also where escapes and base64 are undone.
    private func digits(in bytes: [UInt8]) -> [String] {
        var texts = [String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)]
        if let members = try? JSONMembers(bytes), let note = members.string("note") { texts.append(note) }
        if let members = try? JSONMembers(bytes), let base64 = members.string("data_base64"),
            let data = Data(base64Encoded: base64)
        {
            texts.append(String(decoding: data, as: UTF8.self))
        }
        if let unescaped = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) {
            texts.append("\(unescaped)")
        }
        return texts.map { $0.filter(\.isNumber) }
    }

    @Test(arguments: Refusal.Reason.allCases)
    func noWritingShowsAnIdentifierWhateverTheReason(reason: Refusal.Reason) {
        for (name, body) in Self.writings {
            let kept = KeptCopy.bytes(of: message(body, .failure(Refusal(reason, mend: ""))))
            for digits in digits(in: kept) {
                #expect(!Self.numbers.contains { digits.contains($0) }, "\(reason) \(name)")
            }
            // Of the number across the limit, no half.
            #expect(!digits(in: kept).contains { $0.hasSuffix("18505") }, "\(reason) \(name)")
        }
    }

    @Test func whatIsJudgedAgainStaysAsItIsAndTheRestIsMasked() throws {
        for (name, body) in Self.writings {
            let read = IntakeLab.reader.read(body, publisher: "app", clockAt: .distantFuture)
            let kept = KeptCopy.bytes(of: read)
            for digits in digits(in: kept) {
                #expect(!Self.numbers.contains { digits.contains($0) }, "\(name)")
            }
            guard let submission = read.submission else { continue }
            let again = IntakeLab.reader.read(kept, as: read.identity, clockAt: .distantFuture)
            #expect(again.submission == submission && again.contentHash == read.contentHash, "\(name)")
        }
    }

    @Test func aMessageWithoutIdentifiersIsKeptToTheByte() {
        var event = Self.event
        event.comment = #"très \"bien\" \u00e9 le 06/12/2024"#
        event.source = "https://app.test/surveys"
        for reason in Refusal.Reason.allCases {
            #expect(KeptCopy.bytes(of: message(event.body, .failure(Refusal(reason, mend: "")))) == event.body)
        }
        let noise: [UInt8] = [0xFF, 0x00, 0x7B, 0x5C, 0x75]
        #expect(KeptCopy.bytes(of: message(noise, .failure(Refusal(.malformedBody, mend: "")))) == noise)
    }

    @Test func everyDoorAndEveryRefusalMasksWhatItKeeps() async throws {
        try await IntakeLab.with { lab in
            // given: bad headers, two prefixes, a wrong type and time, no answers, nonsense, an answer too many
            func text(_ change: (inout OutsideEvent) -> Void = { _ in }) -> String {
                var event = lab.event("e-\(UUID().uuidString.lowercased())")
                event.comment = Self.planted
                change(&event)
                return String(decoding: event.body, as: UTF8.self)
            }
            let now = lab.service.clock.now()
            let prefixes = OutsideMessage(
                body: Array(#"{"comment":"\#(Self.planted)"}"#.utf8), contentType: "application/json",
                fields: [("ce-specversion", "1.0"), ("cloudEvents:id", Self.planted)])
            let noObject = OutsideMessage(
                body: Array("patient \(Self.planted)".utf8), contentType: "text/plain",
                fields: [("ce-specversion", "1.0"), ("ce-id", "bare"), ("ce-source", "urn:app")])
            let bodies = [
                text().replacing("submitted", with: "invented"),
                text().replacing("\"time\"", with: "\"at\""),
                text { $0.answers = "[]" }, text { $0.answers = "[9,2,4,2,4,2,4,2,4,2]" }, text { $0.occasion = "M99" },
                text { $0.time = lab.start + 10 * 86_400 }, text { $0.time = lab.start + 99 * 86_400 },
                text { $0.instrument = "XYZ" }, text { $0.amends = "never" }, text { $0.participant = "nobody" },
                "patient \(Self.planted)",
            ]
            // when
            var messages = bodies.map { lab.message(Array($0.utf8)) }
            messages.append(
                IntakeLab.reader.read(
                    Array(text().utf8), publisher: IntakeLab.publisher, headersAreMalformed: true, clockAt: now))
            for message in [prefixes, noObject] {
                messages.append(message.read(by: IntakeLab.reader, publisher: IntakeLab.publisher, clockAt: now))
            }
            let tally = try await lab.intake.settle(messages)
            // then
            #expect(tally.refused == 12 && tally.waiting == 2)
            #expect(try await lab.count("quarantine") == 12)
            let stored = try await lab.storedText()
            for number in Self.numbers + ["06 12 34 56 78"] { #expect(!stored.contains(number)) }
        }
    }

    @Test(arguments: ["source", "id", "participant", "instrument", "occasion", "amends"])
    func aRegisterNumberInAnyNameIsRefusedAndNothingOfItIsKept(field: String) async throws {
        try await IntakeLab.with { lab in
            for number in ["185057800608491", "urn:patient:185057800608491", "1 85 05 78 006 084 91"] {
                // given
                var event = lab.event("e")
                switch field {
                case "source": event.source = number
                case "id": event.id = number
                case "participant": event.participant = number
                case "instrument": event.instrument = number
                case "occasion": event.occasion = number
                default: event.amends = number
                }
                let refused = try await lab.count("quarantine")
                if field != "id" { event.id = "e-\(refused)" }
                // when
                _ = try await lab.intake.settle([lab.message(event.body)])
                // then
                let receipt = try #require(try await lab.receipts().last)
                #expect(receipt.reason == "forbidden-identifier")
                #expect(receipt.field == (["source", "id"].contains(field) ? "/\(field)" : "/data/\(field)"))
                #expect(try await lab.count("quarantine") == refused + 1)
            }
            let stored = try await lab.storedText()
            #expect(!stored.contains("185057800608491") && !stored.contains("006 084"))
        }
    }
}

@Suite("Messages that are looked at again")
struct KeptNameTests {
    /// A name that looks like a telephone number, and one in what was written.
    private func questionnaire(_ lab: IntakeLab) -> [UInt8] {
        let time = WireInstant.format(lab.start + 90 * 86_400)
        return Array(
            """
            {"specversion":"1.0","id":"06 12 34 56 78","source":"jean@app.example",\
            "type":"\(FeedbackSubmission.submitted)",\
            "time":"\(time)","experiment":"\(lab.experiment.lowercase)","occasion":"M3",\
            "data":{"resourceType":"QuestionnaireResponse","status":"completed",\
            "questionnaire":"https://x/SUS|F-SUS-2021",\
            "subject":{"identifier":{"value":"P000"}},"item":[\
            {"linkId":"sus-1","answer":[{"valueInteger":4}]},\
            {"linkId":"free","answer":[{"valueString":"\\u0030612345678 merci"}]}]}}
            """.utf8)
    }

    @Test func aQuestionnaireThatWaitsKeepsItsNameAndLosesWhatIsWritten() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            let message = lab.message(questionnaire(lab))
            let tally = try await lab.intake.settle([message])
            #expect(tally.waiting == 1)
            let kept = try await lab.service.pool.query("select body from waiting")[0].get("body", as: [UInt8].self)
            let members = try JSONMembers(kept)
            #expect(members.string("id") == "06 12 34 56 78" && members.string("source") == "jean@app.example")
            #expect(String(decoding: kept, as: UTF8.self).contains("[masqué] merci"))
            // when: what it waits for comes
            try await lab.open()
            // then: it is told under its name that SUS has no such item
            let receipt = try await lab.receipt(of: "06 12 34 56 78")
            #expect(receipt.outcome == .refused && receipt.source == "jean@app.example")
            let rows = try await lab.service.pool.query("select outcome, event_id from identities")
            #expect(rows.count == 1)
            #expect(try rows[0].get("outcome", as: String.self) == "refused")
            #expect(try await lab.intake.settle([message]).duplicates == 1)
        }
    }

    @Test func theRowSaysWhoseAWaitingMessageIsWhateverItSaysItself() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await lab.settle(lab.event("a"))
            var other = lab.event("somebody else's")
            other.source = "urn:other"
            try await lab.service.pool.query("update waiting set body = \(other.body)")
            // when
            try await lab.open()
            // then
            let rows = try await lab.service.pool.query("select source, event_id, outcome from identities")
            #expect(rows.count == 1)
            #expect(try rows[0].get("event_id", as: String.self) == "a")
            #expect(try rows[0].get("outcome", as: String.self) == "accepted")
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
        }
    }

    @Test func anIdentityThatIsNotThereStopsTheTransaction() async throws {
        try await IntakeLab.with { lab in
            // given
            var nobody = lab.event("a")
            nobody.participant = "nobody"
            try await lab.settle(nobody)
            let receipts = try await lab.receipts().count
            try await lab.service.pool.query("delete from identities")
            try await lab.service.pool.query("update waiting set received_at = received_at - interval '25 hours'")
            // when
            await #expect(throws: InternalError.self) {
                _ = try await lab.intake.sweep(waitSecondsMax: 86_400)
            }
            // then
            #expect(try await lab.count("waiting") == 1)
            #expect(try await lab.count("quarantine") == 0)
            #expect(try await lab.receipts().count == receipts)
        }
    }
}
