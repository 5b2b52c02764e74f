import CoreMetrics
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Observability
import Postgres
import TestSupport

/// A small API with every kind of route that the defaults serve.
struct TestRouter {
    struct Application: Codable, Sendable, Equatable {
        enum Track: String, Codable { case open, focused }
        struct Partner: Codable, Sendable, Equatable {
            let siren: String
            let shareBasisPoints: Int
        }
        let title: String
        let track: Track
        let partners: [Partner]
        let startsAt: Date
        let call: UUID?
    }

    struct Refusal: ProblemConvertible {
        var problem: Problem { .conflict("call-closed", "The call is closed").mending("Wait for the next wave.") }
    }

    struct Unforeseen: Error, CustomStringConvertible { let description = "the secret of the inside" }

    let metrics = PrometheusMetricsFactory()
    let router: Router<MaillageContext>

    init(
        checks: [ReadinessCheck] = [], limiter: RateLimiter = RateLimiter(), proxyCount: Int = 0, openAPI: String = ""
    ) async throws {
        router = HTTPStack.router(
            operations: OperationsRoutes(checks: checks, metrics: metrics, openAPI: openAPI),
            authentication: AuthenticationMiddleware(
                verifier: try await Tokens.verifier(), limiter: limiter, proxyCount: proxyCount),
            metrics: metrics)
        addRoutes()
    }

    private func addRoutes() {
        router.get("/open") { _, context in ["actor": context.actor] }
        router.get("/operators/{id}") { _, context in
            let principal = try context.require(.operator, .administrator)
            return ["subject": principal.subject, "id": try context.uuid("id").uuidString.lowercased()]
        }
        router.post("/applications") { request, context in
            try JSONResponse(try await request.decode(as: Application.self, context: context), status: .created)
                .response()
        }
        router.put("/applications/{id}") { request, _ in
            let expected = try request.expectedVersion()
            guard expected == 3 else { throw Problem.versionMismatch(current: 3) }
            return try JSONResponse(["ok": true], version: 4).response()
        }
        router.get("/list") { request, _ in
            let page = try request.page()
            let position = try page.after?.position() ?? 0
            let items = (position + 1)...(position + Int64(page.limit))
            return PageResponse(Array(items), next: Cursor(position: position + Int64(page.limit)))
        }
        router.get("/fails/{how}") { _, context -> Response in
            switch try context.parameter("how") {
            case "domain": throw Refusal()
            case "cancelled": throw CancellationError()
            default: throw Unforeseen()
            }
        }
    }

    func request(
        _ method: HTTPRequest.Method, _ path: String, roles: [Role]? = nil, json: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        if json != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        return try await RouterClient(router).request(
            method, path, by: roles.map { RouterClient.Caller($0) }, body: json.map { Array($0.utf8) }, headers: headers
        )
    }
}
