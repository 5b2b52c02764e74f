import Foundation
import Glibc
import Synchronization

/// A TCP proxy on this machine that breaks connections where a test says: between a statement and its answer, after so
/// many bytes, now, or by going silent. Each connection has two threads, one for each way, so that neither can stop the
/// other.
package final class CuttingProxy: Sendable {
    /// Where to cut. A trigger fires once, on the connection that meets it.
    package enum Trigger: Sendable {
        /// These bytes from the client, also across packets. When they are forwarded, the server gets them and the
        /// client never learns what it answered; otherwise the server never gets them.
        case clientSends([UInt8], isForwarded: Bool)
        /// So many bytes from clients since the trigger was set; the rest is not forwarded.
        case clientBytes(Int)
    }

    package struct SystemFailure: Error {
        package let call: String
        package let number: Int32
    }

    private struct State {
        var trigger: Trigger?
        var bytesLeft = 0
        var cutCount = 0
        var isStalled = false
        /// From the client; they and all that comes later are held back.
        var stallBytes: [UInt8]?
        var isRefusing = false
        var isClosed = false
        var pairs: [ObjectIdentifier: ProxiedPair] = [:]
    }

    /// Where clients connect, on 127.0.0.1.
    package let port: Int
    private let target: sockaddr_in
    private let listener: Int32
    private let state = Mutex(State())

    /// - Parameter port: of a server on 127.0.0.1.
    package init(to port: Int) throws {
        target = Self.loopback(UInt16(port))
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        guard listener >= 0 else { throw SystemFailure(call: "socket", number: errno) }
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.bind(listener, address, length) == 0 && Glibc.listen(listener, 64) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isListening else { throw SystemFailure(call: "listen", number: errno) }
        self.port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    /// Connections that pass through now.
    package var openCount: Int { state.withLock { $0.pairs.count } }

    /// Connections that a trigger or ``cutAll()`` ended.
    package var cutCount: Int { state.withLock { $0.cutCount } }

    package func cut(when trigger: Trigger) {
        state.withLock { state in
            state.trigger = trigger
            if case .clientBytes(let count) = trigger { state.bytesLeft = count }
        }
    }

    /// Cuts every connection now.
    package func cutAll() {
        // Under the lock, as closing is: a socket's number must still be its own.
        state.withLock { state in
            state.cutCount += state.pairs.count
            state.pairs.values.forEach { $0.cut() }
        }
    }

    /// From now on no byte passes, either way; connections stay open.
    package func stall() { state.withLock { $0.isStalled = true } }
    /// The same as soon as a client sends these bytes, which are held back too.
    package func stall(before bytes: [UInt8]) { state.withLock { $0.stallBytes = bytes } }
    package var isStalled: Bool { state.withLock { $0.isStalled } }
    /// What was held back passes again.
    package func resume() { state.withLock { $0.isStalled = false } }

    /// While refusing, new connections are closed as soon as they are accepted.
    package func setRefusing(_ isRefusing: Bool) { state.withLock { $0.isRefusing = isRefusing } }

    /// Ends all connections and stops listening.
    package func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        cutAll()
    }

    // MARK: Threads

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            guard !state.withLock({ $0.isRefusing || $0.isClosed }), let server = connect() else {
                Glibc.close(client)
                continue
            }
            let pair = ProxiedPair(client: client, server: server)
            state.withLock { $0.pairs[ObjectIdentifier(pair)] = pair }
            Thread.detachNewThread { [self] in pump(pair, isFromClient: true) }
            Thread.detachNewThread { [self] in pump(pair, isFromClient: false) }
        }
        Glibc.close(listener)
    }

    private func connect() -> Int32? {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = target
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            Glibc.close(server)
            return nil
        }
        var isOn: Int32 = 1
        setsockopt(server, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        return server
    }

    private func pump(_ pair: ProxiedPair, isFromClient: Bool) {
        let (source, sink) = isFromClient ? (pair.client, pair.server) : (pair.server, pair.client)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var tail: [UInt8] = []
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if isFromClient { stallIfMet(tail + buffer[..<count]) }
            waitWhileStalled(pair)
            if isFromClient {
                let chunk = buffer[..<count]
                let isOpen = forward(chunk, tail: tail, of: pair)
                tail = Array((tail + chunk).suffix(256))
                if !isOpen { break }
            } else if !pair.isDeaf.load(ordering: .acquiring) {
                guard pair.send(buffer[..<count], to: sink) else { break }
            }
        }
        shutdown(sink, Int32(SHUT_WR))
        state.withLock { state in
            if pair.pumpEnded() { state.pairs[ObjectIdentifier(pair)] = nil }
        }
    }

    /// Forwards what the client sent, as far as the trigger lets it.
    private func forward(_ chunk: ArraySlice<UInt8>, tail: [UInt8], of pair: ProxiedPair) -> Bool {
        let (isCut, forwarded) = state.withLock { state in
            let (isCut, count) = Self.fire(&state, chunk, tail: tail)
            if isCut {
                state.trigger = nil
                state.cutCount += 1
            }
            return (isCut, count)
        }
        if isCut { pair.isDeaf.store(true, ordering: .releasing) }
        let isSent = forwarded == 0 || pair.send(chunk.prefix(forwarded), to: pair.server)
        guard isCut else { return isSent }
        shutdown(pair.client, Int32(SHUT_RDWR))
        return false
    }

    /// - Returns: whether to cut, and how many bytes to forward.
    private static func fire(_ state: inout State, _ chunk: ArraySlice<UInt8>, tail: [UInt8]) -> (Bool, Int) {
        switch state.trigger {
        case nil:
            return (false, chunk.count)
        case .clientBytes:
            let forwarded = min(state.bytesLeft, chunk.count)
            state.bytesLeft -= forwarded
            return (state.bytesLeft == 0, forwarded)
        case .clientSends(let pattern, let isForwarded):
            let text = tail.suffix(pattern.count - 1) + chunk
            guard text.indices.contains(where: { text[$0...].starts(with: pattern) }) else {
                return (false, chunk.count)
            }
            return (true, isForwarded ? chunk.count : 0)
        }
    }

    private func stallIfMet(_ text: [UInt8]) {
        state.withLock { state in
            guard let bytes = state.stallBytes, text.indices.contains(where: { text[$0...].starts(with: bytes) })
            else { return }
            state.stallBytes = nil
            state.isStalled = true
        }
    }

    private func waitWhileStalled(_ pair: ProxiedPair) {
        while state.withLock({ $0.isStalled && !$0.isClosed }) && !pair.isCut { poll(nil, 0, 2) }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// A client's connection and ours to the server.
private final class ProxiedPair: Sendable {
    let client: Int32
    let server: Int32
    /// What the server answers is read and thrown away: closing at once would reset the connection, and the server
    /// could miss what it was sent last.
    let isDeaf = Atomic(false)
    private let cutFlag = Atomic(false)
    private let endedPumps = Atomic(0)

    init(client: Int32, server: Int32) {
        (self.client, self.server) = (client, server)
    }

    var isCut: Bool { cutFlag.load(ordering: .acquiring) }

    func cut() {
        cutFlag.store(true, ordering: .releasing)
        // Each socket is closed once, by the last pump; until then its number is ours.
        shutdown(client, Int32(SHUT_RDWR))
        shutdown(server, Int32(SHUT_RDWR))
    }

    func send(_ bytes: ArraySlice<UInt8>, to sink: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                let count = Glibc.send(sink, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// - Returns: whether it was the second one; the sockets are closed then.
    func pumpEnded() -> Bool {
        guard endedPumps.add(1, ordering: .acquiringAndReleasing).newValue == 2 else { return false }
        close(client)
        close(server)
        return true
    }
}
