import Foundation
import RabbitMQ
import TestSupport
import Testing

/// Anyone who may publish can send these, and the broker forwards them.
@Suite(.timeLimit(.minutes(10))) struct HostileMessageTests {
    private static let good = RawPublisher.entry(Array("ce-id".utf8), "S", RawPublisher.text(Array("1".utf8)))

    private func delivery(properties: [UInt8], body: [UInt8] = Array("7".utf8)) async throws -> Delivery {
        try await withBroker { configuration, name in
            let queue = name("hostile")
            try await configuration.declareQueue(queue)
            let port = try #require(UInt16(TestBroker.url().split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
            try RawPublisher(port: port).publish(queue: queue, properties: properties, body: body)
            let outcomes = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20))
            }
            #expect(outcomes == [.confirmed])
            let batches = try await withConsumer(configuration, queue) { try await $0.batches(holding: 2) }
            #expect(batches.flatMap(\.numbers) == [7, 0], "the message behind it arrives whole")
            return try #require(batches.first?.deliveries.first)
        }
    }

    @Test func anEmptyKeyIsFlagged() async throws {
        // given
        let table = RawPublisher.entry([], "S", RawPublisher.text(Array("x".utf8))) + Self.good

        // when
        let delivery = try await delivery(properties: RawPublisher.properties(headers: table))

        // then
        #expect(delivery.headersAreMalformed)
        #expect(delivery.header("ce-id") == .string("1"))
    }

    @Test(arguments: [5_000, 18_000]) func aTableThatIsNestedThousandsDeepIsNotFollowed(levels: Int) async throws {
        // given
        let table = RawPublisher.nested(levels) + Self.good

        // when
        let delivery = try await delivery(properties: RawPublisher.properties(headers: table))

        // then
        #expect(delivery.header("k") == .nested)
        #expect(delivery.header("ce-id") == .string("1"))
        #expect(!delivery.headersAreMalformed)
    }

    @Test func aHeaderOf64KilobytesIsFlaggedAndNotKept() async throws {
        // given
        let long = [UInt8](repeating: 120, count: 64 << 10)
        let table = RawPublisher.entry(Array("long".utf8), "S", RawPublisher.text(long)) + Self.good

        // when
        let delivery = try await delivery(properties: RawPublisher.properties(headers: table))

        // then
        #expect(delivery.headersAreMalformed)
        #expect(delivery.header("long") == .other)
        #expect(delivery.header("ce-id") == .string("1"))
    }

    @Test func textsThatAreNoUTF8AreFlagged() async throws {
        // given
        let table =
            RawPublisher.entry(Array("bad".utf8), "S", RawPublisher.text([0xC3, 0x28])) + Self.good
            + RawPublisher.entry([0xFF, 0xFE], "t", [1])

        // when
        let delivery = try await delivery(properties: RawPublisher.properties(headers: table))

        // then
        #expect(delivery.headersAreMalformed)
        #expect(delivery.header("bad") == .other)
        #expect(delivery.header("ce-id") == .string("1"))
    }

    @Test func aMessageIDThatIsNoUTF8IsNone() async throws {
        // given
        let properties: [UInt8] = [0b0001_0000, 0b1000_0000, 2, 2, 0xC3, 0x28]

        // when
        let delivery = try await delivery(properties: properties)

        // then
        #expect(delivery.messageID == nil)
        #expect(delivery.headersAreMalformed)
    }

    @Test func aThousandHeadersAreCutAndFlagged() async throws {
        // given
        let table = (0..<1_000).flatMap { RawPublisher.entry(Array("h\($0)".utf8), "t", [1]) }

        // when
        let delivery = try await delivery(properties: RawPublisher.properties(headers: table))

        // then
        #expect(delivery.headersAreMalformed)
        #expect(delivery.headers.count == MessageProperties.headerCountMax)
    }

    @Test func anyBytesAtAllAreDecodedWithoutATrap() {
        // given
        var generator = SplitMix(state: 0x6D_61_69_6C_6C_61_67_65)
        let whole = RawPublisher.properties(
            headers: Self.good + RawPublisher.entry([65], "l", Array(repeating: 1, count: 8)) + RawPublisher.nested(3))

        // when
        var mostHeaders = 0
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count / 2, using: &generator))
            let properties = bytes.withUnsafeBytes { MessageProperties(decoding: $0) }
            mostHeaders = max(mostHeaders, properties.headers.count)
        }

        // then
        #expect(1...MessageProperties.headerCountMax ~= mostHeaders)
        #expect(whole.withUnsafeBytes { !MessageProperties(decoding: $0).isMalformed })
        #expect([].withUnsafeBytes { MessageProperties(decoding: $0).isMalformed })
    }
}

/// A small generator with a fixed seed, so that a failure happens again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
