/// Where and why the broker gave up on a message, from the newest entry of its header `x-death`.
///
/// The broker puts its own entry in front, whatever the sender wrote there, and never trusts the sender's for queue and
/// reason. Of a nested table only this one level is read, with a limit on everything.
package struct DeathRecord: Sendable, Equatable {
    private static let entryCountMax = 16

    /// The queue that it died in.
    package var queue: String
    /// As the broker calls it: `delivery_limit`, `rejected`, `expired`, `maxlen`.
    package var reason: String
    /// How often it died there for that reason.
    package var count: Int
    /// What it was published to at first.
    package var exchange: String
    package var routingKey: String

    package init(queue: String, reason: String, count: Int = 1, exchange: String = "", routingKey: String = "") {
        self.queue = queue
        self.reason = reason
        self.count = count
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// Reads the value of the header, an array of tables; nil when it is anything else.
    init?(decoding array: UnsafeRawBufferPointer) {
        var entries = PropertyReader(array)
        guard entries.uint8() == UInt8(ascii: "F"), let table = entries.longBytes() else { return nil }
        self.init(queue: "", reason: "", count: 0)
        var fields = PropertyReader(table)
        for _ in 0..<Self.entryCountMax where !fields.isAtEnd {
            guard let key = fields.shortBytes(), let kind = fields.uint8(),
                read(String(decoding: key, as: UTF8.self), kind, &fields)
            else { break }
        }
        guard !queue.isEmpty, !reason.isEmpty else { return nil }
    }

    /// - Returns: whether the entry behind this one can be found.
    private mutating func read(_ key: String, _ kind: UInt8, _ fields: inout PropertyReader) -> Bool {
        if key == "routing-keys", kind == UInt8(ascii: "A") {
            guard let keys = fields.longBytes() else { return false }
            routingKey = Self.first(keys) ?? ""
            return true
        }
        var text = RepeatedString()
        guard let (value, _) = fields.value(kind: kind, last: &text) else { return false }
        switch (key, value) {
        case ("queue", .string(let text)): queue = text
        case ("reason", .string(let text)): reason = text
        case ("exchange", .string(let text)): exchange = text
        case ("count", .int(let number)): count = Int(clamping: number)
        default: break
        }
        return true
    }

    private static func first(_ texts: UnsafeRawBufferPointer) -> String? {
        var reader = PropertyReader(texts)
        guard reader.uint8() == UInt8(ascii: "S"), let bytes = reader.longBytes(),
            bytes.count <= MessageProperties.headerTextBytesMax
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
