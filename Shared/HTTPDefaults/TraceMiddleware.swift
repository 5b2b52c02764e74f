import HTTPTypes
package import Hummingbird
import Logging
import Observability

/// Continues the caller's trace or begins one, and makes it the task's: the log, the metrics and the events of the
/// request find it there. The outermost middleware.
package struct TraceMiddleware: RouterMiddleware {
    package typealias Context = MaillageContext

    package init() {}

    @concurrent package func handle(
        _ request: Request, context: MaillageContext,
        next: @concurrent (Request, MaillageContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.trace = request.headers[.traceparent].flatMap { TraceContext(traceparent: $0)?.child() } ?? .generate()
        context.logger[metadataKey: LogKeys.requestID] = .string(context.requestID)
        var response = try await TraceContext.$current.withValue(context.trace) { try await next(request, context) }
        response.headers[.requestID] = context.requestID
        response.headers[.traceparent] = context.trace.traceparent
        return response
    }
}

extension HTTPField.Name {
    // The names are constants of letters and hyphens, which the initialiser takes; a typo would stop the first test.
    package static let requestID = HTTPField.Name("X-Request-Id").known
    package static let forwardedFor = HTTPField.Name("X-Forwarded-For").known
    package static let idempotencyKey = HTTPField.Name("Idempotency-Key").known
    package static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed").known
}

extension Optional where Wrapped == HTTPField.Name {
    fileprivate var known: HTTPField.Name {
        guard let self else { preconditionFailure("a header name in this file is not a token of RFC 9110") }
        return self
    }
}
