import HTTPTypes
package import Hummingbird
package import Identity
import Logging
import Observability

/// Finds out who sends the request and whether they send too many.
///
/// A request without a token passes without a principal (the route decides); one with a bad token is refused even on a
/// public route, so that a client notices that its session ended. The rate is counted per subject, else per address,
/// and for refused tokens too. A name and password (HTTP Basic) are handed on unchecked: few routes know such callers.
package struct AuthenticationMiddleware: RouterMiddleware {
    package typealias Context = MaillageContext

    private let verifier: TokenVerifier
    private let limiter: RateLimiter
    private let proxyCount: Int

    /// - Parameter proxyCount: how many proxies of ours stand in front; that many entries at the end of
    ///   `X-Forwarded-For` are trusted, none when it is 0.
    package init(verifier: TokenVerifier, limiter: RateLimiter, proxyCount: Int = 0) {
        self.verifier = verifier
        self.limiter = limiter
        self.proxyCount = proxyCount
    }

    @concurrent package func handle(
        _ request: Request, context: MaillageContext,
        next: @concurrent (Request, MaillageContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.remoteAddress = callerAddress(request, context)
        var refusal: TokenError?
        do throws(TokenError) {
            try await identify(request, &context)
        } catch {
            refusal = error
        }
        let caller = context.principal.map { "subject \($0.subject)" } ?? "address \(context.remoteAddress)"
        if let seconds = limiter.take(caller) {
            throw Problem(.tooManyRequests, "too-many-requests", "You send too many requests").retrying(after: seconds)
        }
        if let refusal {
            context.logger.info("token refused", metadata: [LogKeys.reason: .string(refusal.description)])
            throw Problem.unauthenticated.with(
                .wwwAuthenticate, #"Bearer realm="maillage", error="invalid_token""#)
        }
        return try await next(request, context)
    }

    private func identify(_ request: Request, _ context: inout MaillageContext) async throws(TokenError) {
        guard let header = request.headers[.authorization] else { return }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { throw .malformed }
        switch parts[0].lowercased() {
        case "bearer": context.principal = try await verifier.verify(String(parts[1]))
        case "basic":
            guard let basic = BasicCredentials(token: String(parts[1])) else { throw .malformed }
            context.basic = basic
        default: throw .malformed
        }
    }

    /// The n-th entry from the end, for n proxies of ours: each appends the address that it saw, and what stands before
    /// is the caller's invention.
    private func callerAddress(_ request: Request, _ context: MaillageContext) -> String {
        guard proxyCount > 0 else { return context.remoteAddress }
        let entries = request.headers[values: .forwardedFor].flatMap { $0.split(separator: ",") }
        guard entries.count >= proxyCount else { return context.remoteAddress }
        return String(entries[entries.count - proxyCount].trimming(while: \.isWhitespace).prefix(64))
    }
}
