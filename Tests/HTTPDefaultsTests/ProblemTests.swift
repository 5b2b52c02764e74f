import HTTPDefaults
import HTTPTypes
import Hummingbird
import Observability
import Postgres
import TestSupport
import Testing

@Suite struct ProblemTests {
    @Test func anErrorOfTheDomainTellsItself() async throws {
        let answer = try await TestRouter().request(.get, "/fails/domain?x=1")
        let trace = try #require(answer.headers[.traceparent].flatMap { TraceContext(traceparent: $0) })
        #expect(answer.status == .conflict && answer.headers[.contentType] == "application/problem+json")
        #expect(
            answer.text == """
                {"instance":"/fails/domain","mend":"Wait for the next wave.","status":409,\
                "title":"The call is closed","trace_id":"\(trace.traceID)","type":"/problems/call-closed"}
                """)
    }

    @Test func whatNobodyForesawSaysNothingOfTheInside() async throws {
        let answer = try await TestRouter().request(.get, "/fails/otherwise")
        #expect(answer.status == .internalServerError && answer.problemSlug == "internal-error")
        #expect(!answer.text.contains("secret"))
    }

    @Test func aCancelledRequestMayBeRepeated() async throws {
        let answer = try await TestRouter().request(.get, "/fails/cancelled")
        #expect(answer.status == .serviceUnavailable && answer.headers[.retryAfter] == "2")
    }

    @Test func anUnknownAddressIsAProblemToo() async throws {
        let answer = try await TestRouter().request(.get, "/nothing/here")
        #expect(answer.status == .notFound && answer.problemSlug == "not-found")
    }

    @Test func theCallersTraceGoesOn() async throws {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let answer = try await TestRouter().request(.get, "/fails/domain", headers: [.traceparent: parent])
        #expect(answer.problem?.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736")
        let trace = try #require(answer.headers[.traceparent].flatMap { TraceContext(traceparent: $0) })
        #expect(trace.spanID != "00f067aa0ba902b7")
        let broken = try await TestRouter().request(.get, "/open", headers: [.traceparent: "00-nonsense"])
        #expect(broken.headers[.traceparent].flatMap { TraceContext(traceparent: $0) } != nil)
    }

    @Test func everyRouteIsCountedUnderItsTemplate() async throws {
        // given
        let router = try await TestRouter()
        // when
        _ = try await router.request(.get, "/fails/domain")
        _ = try await router.request(.get, "/fails/cancelled")
        _ = try await router.request(.get, "/no/such/path/1")
        _ = try await router.request(HTTPRequest.Method("BREW") ?? .get, "/no/such/path/2")
        // then
        let text = try await router.request(.get, "/metrics").text
        #expect(text.contains(#"http_requests_total{method="GET",route="/fails/{how}",status="409"} 1"#))
        #expect(text.contains(#"http_requests_total{method="GET",route="/fails/{how}",status="503"} 1"#))
        #expect(text.contains(#"http_requests_total{method="GET",route="unmatched",status="404"} 1"#))
        #expect(text.contains(#"http_requests_total{method="other",route="unmatched",status="404"} 1"#))
        #expect(
            text.contains(
                #"http_request_duration_seconds_count{method="GET",route="/fails/{how}",status="409"} 1"#))
        #expect(!text.contains("/no/such/path"))
    }
}
