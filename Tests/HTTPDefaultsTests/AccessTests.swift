import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Synchronization
import TestSupport
import Testing

@Suite struct AccessTests {
    private static let path = "/operators/0195a5f0-7e1c-7000-8000-000000000001"

    @Test func theRoleDecidesWhoComesIn() async throws {
        let router = try await TestRouter()
        let nobody = try await router.request(.get, Self.path)
        #expect(nobody.status == .unauthorized && nobody.problemSlug == "unauthenticated")
        #expect(nobody.headers[.wwwAuthenticate] == #"Bearer realm="maillage""#)
        let applicant = try await router.request(.get, Self.path, roles: [.applicant])
        #expect(applicant.status == .forbidden && applicant.problem?.detail == "needs one of: administrator, operator")
        #expect(try await router.request(.get, Self.path, roles: [.applicant, .operator]).status == .ok)
        #expect(try await router.request(.get, "/operators/7", roles: [.operator]).status == .notFound)
    }

    @Test(arguments: ["Bearer x.y.z", "Basic ?", "Bearer", "x"])
    func aBadTokenIsRefusedEvenWhereNoneIsNeeded(_ header: String) async throws {
        let router = try await TestRouter()
        #expect(try await router.request(.get, "/open").status == .ok)
        let answer = try await router.request(.get, "/open", headers: [.authorization: header])
        #expect(answer.status == .unauthorized)
        #expect(answer.headers[.wwwAuthenticate] == #"Bearer realm="maillage", error="invalid_token""#)
    }

    @Test func whyATokenIsRefusedStaysInside() async throws {
        var claims = Tokens.Claims()
        claims.exp = 1
        let expired = try await Tokens.sign(claims)
        let strangers = try await Tokens.sign(Tokens.Claims(), asStranger: true)
        let router = try await TestRouter()
        var answers: [String] = []
        for token in [expired, strangers] {
            let answer = try await router.request(.get, "/open", headers: [.authorization: "Bearer \(token)"])
            answers.append("\(answer.status) \(answer.problem?.title ?? "") \(answer.problem?.detail ?? "")")
        }
        #expect(answers[0] == answers[1])
    }

    @Test func oneCallerWhoSendsTooMuchDoesNotStopAnother() async throws {
        // given
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(ratePerSecond: 2, burst: 3, now: { time.withLock { $0 } })
        let router = try await TestRouter(limiter: limiter)
        // when
        var statuses: [Int] = []
        for _ in 0..<4 { statuses.append(try await router.request(.get, "/open", roles: [.operator]).status.code) }
        // then
        #expect(statuses == [200, 200, 200, 429])
        let refused = try await router.request(.get, "/open", roles: [.operator])
        #expect(refused.headers[.retryAfter] == "1" && refused.problemSlug == "too-many-requests")
        #expect(try await router.request(.get, "/open").status == .ok)
        #expect(try await router.request(.get, "/health/live").status == .ok)
        time.withLock { $0 += .milliseconds(500) }
        #expect(try await router.request(.get, "/open", roles: [.operator]).status == .ok)
        #expect(try await router.request(.get, "/open", roles: [.operator]).status == .tooManyRequests)
    }

    @Test func refusedTokensCountToo() async throws {
        let router = try await TestRouter(limiter: RateLimiter(ratePerSecond: 1, burst: 2))
        var statuses: [Int] = []
        for _ in 0..<3 {
            statuses.append(try await router.request(.get, "/open", headers: [.authorization: "Bearer x"]).status.code)
        }
        #expect(statuses == [401, 401, 429])
    }

    @Test func onlyOurProxiesSayWhereARequestComesFrom() async throws {
        let limiter = RateLimiter(ratePerSecond: 1, burst: 1)
        let router = try await TestRouter(limiter: limiter, proxyCount: 1)
        func status(_ forwarded: String) async throws -> Int {
            try await router.request(.get, "/open", headers: [.forwardedFor: forwarded]).status.code
        }
        #expect(try await status("203.0.113.1") == 200)
        #expect(try await status("203.0.113.2") == 200)
        // The caller may invent what stands before our proxy's entry.
        #expect(try await status("198.51.100.9, 203.0.113.1") == 429)
    }

    @Test func aCallerPaysOnceForTimeThatAThreadWasHeldUp() {
        // given
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(ratePerSecond: 1_000, burst: 10, now: { time.withLock { $0 } })
        #expect(limiter.take("a") == nil)
        // when: a request read the clock before that one did, and comes after it
        time.withLock { $0 -= .milliseconds(100) }
        #expect(limiter.take("a") == nil)
        // then: what was there is there, and no more comes twice
        time.withLock { $0 += .milliseconds(100) }
        let answers = (0..<10).map { _ in limiter.take("a") }
        #expect(answers.count { $0 == nil } == 8)
    }

    @Test func theLimiterRemembersABoundedNumberOfCallers() {
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(ratePerSecond: 1, burst: 2, callerCountMax: 2, now: { time.withLock { $0 } })
        #expect(limiter.take("a") == nil && limiter.take("b") == nil)
        // Strangers share one bucket while the table is full …
        #expect(limiter.take("c") == nil && limiter.take("d") == nil && limiter.take("e") == 1)
        // … and those who are known keep theirs.
        #expect(limiter.take("a") == nil && limiter.take("a") == 1)
        time.withLock { $0 += .seconds(10) }
        #expect(limiter.take("e") == nil && limiter.take("e") == nil && limiter.take("e") == 1)
    }
}
