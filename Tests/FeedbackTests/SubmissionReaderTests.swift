import Events
import FeedbackDomain
import Foundation
import RabbitMQ
import Testing

@testable import Feedback

@Suite("Reading what outsiders send")
struct SubmissionReaderTests {
    private let experiment = UUID()
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func read(_ body: [UInt8], headersAreMalformed: Bool = false) -> InboundMessage {
        IntakeLab.reader.read(body, publisher: "app", headersAreMalformed: headersAreMalformed, clockAt: now)
    }

    private func refusal(_ text: String) -> String? {
        guard case .failure(let refusal) = read(Array(text.utf8)).content else { return nil }
        return "\(refusal.reason.rawValue) \(refusal.field ?? "-")"
    }

    private var event: OutsideEvent { OutsideEvent(id: "a", experiment: experiment, time: now) }

    private func text(_ change: (inout OutsideEvent) -> Void = { _ in }) -> String {
        var event = event
        change(&event)
        return String(decoding: event.body, as: UTF8.self)
    }

    @Test func aWellFormedEventIsReadWhole() throws {
        // given
        let body = text {
            $0.answers = "[ 1 , null,5,4,3,2,1,2,3,4 ]"
            $0.comment = #"tr\u00e8s \"bien\"\n"#
            $0.amends = "b"
        }
        // when
        let submission = try read(Array(body.utf8)).content.get()
        // then
        #expect(submission.answers == [1, nil, 5, 4, 3, 2, 1, 2, 3, 4])
        #expect(submission.comment == "très \"bien\"\n" && submission.amends == "b")
        #expect(submission.identity == EventIdentity(publisher: "app", source: "urn:app", id: "a"))
        #expect(submission.experiment == experiment && submission.answeredAt == now)
    }

    @Test(arguments: [
        (#""specversion":"1.0""#, #""specversion":"2""#, "invalid-field /specversion"),
        ("response.submitted", "response.invented", "unsupported-type /type"),
        (#""source":"urn:app""#, #""source":"""#, "invalid-field /source"),
        (#""id":"a""#, #""id":7"#, "invalid-field /id"), (#""id":"a""#, #""id":"a\u0001""#, "invalid-field /id"),
        (#""participant":"P000""#, #""participant":"\n""#, "invalid-field /data/participant"),
        (#""instrument":"SUS""#, #""other":"SUS""#, "invalid-field /data/instrument"),
        ("[4,", "[4.5,", "invalid-field /data/answers/0"), ("[4,2,", #"[4,"2","#, "invalid-field /data/answers/1"),
        ("[4,2,", "[4,[2],", "invalid-field /data/answers/1"),
        (#""answers":[4,2,4,2,4,2,4,2,4,2]"#, #""answers":4"#, "invalid-field /data/answers"),
        (#""occasion":"M3""#, #""occasion":"M3","comment":5"#, "invalid-field /data/comment"),
        (#""occasion":"M3""#, #""occasion":"M3","comment":"\ud800""#, "invalid-field /data/comment"),
        (#""occasion":"M3""#, #""occasion":"M3","amends":"b""#, "invalid-field /data/amends"),
        (#""occasion":"M3""#, #""occasion":"M3","occasion":"M6""#, "invalid-field /data"),
        (#""data":{"#, #""data":[{"#, "malformed-body -"),
    ])
    func theFieldAtFaultIsNamed(original: String, replacement: String, expected: String) {
        #expect(refusal(text().replacing(original, with: replacement)) == expected)
    }

    @Test func aNulCharacterIsRefusedBeforeItReachesTheDatabase() {
        #expect(refusal(text { $0.comment = #"a\u0000b"# }) == "malformed-body -")
    }

    @Test func aMessageOfMoreThan64KiBIsNotLookedAt() {
        let body = text { $0.comment = String(repeating: "x", count: 70_000) }
        #expect(refusal(body) == "too-large -")
        #expect(!read(Array(body.utf8)).isIdentified)
    }

    @Test func malformedHeadersAreRefusedUnderTheEventsName() throws {
        let message = read(event.body, headersAreMalformed: true)
        #expect(message.isIdentified && message.identity.id == "a")
        #expect(throws: Refusal.self) { try message.content.get() }
    }

    @Test func aTableOrAListInTheHeadersIsRefusedUnlessItCameOnTheWay() {
        func areMalformed(_ headers: [(String, HeaderValue)]) -> Bool {
            var properties = MessageProperties()
            properties.headers = headers
            return OutsideMessage.headersAreMalformed(
                Delivery(
                    exchange: "e", routingKey: "", tag: 1, isRedelivered: false, properties: properties,
                    bodyRange: 0..<0))
        }
        #expect(areMalformed([("CC", .nested)]) && areMalformed([("a", .int(1)), ("n", .nested)]))
        #expect(!areMalformed([("x-received-from", .nested), ("ce-id", .string("a")), ("f", .other)]))
    }

    @Test func theOrderOfMembersDoesNotMakeAnotherEvent() throws {
        // given
        let body = text()
        let reordered = body.replacing(#""specversion":"1.0","#, with: "")
            .replacing("}}", with: #"} , "specversion" : "1.0" }"#)
        // then
        #expect(read(Array(body.utf8)).contentHash == read(Array(reordered.utf8)).contentHash)
        #expect(read(Array(body.utf8)).contentHash != read(Array(text { $0.answers = "[5]" }.utf8)).contentHash)
    }

    /// Fixed seed: a failure can be run again.
    @Test func noBytesWhateverStopTheReader() {
        var generator = SeededGenerator(seed: 42)
        let body = event.body
        for _ in 0..<20_000 {
            var mutated = body
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0..<mutated.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: mutated[place] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: mutated.removeSubrange(place..<min(mutated.count, place + 7))
                default: mutated.insert(contentsOf: mutated[..<place].suffix(9), at: place)
                }
                if mutated.isEmpty { mutated = [0] }
            }
            let message = read(mutated)
            #expect(message.contentHash.count == 32 && message.body == mutated)
        }
    }
}
