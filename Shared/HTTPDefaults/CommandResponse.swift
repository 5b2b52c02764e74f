package import HTTPTypes
import Hummingbird
import NIOCore

/// The answer to a command, in a form that can be stored and given again.
package struct CommandResponse: Sendable, Equatable {
    package let status: HTTPResponse.Status
    package let location: String?
    package let etag: String?
    package let contentType: String?
    package let body: [UInt8]

    /// 201 with `Location` and the new aggregate.
    package static func created(_ value: some Encodable, at location: String, version: Int64) throws -> CommandResponse
    {
        try json(.created, value, location: location, version: version)
    }

    /// 200.
    package static func ok(_ value: some Encodable, version: Int64? = nil) throws -> CommandResponse {
        try json(.ok, value, version: version)
    }

    /// 202: recorded, the effect follows.
    package static func accepted(_ value: some Encodable) throws -> CommandResponse {
        try json(.accepted, value)
    }

    /// 204.
    package static func noContent(version: Int64? = nil) -> CommandResponse {
        CommandResponse(
            status: .noContent, location: nil, etag: version.map(EntityTag.text), contentType: nil, body: [])
    }

    private static func json(
        _ status: HTTPResponse.Status, _ value: some Encodable, location: String? = nil, version: Int64? = nil
    ) throws -> CommandResponse {
        CommandResponse(
            status: status, location: location, etag: version.map(EntityTag.text), contentType: "application/json",
            body: try JSONFormat.encode(value))
    }

    func response(isReplay: Bool) -> Response {
        var headers = HTTPFields()
        headers[.location] = location
        headers[.eTag] = etag
        headers[.contentType] = contentType
        if isReplay { headers[.idempotencyReplayed] = "true" }
        let body = body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        return Response(status: status, headers: headers, body: body)
    }
}
