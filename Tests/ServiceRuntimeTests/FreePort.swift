import AsyncHTTPClient
import FoundationEssentials
import Glibc
import Identity
import NIOCore
import NIOHTTP1
import TestSupport

/// A port that nobody listens on; somebody could take it before the test does, which then fails and says so.
enum FreePort {
    struct Failure: Error {}

    static func find() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure() }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw Failure() }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

extension ServiceProcessTests {
    /// Runs the probe's command over a real socket.
    static func post(_ port: Int) async throws -> Int {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/v1/probes")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(try await Tokens.bearer(.operator))")
        request.headers.add(name: "Idempotency-Key", value: UUID().uuidString)
        return Int(try await HTTPClient.shared.execute(request, timeout: .seconds(10)).status.code)
    }
}
