import HTTPTypes
package import Hummingbird
import NIOCore
package import Observability

/// What an operator and the machines around the service ask: liveness, readiness, metrics, the API's description.
///
/// They stand outside of authentication and rate limit; the proxy lets nobody from outside reach `/metrics`.
package struct OperationsRoutes: Sendable {
    private struct Report: Encodable {
        struct Check: Encodable {
            let name: String
            let ready: Bool
            let reason: String?
        }
        let ready: Bool
        let checks: [Check]
    }

    private let checks: [ReadinessCheck]
    private let metrics: PrometheusMetricsFactory
    private let openAPI: String

    /// - Parameter openAPI: the text of the service's `Routes/openapi.yaml`; empty when there is none.
    package init(checks: [ReadinessCheck], metrics: PrometheusMetricsFactory, openAPI: String) {
        self.checks = checks
        self.metrics = metrics
        self.openAPI = openAPI
    }

    package func add(to router: Router<MaillageContext>) {
        // Alive means: the process answers. A service whose database is gone must not be restarted for it.
        router.get("/health/live") { _, _ in try JSONResponse(["alive": true]).response() }
        router.get("/health/ready") { [checks] _, _ in try await Self.ready(checks) }
        router.get("/metrics") { [metrics] _, _ in
            Self.text(metrics.render() + ProcessMetrics.render(), type: PrometheusText.contentType)
        }
        guard !openAPI.isEmpty else { return }
        router.get("/openapi.yaml") { [openAPI] _, _ in Self.text(openAPI, type: "application/yaml") }
    }

    private static func ready(_ checks: [ReadinessCheck]) async throws -> Response {
        let results = await withTaskGroup(of: (Int, String?).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await check.run()) }
            }
            var reasons = [String?](repeating: nil, count: checks.count)
            for await (index, reason) in group { reasons[index] = reason }
            return reasons
        }
        let rows = zip(checks, results).map { Report.Check(name: $0.name, ready: $1 == nil, reason: $1) }
        let isReady = rows.allSatisfy(\.ready)
        return try JSONResponse(
            Report(ready: isReady, checks: rows), status: isReady ? .ok : .serviceUnavailable,
            headers: [.cacheControl: "no-store"]
        ).response()
    }

    private static func text(_ text: String, type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
