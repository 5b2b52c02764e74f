import HTTPDefaults
package import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// What a router answered, body and all.
package struct TestAnswer: Sendable {
    package let status: HTTPResponse.Status
    package let headers: HTTPFields
    package let bytes: [UInt8]

    package var text: String { String(decoding: bytes, as: UTF8.self) }
    /// From the `ETag`.
    package var version: Int64? { headers[.eTag].flatMap(EntityTag.version) }
    package var problem: AnsweredProblem? { try? decode(AnsweredProblem.self) }
    package var problemSlug: String? { problem.map { String($0.type.dropFirst("/problems/".count)) } }

    package func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONFormat.decode(type, from: bytes)
    }

    init(_ response: Response) async throws {
        status = response.status
        headers = response.headers
        let collected = CollectedBody()
        try await response.body.write(CollectingWriter(collected: collected))
        bytes = collected.bytes.withLock { $0 }
    }
}

/// The members of an `application/problem+json` body.
package struct AnsweredProblem: Decodable, Sendable, Equatable {
    package let type: String
    package let title: String
    package let status: Int
    package let detail: String?
    package let field: String?
    package let mend: String?
    package let instance: String?
    package let trace_id: String?
}

private final class CollectedBody: Sendable {
    let bytes = Mutex<[UInt8]>([])
}

private struct CollectingWriter: ResponseBodyWriter {
    let collected: CollectedBody

    func write(_ buffer: ByteBuffer) async throws {
        collected.bytes.withLock { $0 += Array(buffer: buffer) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
