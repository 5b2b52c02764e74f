package import HTTPTypes
package import Hummingbird
import NIOCore

/// A JSON answer with its status, its version as `ETag`, and headers.
package struct JSONResponse<Value: Encodable>: ResponseGenerator {
    private let value: Value
    private let status: HTTPResponse.Status
    private let version: Int64?
    private let headers: HTTPFields

    /// - Parameter version: of the aggregate shown; becomes the entity tag that `If-Match` brings back.
    package init(
        _ value: Value, status: HTTPResponse.Status = .ok, version: Int64? = nil, headers: HTTPFields = [:]
    ) {
        self.value = value
        self.status = status
        self.version = version
        self.headers = headers
    }

    package func response() throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        if let version { headers[.eTag] = EntityTag.text(version) }
        let body = ByteBuffer(bytes: try JSONFormat.encode(value))
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    package func response(from request: Request, context: some RequestContext) throws -> Response { try response() }
}
