import FoundationEssentials
package import HTTPTypes
package import Hummingbird
import Observability

/// An answer that says what is wrong, where, and what the caller can do (RFC 9457, `application/problem+json`).
///
/// `slug` is stable: callers branch on it, never on the sentences.
package struct Problem: Error, Equatable, Sendable {
    package let status: HTTPResponse.Status
    /// The last part of `type`, `/problems/<slug>`.
    package let slug: String
    package let title: String
    package let detail: String?
    /// JSON pointer of the field at fault, `/partners/0/siren`.
    package private(set) var field: String?
    /// What the caller can do about it.
    package private(set) var mend: String?
    package private(set) var headers: HTTPFields = [:]

    package init(_ status: HTTPResponse.Status, _ slug: String, _ title: String, detail: String? = nil) {
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
    }

    /// The same problem with the field at fault.
    package func at(_ field: String) -> Problem {
        var copy = self
        copy.field = field
        return copy
    }

    /// The same problem with advice.
    package func mending(_ advice: String) -> Problem {
        var copy = self
        copy.mend = advice
        return copy
    }

    /// The same problem with `Retry-After`.
    package func retrying(after seconds: Int) -> Problem {
        with(.retryAfter, String(seconds))
    }

    package func with(_ name: HTTPField.Name, _ value: String) -> Problem {
        var copy = self
        copy.headers[name] = value
        return copy
    }
}

extension Problem: HTTPResponseError {
    private struct Body: Encodable {
        let type: String
        let title: String
        let status: Int
        let detail: String?
        let field: String?
        let mend: String?
        /// The path of the request.
        let instance: String
        let traceID: String?

        enum CodingKeys: String, CodingKey {
            case type, title, status, detail, field, mend, instance
            case traceID = "trace_id"
        }
    }

    package func response(from request: Request, context: some RequestContext) throws -> Response {
        let body = Body(
            type: "/problems/\(slug)", title: title, status: status.code, detail: detail, field: field, mend: mend,
            instance: request.uri.path, traceID: TraceContext.current?.traceID)
        var headers = headers
        headers[.contentType] = "application/problem+json"
        // A problem describes one request; no cache may give it to another.
        headers[.cacheControl] = "no-store"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONFormat.encode(body))))
    }
}

/// An error of a domain that knows how it is told to a caller.
package protocol ProblemConvertible: Error {
    var problem: Problem { get }
}
