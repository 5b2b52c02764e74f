import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// RabbitMQ's management interface: the only way to see what a broker has, and to set policies and permissions.
/// Versions 3.10 to 4 answer alike in what is used here.
package struct BrokerManagement: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        /// The HTTP status; nil when there was no answer.
        package let status: Int?
        package let description: String
    }

    private static let answerBytesMax = 64 << 20
    private static let timeout = TimeAmount.seconds(15)

    /// Without credentials; ends without a slash.
    let address: String
    private let user: String
    private let password: String

    /// - Parameter url: `http://user:password@host:15672`; `https` trusts the system's authorities.
    /// - Throws: ``Failure``, which never shows the URL, since it holds the password.
    init(url: String) throws(Failure) {
        guard var parts = URLComponents(string: url), let user = parts.user, let password = parts.password,
            parts.host?.isEmpty == false, parts.query == nil, ["", "/"].contains(parts.path)
        else {
            throw Failure(
                status: nil, description: "the management URL must have the form http://user:password@host:port")
        }
        (self.user, self.password) = (user, password)
        (parts.user, parts.password, parts.path) = (nil, nil, "")
        guard let address = parts.string else {
            throw Failure(status: nil, description: "the management URL is broken")
        }
        self.address = address
    }

    /// - Parameter path: segments as they are, encoded here.
    /// - Returns: nil when there is no such object.
    package func get<T: Decodable>(_ type: T.Type, _ path: String..., columns: String? = nil) async throws -> T? {
        let (status, body) = try await send(.GET, path, query: columns.map { "?columns=\($0)" } ?? "", body: nil)
        guard status != 404 else { return nil }
        try Self.check(status, path)
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw Failure(status: status, description: "\(Self.name(path)) answered something else: \(error)")
        }
    }

    package func put(_ path: String..., body: some Encodable) async throws {
        let (status, _) = try await send(.PUT, path, body: JSONEncoder().encode(body))
        try Self.check(status, path)
    }

    /// Adds what has no name of its own; what is there already stays once.
    package func post(_ path: String..., body: some Encodable) async throws {
        let (status, _) = try await send(.POST, path, body: JSONEncoder().encode(body))
        try Self.check(status, path)
    }

    package func delete(_ path: String...) async throws {
        let (status, _) = try await send(.DELETE, path, body: nil)
        if status != 404 { try Self.check(status, path) }
    }

    /// Where an object is, for a person to act on.
    func url(_ path: String...) -> String { address + Self.name(path) }

    private static func name(_ path: [String]) -> String { "/api/" + path.map(encode).joined(separator: "/") }

    private static func check(_ status: Int, _ path: [String]) throws(Failure) {
        switch status {
        case 200..<300: return
        case 401:
            throw Failure(status: status, description: "the management interface refuses the user: password or tag")
        default: throw Failure(status: status, description: "\(name(path)) answered \(status)")
        }
    }

    private func send(
        _ method: HTTPMethod, _ path: [String], query: String = "", body: Data?
    ) async throws(Failure) -> (status: Int, body: ByteBuffer) {
        var request = HTTPClientRequest(url: address + Self.name(path) + query)
        request.method = method
        request.setBasicAuth(username: user, password: password)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
            return (Int(response.status.code), try await response.body.collect(upTo: Self.answerBytesMax))
        } catch {
            throw Failure(status: nil, description: "no answer from \(address): \(error)")
        }
    }

    /// Everything but what RFC 3986 leaves alone: names of queues and virtual hosts may hold slashes.
    private static func encode(_ segment: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in segment.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
