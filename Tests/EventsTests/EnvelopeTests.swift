import Events
import Foundation
import Testing

@Suite struct EnvelopeTests {
    static func body(_ members: String) -> [UInt8] { Array("{\(members)}".utf8) }
    static let good =
        #""specversion":"1.0","id":"01920000-0000-7000-8000-000000000001","source":"/maillage/funding","#
        + #""type":"funding.grant.reserved.v1","subject":"g","time":"2026-11-21T09:30:00Z","sequence":1,"data":{}"#

    @Test func unknownAttributesAreSkipped() throws {
        let envelope = try EventEnvelope(decoding: Self.body(Self.good + #","tenant":"x","nested":{"a":[1,2]}"#))
        #expect(envelope.sequence == 1)
        #expect(envelope.correlationID == "01920000-0000-7000-8000-000000000001")
    }

    @Test(
        arguments: [
            (#""1.0""#, #""0.3""#, "specversion"), ("/maillage/funding", "/maillage/feedback", "source"),
            ("funding.grant.reserved.v1", "funding.grant", "type"),
            ("01920000-0000-7000-8000-000000000001", "7", "id"), ("2026-11-21T09:30:00Z", "yesterday", "time"),
            (#""sequence":1"#, #""sequence":0"#, "sequence"), (#""data":{}"#, #""data":[]"#, "data"),
            (#""subject":"g""#, #""subject":"""#, "subject"), (#""data":{}"#, #""data":{},"data":{}"#, "body"),
        ])
    func aFaultIsToldByItsField(part: String, replacement: String, field: String) {
        let body = Self.body(Self.good.replacing(part, with: replacement))
        #expect { try EventEnvelope(decoding: body) } throws: { ($0 as? EnvelopeError)?.field == field }
    }

    @Test(
        arguments: [
            "", "{", "[]", #"{"a":}"#, #"{"a":1,}"#, #"{"a":01}"#, #"{"a":"\x"}"#, #"{"a":"\u0000"}"#, #"{"a":1} x"#,
            #"{"a":tru}"#, #"{'a':1}"#, #"{"a":1.}"#, #"{"a":-}"#, "{\"a\":\"\u{1}\"}",
            #"{"a":"# + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
        ])
    func whatIsNotStrictJSONIsRefused(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONMembers(Array(text.utf8)) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: JSONSyntaxError.self) {
            try JSONMembers(Array(#"{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8))
        }
    }

    @Test func membersAreFoundWithTheirBytes() throws {
        let members = try JSONMembers(Array(#" { "a" : {"b":[1, 2]} , "c":"é\n\u00e9", "d": -12 } "#.utf8))
        #expect(members.value("a").map { String(decoding: $0, as: UTF8.self) } == #"{"b":[1, 2]}"#)
        #expect(members.string("c") == "é\né")
        #expect(members.integer("d") == -12)
        #expect(members.value("b") == nil)
    }

    /// Every prefix and every single changed byte of a good message is read or refused, and never traps.
    @Test func damagedMessagesNeverTrap() throws {
        let good = Self.body(Self.good)
        for end in 0..<good.count {
            #expect(throws: EnvelopeError.self) { try EventEnvelope(decoding: Array(good[..<end])) }
        }
        for position in 0..<good.count {
            for byte: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x7D, 0xFF] {
                var damaged = good
                damaged[position] = byte
                _ = try? EventEnvelope(decoding: damaged)
            }
        }
    }

    @Test func quotesInASubjectStayText() throws {
        var envelope = try EventEnvelope(decoding: Self.body(Self.good))
        envelope.subject = #"a"b\c"#
        envelope.correlationID = "line\nbreak"
        let read = try EventEnvelope(decoding: envelope.encoded())
        #expect(read.subject == envelope.subject)
        #expect(read.correlationID == "line?break")
    }
}

@Suite struct WireInstantTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0.0), ("2024-02-29T23:59:59.999Z", 1_709_251_199.999),
            ("2000-03-01T00:00:00.000Z", 951_868_800.0), ("2026-11-21T09:30:00.500Z", 1_795_253_400.5),
            ("1969-12-31T23:59:59.000Z", -1.0),
        ])
    func instantsAreWrittenInUTCWithMilliseconds(text: String, seconds: Double) throws {
        #expect(WireInstant.format(Date(timeIntervalSince1970: seconds)) == text)
        let read = try #require(WireInstant.parse(text))
        #expect(abs(read.timeIntervalSince1970 - seconds) < 0.000_001)
    }

    @Test func offsetsAndFractionsAreUnderstood() {
        let utc = WireInstant.parse("2026-11-21T09:30:00Z")
        #expect(WireInstant.parse("2026-11-21T10:30:00+01:00") == utc)
        #expect(WireInstant.parse("2026-11-21T09:30:00.000000Z") == utc)
        #expect(WireInstant.parse("2026-11-20T23:30:00-10:00") == utc)
    }

    @Test(
        arguments: [
            "2026-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21", "2026-11-21T09:30:00",
            "2026-11-21T24:00:00Z", "2026-11-21T09:30:00.Z", "2026-11-21T09:30:00+0100", " 2026-11-21T09:30:00Z",
            "2026-1-1T0:0:0Z",
        ])
    func daysThatDoNotExistAndOtherFormsAreRefused(text: String) { #expect(WireInstant.parse(text) == nil) }

    /// An offset leads out of the years that have four digits.
    @Test(arguments: ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-01:00"])
    func whatHasNoYearOfFourDigitsInUTCIsRefused(text: String) { #expect(WireInstant.parse(text) == nil) }

    @Test(arguments: [
        (-1e18, "0000-01-01T00:00:00.000Z"), (1e18, "9999-12-31T23:59:59.999Z"),
        (.infinity, "9999-12-31T23:59:59.999Z"), (-.infinity, "0000-01-01T00:00:00.000Z"),
        (.nan, "0000-01-01T00:00:00.000Z"), (253_402_300_799, "9999-12-31T23:59:59.000Z"),
    ])
    func datesBeyondAreWrittenAsTheNearestEnd(seconds: Double, text: String) {
        #expect(WireInstant.format(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test func everyDayOfFourCenturiesSurvivesTheRoundTrip() {
        for day in stride(from: -20_000.0, to: 130_000.0, by: 1) {
            let date = Date(timeIntervalSince1970: day * 86_400 + 3661)
            #expect(WireInstant.parse(WireInstant.format(date)) == date)
        }
    }

    @Test func eventIdentifiersAreOrderedByTimeAndUnique() {
        let now = Date()
        let first = EventID.next(at: now)
        let later = EventID.next(at: now.addingTimeInterval(0.002))
        #expect(first.lowercase < later.lowercase)
        #expect(Set((0..<1000).map { _ in EventID.next(at: now) }).count == 1000)
        #expect(first.uuid.6 >> 4 == 7 && first.uuid.8 >> 6 == 2)
    }
}
