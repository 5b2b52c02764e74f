import HTTPDefaults
import HTTPTypes
import Hummingbird
import TestSupport
import Testing

@Suite struct OperationsTests {
    private struct Report: Decodable, Equatable {
        struct Check: Decodable, Equatable {
            let name: String
            let ready: Bool
            let reason: String?
        }
        let ready: Bool
        let checks: [Check]
    }

    @Test func aServiceIsReadyWhenEveryCheckIs() async throws {
        let router = try await TestRouter(checks: [ReadinessCheck("a") { nil }, ReadinessCheck("b") { nil }])
        let answer = try await router.request(.get, "/health/ready")
        #expect(answer.status == .ok)
        #expect(
            try answer.decode(Report.self)
                == Report(
                    ready: true,
                    checks: [
                        .init(name: "a", ready: true, reason: nil), .init(name: "b", ready: true, reason: nil),
                    ]))
    }

    @Test func whatIsMissingIsNamedAndASlowCheckIsNotWaitedFor() async throws {
        // given
        struct Broken: Error {}
        let router = try await TestRouter(checks: [
            ReadinessCheck("fine") { nil },
            ReadinessCheck("broker") { "not connected" },
            ReadinessCheck("throws") { throw Broken() },
            ReadinessCheck("slow", timeout: .milliseconds(50)) {
                try await Task.sleep(for: .seconds(600))
                return nil
            },
        ])
        // when
        let start = ContinuousClock.now
        let answer = try await router.request(.get, "/health/ready")
        // then
        #expect(ContinuousClock.now - start < .seconds(30))
        #expect(answer.status == .serviceUnavailable)
        let reasons = try answer.decode(Report.self).checks.map(\.reason)
        #expect(reasons == [nil, "not connected", "the check failed", "no answer within 0.05 seconds"])
        #expect(try await router.request(.get, "/health/live").status == .ok)
    }

    @Test func theDescriptionOfTheAPIIsServed() async throws {
        let answer = try await TestRouter(openAPI: "openapi: 3.1.0\n").request(.get, "/openapi.yaml")
        #expect(answer.text == "openapi: 3.1.0\n" && answer.headers[.contentType] == "application/yaml")
        #expect(try await TestRouter().request(.get, "/openapi.yaml").status == .notFound)
    }
}
