package import CoreMetrics
import HTTPTypes
package import Hummingbird
import Metrics
import Synchronization

/// Rate, errors and duration of every route: `http_requests_total` and `http_request_duration_seconds`, each with
/// `route` (the template, `/v1/calls/{id}`, never the path: a series per id would never end), `method` and `status`.
///
/// It stands outside of what turns errors into answers, so that it sees every status. The duration ends when the
/// handler has answered; writing a streamed body is not in it.
package struct REDMiddleware<Context: RequestContext>: RouterMiddleware {
    private static var methods: Set<String> { ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] }

    private struct Key: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    private struct Instruments: Sendable {
        let requests: Counter
        let duration: Timer
    }

    /// Building a label string for every request would cost more than the lock.
    private final class Cache: Sendable {
        let instruments = Mutex<[Key: Instruments]>([:])
    }

    private let factory: any MetricsFactory
    private let cache = Cache()

    package init(factory: any MetricsFactory) {
        self.factory = factory
    }

    @concurrent package func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        do {
            let response = try await next(request, context)
            record(request, context, response.status.code, since: start)
            return response
        } catch {
            record(request, context, (error as? any HTTPResponseError)?.status.code ?? 500, since: start)
            throw error
        }
    }

    private func record(_ request: Request, _ context: Context, _ status: Int, since start: ContinuousClock.Instant) {
        // A method is a caller's text; only those of the standard become a label.
        let method = Self.methods.contains(request.method.rawValue) ? request.method.rawValue : "other"
        // Hummingbird calls a path without a route "NotFound".
        let route = context.endpointPath.flatMap { $0 == "NotFound" ? nil : $0 } ?? "unmatched"
        let instruments = instruments(for: Key(route: route, method: method, status: status))
        instruments.requests.increment()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        instruments.duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    private func instruments(for key: Key) -> Instruments {
        cache.instruments.withLock { instruments in
            if let known = instruments[key] { return known }
            let labels = [("route", key.route), ("method", key.method), ("status", String(key.status))]
            let new = Instruments(
                requests: Counter(label: "http_requests_total", dimensions: labels, factory: factory),
                duration: Timer(label: "http_request_duration_seconds", dimensions: labels, factory: factory))
            instruments[key] = new
            return new
        }
    }
}
