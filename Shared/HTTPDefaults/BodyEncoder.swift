import HTTPTypes
package import Hummingbird
import NIOCore

/// Writes JSON answers as ``JSONFormat`` does; the `responseEncoder` of ``MaillageContext``.
package struct BodyEncoder: ResponseEncoder {
    package func encode(
        _ value: some Encodable, from request: Request, context: some RequestContext
    ) throws -> Response {
        try JSONResponse(value).response()
    }
}
