import Foundation
import Glibc
import Synchronization

/// A TCP proxy in front of a broker that can cut connections in the middle of a frame.
package final class BrokerProxy: Sendable {
    package enum Direction: Sendable { case toBroker, toClient }

    private struct State {
        var pairs: [(client: Int32, broker: Int32)] = []
        /// Bytes that still pass in a direction before everything is cut.
        var bytesLeft: [Direction: Int] = [:]
        /// Bytes that still pass in a direction before the flow stands still until it is released.
        var holds: [Direction: Int] = [:]
        var isClosed = false
        var cuts = 0
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let brokerPort: UInt16
    package let port: UInt16

    /// Lends a proxy in front of a port of this machine.
    package static func with<R>(_ brokerPort: UInt16, _ body: (BrokerProxy) async throws -> R) async throws -> R {
        let proxy = try BrokerProxy(brokerPort: brokerPort)
        defer { proxy.close() }
        return try await body(proxy)
    }

    private init(brokerPort: UInt16) throws {
        (listener, port) = try LocalListener.open()
        self.brokerPort = brokerPort
        Thread.detachNewThread { [self] in accept() }
    }

    /// Lets so many more bytes pass in the direction, then cuts every connection.
    package func cut(after bytes: Int, _ direction: Direction) {
        state.withLock { $0.bytesLeft[direction] = bytes }
    }

    /// Lets so many more bytes pass in the direction, then holds the rest back until ``release(_:)``.
    package func hold(after bytes: Int, _ direction: Direction) {
        state.withLock { $0.holds[direction] = bytes }
    }

    package func release(_ direction: Direction) {
        state.withLock { $0.holds[direction] = nil }
    }

    /// How many times connections were cut.
    package var cuts: Int { state.withLock { $0.cuts } }

    private func close() {
        state.withLock { state in
            state.isClosed = true
            for pair in state.pairs { Self.end(pair) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0, !state.withLock(\.isClosed) else { return }
            let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = brokerPort.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(broker, $0, size) }
            }
            guard status == 0 else {
                Self.end((client, broker))
                continue
            }
            state.withLock { $0.pairs.append((client, broker)) }
            Thread.detachNewThread { [self] in pump(from: client, to: broker, .toBroker) }
            Thread.detachNewThread { [self] in pump(from: broker, to: client, .toClient) }
        }
    }

    private func pump(from source: Int32, to target: Int32, _ direction: Direction) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            while mustHold(count, direction) { Thread.sleep(forTimeInterval: 0.005) }
            let allowed = allowance(count, direction)
            var sent = 0
            while sent < allowed {
                let status = buffer.withUnsafeBytes { bytes in
                    send(target, bytes.baseAddress?.advanced(by: sent), allowed - sent, Int32(MSG_NOSIGNAL))
                }
                guard status > 0 else { return }
                sent += status
            }
            if allowed < count { cutAll() }
        }
        shutdown(target, Int32(SHUT_RDWR))
    }

    private func mustHold(_ count: Int, _ direction: Direction) -> Bool {
        state.withLock { state in
            guard !state.isClosed, let left = state.holds[direction] else { return false }
            state.holds[direction] = max(0, left - count)
            return left < count
        }
    }

    private func allowance(_ count: Int, _ direction: Direction) -> Int {
        state.withLock { state in
            guard let left = state.bytesLeft[direction] else { return count }
            state.bytesLeft[direction] = max(0, left - count)
            return min(left, count)
        }
    }

    private func cutAll() {
        state.withLock { state in
            state.cuts += 1
            state.bytesLeft = [:]
            for pair in state.pairs { Self.end(pair) }
            state.pairs = []
        }
    }

    /// Shut down and left open: the pump threads still hold the numbers. A test's process ends soon.
    private static func end(_ pair: (client: Int32, broker: Int32)) {
        shutdown(pair.client, Int32(SHUT_RDWR))
        shutdown(pair.broker, Int32(SHUT_RDWR))
    }
}
