import RabbitMQ
import TestSupport
import Testing

/// What the header `x-death` says, from the bytes of a header frame.
@Suite struct DeathRecordTests {
    private func text(_ key: String, _ value: String) -> [UInt8] {
        RawPublisher.entry(Array(key.utf8), "S", RawPublisher.text(Array(value.utf8)))
    }

    private func array(_ key: String, _ bytes: [UInt8]) -> [UInt8] {
        RawPublisher.entry(Array(key.utf8), "A", RawPublisher.text(bytes))
    }

    private func table(_ bytes: [UInt8]) -> [UInt8] { [UInt8(ascii: "F")] + RawPublisher.text(bytes) }

    private func death(queue: String, reason: String) -> [UInt8] {
        let keys = [UInt8(ascii: "S")] + RawPublisher.text(Array("funding.grant.reserved.v1".utf8))
        return table(
            RawPublisher.entry(Array("count".utf8), "l", [0, 0, 0, 0, 0, 0, 0, 3]) + text("reason", reason)
                + text("queue", queue) + RawPublisher.entry(Array("time".utf8), "T", [0, 0, 0, 0, 1, 2, 3, 4])
                + text("exchange", "maillage.funding") + array("routing-keys", keys))
    }

    private func decode(_ header: [UInt8]) -> MessageProperties {
        RawPublisher.properties(headers: header).withUnsafeBytes { MessageProperties(decoding: $0) }
    }

    @Test func theNewestDeathIsRead() {
        // given
        let deaths =
            death(queue: "maillage.funding.inbox", reason: "delivery_limit") + death(queue: "old", reason: "expired")
        // when
        let properties = decode(array("x-death", deaths) + text("ce-id", "1"))
        // then
        #expect(
            properties.death
                == DeathRecord(
                    queue: "maillage.funding.inbox", reason: "delivery_limit", count: 3, exchange: "maillage.funding",
                    routingKey: "funding.grant.reserved.v1"))
        #expect(properties.headers.last?.1 == .string("1") && !properties.isMalformed)
    }

    @Test func whatIsNoSuchArrayIsNoDeath() {
        // given
        let deep = RawPublisher.nested(500)
        let headers = [
            text("x-death", "nonsense"), array("x-death", []), array("x-death", Array("Snonsense".utf8)),
            array("x-death", table([])), array("x-death", table(text("queue", "q"))),
            array("x-death", table(RawPublisher.entry(Array("queue".utf8), "?", [1, 2, 3]))),
            array("x-death", table(deep)), array("x-death", [UInt8(ascii: "F"), 255, 255, 255, 255]),
            array("y-death", death(queue: "q", reason: "rejected")),
        ]
        for header in headers {
            // when
            let properties = decode(header + text("ce-id", "1"))
            // then
            #expect(properties.death == nil)
            #expect(properties.headers.last?.1 == .string("1"))
        }
    }

    @Test func everyCutOfTheHeaderIsSurvived() {
        let whole = RawPublisher.properties(headers: array("x-death", death(queue: "q", reason: "rejected")))
        for length in 0..<whole.count {
            _ = Array(whole[..<length]).withUnsafeBytes { MessageProperties(decoding: $0) }
        }
        #expect(whole.withUnsafeBytes { MessageProperties(decoding: $0).death?.queue } == "q")
    }
}
