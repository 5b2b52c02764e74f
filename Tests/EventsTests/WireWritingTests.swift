import Events
import Foundation
import TestSupport
import Testing

/// The types that are written and read by hand, beside the general encoder and decoder.
@Suite struct WireWritingTests {
    /// Hides that a type can be written by hand.
    private struct Plain<Value: Encodable>: Encodable {
        let value: Value
        func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
    }

    /// Hides that a type can be read by hand.
    private struct PlainReading<Value: Decodable>: Decodable {
        let value: Value
        init(from decoder: any Decoder) throws { value = try Value(from: decoder) }
    }

    private var generator = SeededGenerator(seed: 4)

    private mutating func text() -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "Z", "\"", "\\", "/", "\u{8}", "\t", "\n", "\u{C}", "\r", "\u{1}", "\u{1F}", "\u{7F}", "é", "€", "😀",
            "\u{2028}",
        ]
        let scalars = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator) ?? "a"
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private mutating func maybe<Value>(_ value: Value) -> Value? { Bool.random(using: &generator) ? value : nil }

    private mutating func uuid() -> UUID { UUID(high: generator.next(), low: generator.next()) }

    private mutating func recorded() -> ResponsesRecorded {
        var items: [ResponseItem] = []
        var values: [ResponseValues] = []
        for _ in 0..<Int.random(in: 0...5, using: &generator) {
            let (response, version) = (uuid(), Int.random(in: 1...12, using: &generator))
            let milliseconds = Int.random(in: -60_000_000_000_000...200_000_000_000_000, using: &generator)
            items.append(
                ResponseItem(
                    response: response, version: version, state: ResponseState.allCases.randomElement() ?? .valid,
                    instrument: text(), instrumentVersion: text(), occasion: text(), participant: uuid(),
                    answeredAt: Date(timeIntervalSince1970: Double(milliseconds) / 1000), digest: maybe(text()),
                    valueSet: maybe(text())))
            let score = Int(truncatingIfNeeded: generator.next() >> UInt64.random(in: 0...63, using: &generator))
            let answers = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                maybe(Int.random(in: -12...1_000_000_000_000_000_000, using: &generator))
            }
            values.append(
                ResponseValues(
                    response: response, version: version, salt: text(), score: maybe(score), answers: answers,
                    scales: maybe(["b": -7, "a": Int64.max, "é\(text())": 0])))
        }
        return ResponsesRecorded(experiment: uuid(), items: items, personal: maybe(values))
    }

    @Test mutating func responsesStandOnTheWireAsTheGeneralEncoderWritesThem() throws {
        for _ in 0..<500 {
            let payload = recorded()
            let bytes = try WireCoding.encode(payload)
            #expect(text(bytes) == text(try WireCoding.encode(Plain(value: payload))))
        }
    }

    @Test mutating func responsesAreReadAsTheGeneralDecoderReadsThem() throws {
        for _ in 0..<500 {
            let bytes = try WireCoding.encode(recorded())
            let read = try WireCoding.decode(ResponsesRecorded.self, from: bytes)
            #expect(read == (try WireCoding.decode(PlainReading<ResponsesRecorded>.self, from: bytes).value))
        }
    }

    @Test mutating func whatIsDamagedIsReadOrRefusedAsTheGeneralDecoderDoes() throws {
        let replacements: [UInt8] = Array(#"0 9-"{}[],:\xnu."#.utf8)
        for _ in 0..<2_000 {
            var bytes = try WireCoding.encode(recorded())
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            bytes[place] = replacements.randomElement(using: &generator) ?? 0
            let read = try? WireCoding.decode(ResponsesRecorded.self, from: bytes)
            let expected = try? WireCoding.decode(PlainReading<ResponsesRecorded>.self, from: bytes).value
            #expect(read == expected, "\(text(bytes))")
        }
    }

    @Test mutating func receiptsStandOnTheWireAsTheGeneralEncoderWritesThem() throws {
        for _ in 0..<200 {
            let receipts = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                FeedbackSubmission.Receipt(
                    source: text(), id: text(), outcome: .allCases.randomElement(using: &generator) ?? .accepted,
                    reason: maybe(text()), field: maybe(text()), mend: maybe(text()))
            }
            let batch = FeedbackSubmission.Receipts(publisher: text(), receipts: receipts)
            #expect(text(try WireCoding.encode(batch)) == text(try WireCoding.encode(Plain(value: batch))))
        }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
