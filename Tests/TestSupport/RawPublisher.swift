import Foundation
import Glibc

/// Does what no decent client would: it writes AMQP 0-9-1 frames itself, with any bytes as properties.
package final class RawPublisher {
    private let descriptor: Int32

    /// - Parameter login: the test broker's own where nil.
    package init(port: UInt16, login: (user: String, password: String)? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else { throw BrokerUnavailable(description: "no broker at port \(port)") }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try logIn(login)
    }

    deinit { close(descriptor) }

    /// Publishes to an exchange, usually the one without a name, and waits until the broker has it.
    /// - Parameter properties: the property flags and list, as they stand in the header frame.
    /// - Throws: also when the broker refuses it.
    package func publish(exchange: String = "", queue: String, properties: [UInt8], body: [UInt8]) throws {
        try write(method(1, 60, 40, [0, 0] + short(exchange) + short(queue) + [0]))
        let header: [UInt8] = [0, 60, 0, 0] + bigEndian(UInt64(body.count)) + properties
        try write(frame(2, 1, header))
        if !body.isEmpty { try write(frame(3, 1, body)) }
        try reopenChannel()
    }

    /// The broker answers after it handled what was sent before.
    private func reopenChannel() throws {
        try write(method(1, 20, 40, [0, 200] + short("") + [0, 0, 0, 0]))
        try expect(20, 41)
        try write(method(1, 20, 10, short("")))
        try expect(20, 11)
    }

    /// Takes the first message of a queue and gives it back (`basic.reject` with `requeue`), as our consumers never do.
    package func takeAndReturn(_ queue: String) throws {
        try write(method(1, 60, 70, [0, 0] + short(queue) + [0]))
        try expect(60, 71)
        try write(method(1, 60, 90, bigEndian(UInt64(1)) + [1]))
        try reopenChannel()
    }

    // MARK: Pieces of the protocol

    package static func properties(headers table: [UInt8], deliveryMode: UInt8 = 2) -> [UInt8] {
        [0b0011_0000, 0] + bigEndian(UInt32(table.count)) + table + [deliveryMode]
    }

    package static func entry(_ key: [UInt8], _ kind: Character, _ value: [UInt8]) -> [UInt8] {
        [UInt8(key.count)] + key + [kind.asciiValue ?? 0] + value
    }

    package static func text(_ bytes: [UInt8]) -> [UInt8] { bigEndian(UInt32(bytes.count)) + bytes }

    /// A table in a table in a table …
    package static func nested(_ levels: Int) -> [UInt8] {
        var table: [UInt8] = []
        for _ in 0..<levels { table = entry([UInt8(ascii: "k")], "F", bigEndian(UInt32(table.count)) + table) }
        return table
    }

    private func logIn(_ login: (user: String, password: String)?) throws {
        try write(Array("AMQP".utf8) + [0, 0, 9, 1])
        try expect(10, 10)
        let broker = login == nil ? URLComponents(string: try TestBroker.url()) : nil
        let (user, password) = login ?? (broker?.user ?? "guest", broker?.password ?? "guest")
        let response = Self.text([0] + Array(user.utf8) + [0] + Array(password.utf8))
        try write(method(0, 10, 11, [0, 0, 0, 0] + short("PLAIN") + response + short("en_US")))
        try expect(10, 30)
        try write(method(0, 10, 31, bigEndian(UInt16(2047)) + bigEndian(UInt32(131_072)) + [0, 0]))
        try write(method(0, 10, 40, short("/") + short("") + [0]))
        try expect(10, 41)
        try write(method(1, 20, 10, short("")))
        try expect(20, 11)
    }

    private func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

    private func method(_ channel: UInt16, _ group: UInt16, _ number: UInt16, _ content: [UInt8]) -> [UInt8] {
        frame(1, channel, bigEndian(group) + bigEndian(number) + content)
    }

    private func frame(_ kind: UInt8, _ channel: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [kind] + bigEndian(channel) + bigEndian(UInt32(payload.count)) + payload + [0xCE]
    }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BrokerUnavailable(description: "the broker ended the raw connection") }
            sent += count
        }
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = recv(descriptor, &bytes, count, Int32(MSG_WAITALL))
        guard received == count else { throw BrokerUnavailable(description: "the broker ended the raw connection") }
        return bytes
    }

    private func expect(_ group: UInt8, _ number: UInt8) throws {
        while true {
            let head = try read(7)
            let size = head[3...].reduce(0) { $0 << 8 | Int($1) }
            let payload = try read(size + 1)
            guard head[0] == 1 else { continue }
            guard payload[1] == group, payload[3] == number else {
                throw BrokerUnavailable(description: "the broker answered \(payload[1]).\(payload[3])")
            }
            return
        }
    }
}

private func bigEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}
