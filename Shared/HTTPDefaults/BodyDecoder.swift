import FoundationEssentials
import HTTPTypes
package import Hummingbird
import NIOCore

/// Reads JSON bodies; the `requestDecoder` of ``MaillageContext``, so that `request.decode(as:context:)` has every
/// limit.
package struct BodyDecoder: RequestDecoder {
    package func decode<Value: Decodable>(
        _ type: Value.Type, from request: Request, context: some RequestContext
    ) async throws -> Value {
        try Self.checkContentType(request)
        let bytes = try await Self.collect(request, limitBytes: context.maxUploadSize)
        return try Self.decode(type, from: bytes)
    }

    /// 415 unless the body is said to be JSON (`application/json` or `…+json`).
    static func checkContentType(_ request: Request) throws(Problem) {
        let essence = (request.headers[.contentType] ?? "").prefix { $0 != ";" }
            .trimming(while: \.isWhitespace).lowercased()
        guard essence == "application/json" || (essence.hasPrefix("application/") && essence.hasSuffix("+json")) else {
            throw Problem(
                .unsupportedMediaType, "unsupported-media-type", "The body must be JSON",
                detail: "expected Content-Type: application/json"
            ).with(.accept, "application/json")
        }
    }

    /// 413 as soon as it is known: by the announced length, or when the limit is passed. 408 for a body that comes byte
    /// by byte; one of which nothing comes any more ends with its connection.
    /// - Parameter time: what the whole body may take.
    package static func collect(
        _ request: Request, limitBytes: Int, within time: Duration = .seconds(30)
    ) async throws -> [UInt8] {
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limitBytes {
            throw Problem.tooLarge(limitBytes: limitBytes)
        }
        let deadline = ContinuousClock.now + time
        var body: [UInt8] = []
        do {
            for try await part in request.body {
                guard body.count + part.readableBytes <= limitBytes else {
                    throw Problem.tooLarge(limitBytes: limitBytes)
                }
                guard ContinuousClock.now < deadline else { throw Problem.tooSlow(time) }
                body.append(contentsOf: part.readableBytesView)
            }
        } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
            throw Problem.tooLarge(limitBytes: limitBytes)
        }
        return body
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        guard JSONDepth.measure(bytes) <= JSONDepth.max else {
            throw Problem.malformedJSON("nested deeper than \(JSONDepth.max) levels")
        }
        do {
            return try JSONFormat.decode(type, from: bytes)
        } catch let error as DecodingError {
            throw DecodingProblem.problem(error, in: bytes)
        }
    }
}

extension StringProtocol {
    /// Without what `isOuter` holds for at both ends.
    func trimming(while isOuter: (Character) -> Bool) -> String {
        var rest = self[...]
        while let first = rest.first, isOuter(first) { rest = rest.dropFirst() }
        while let last = rest.last, isOuter(last) { rest = rest.dropLast() }
        return String(rest)
    }
}
