import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Identity

@Suite struct TokenVerifierTests {
    private func refusal(of token: String, now: Date = Date()) async throws -> TokenError? {
        let verifier = try await TokenVerifier(
            publicKeyPEM: Tokens.publicKeyPEM, issuer: Tokens.issuer, audience: Tokens.audience, now: { now })
        do throws(TokenError) {
            _ = try await verifier.verify(token)
            return nil
        } catch {
            return error
        }
    }

    private func refusal(_ change: (inout Tokens.Claims) -> Void) async throws -> TokenError? {
        var claims = Tokens.Claims()
        change(&claims)
        return try await refusal(of: try await Tokens.sign(claims))
    }

    @Test func theClaimsBecomeThePrincipal() async throws {
        // given
        var claims = Tokens.Claims()
        claims.sub = "user-7"
        claims.roles = ["operator", "decision-maker", "a role of another application"]
        claims.organisation = "123456789"
        claims.name = "Jeanne"
        // when
        let principal = try await Tokens.verifier().verify(try await Tokens.sign(claims))
        // then
        #expect(
            principal
                == Principal(
                    subject: "user-7", roles: [.operator, .decisionMaker], organisation: "123456789",
                    displayName: "Jeanne"))
        #expect(!"\(principal)".contains("Jeanne"))
    }

    @Test func eachFaultHasItsReason() async throws {
        #expect(try await refusal { $0.iss = "https://other.test" } == .wrongIssuer)
        #expect(try await refusal { $0.aud = ["other"] } == .wrongAudience)
        #expect(try await refusal { $0.aud = [] } == .wrongAudience)
        #expect(try await refusal { $0.aud = nil } == .wrongAudience)
        #expect(try await refusal { $0.exp = nil } == .badClaim("exp"))
        #expect(try await refusal { $0.sub = nil } == .badClaim("sub"))
        #expect(try await refusal { $0.sub = "" } == .badClaim("sub"))
        #expect(try await refusal { $0.organisation = "12345678X" } == .badClaim("organisation"))
        #expect(try await refusal { $0.nbf = Date().timeIntervalSince1970 + 120 } == .notYetValid)
        #expect(try await refusal { $0.aud = ["other", Tokens.audience] } == nil)
    }

    @Test func theIssuersClockMayBeOffByThirtySeconds() async throws {
        // given
        let expiry = Date(timeIntervalSince1970: 1_800_000_000)
        var claims = Tokens.Claims()
        claims.exp = expiry.timeIntervalSince1970
        let token = try await Tokens.sign(claims)
        // then
        #expect(try await refusal(of: token, now: expiry.addingTimeInterval(29)) == nil)
        #expect(try await refusal(of: token, now: expiry.addingTimeInterval(31)) == .expired)
    }

    /// One verifier, that has seen the token before.
    @Test func aTokenThatWasGoodEndsAtItsTimeAndOneThatIsLikeItIsRefused() async throws {
        // given
        let seconds = Mutex(1_800_000_000.0)
        let verifier = try await TokenVerifier(
            publicKeyPEM: Tokens.publicKeyPEM, issuer: Tokens.issuer, audience: Tokens.audience,
            now: { Date(timeIntervalSince1970: seconds.withLock { $0 }) })
        var claims = Tokens.Claims()
        claims.nbf = 1_800_000_000
        claims.exp = 1_800_000_600
        claims.sub = "user-7"
        let token = try await Tokens.sign(claims)
        claims.sub = "user-8"
        let other = try await Tokens.sign(claims)
        // then: each time anew, and each for itself
        for _ in 0..<3 {
            #expect(try await verifier.verify(token).subject == "user-7")
            #expect(try await verifier.verify(other).subject == "user-8")
        }
        let forged = other.split(separator: ".")[..<2].joined(separator: ".") + "." + token.split(separator: ".")[2]
        await #expect(throws: TokenError.badSignature) { try await verifier.verify(forged) }
        // when: its time is over, or not yet there
        for (instant, error) in [(1_800_000_631.0, TokenError.expired), (1_799_999_969, .notYetValid)] {
            seconds.withLock { $0 = instant }
            await #expect(throws: error) { try await verifier.verify(token) }
        }
        // then
        seconds.withLock { $0 = 1_800_000_629 }
        #expect(try await verifier.verify(token).subject == "user-7")
    }

    @Test func ofTokensThatWereGoodSomeAreKnownAndThoseThatAreUsed() throws {
        // given
        var claims = Tokens.Claims()
        claims.exp = 1_800_000_000
        let lifetime = try TokenLifetime(JSONDecoder().decode(TokenClaims.self, from: JSONEncoder().encode(claims)))
        let tokens = VerifiedTokens(countMax: 10)
        func keep(_ name: String) {
            let principal = Principal(subject: name, roles: [], organisation: nil, displayName: nil)
            tokens.keep(.init(principal: principal, lifetime: lifetime), VerifiedTokens.digest(of: name))
        }
        keep("used")
        // when
        for number in 0..<100 {
            keep("\(number)")
            #expect(tokens.find(VerifiedTokens.digest(of: "used"))?.principal.subject == "used")
            #expect(tokens.count <= 20)
        }
        // then
        #expect(tokens.find(VerifiedTokens.digest(of: "99")) != nil)
        #expect(tokens.find(VerifiedTokens.digest(of: "0")) == nil)
    }

    @Test func aTokenOfAnotherKeyIsRefused() async throws {
        let token = try await Tokens.sign(Tokens.Claims(), asStranger: true)
        #expect(try await refusal(of: token) == .badSignature)
    }

    @Test func aChangedClaimBreaksTheSignature() async throws {
        // given
        let parts = try await Tokens.bearer(.applicant).split(separator: ".").map(String.init)
        let forged = Data(#"{"iss":"https://issuer.test","aud":"maillage","sub":"x","exp":9999999999}"#.utf8)
            .base64EncodedString().replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
        // then
        #expect(try await refusal(of: "\(parts[0]).\(forged).\(parts[2])") == .badSignature)
    }

    @Test(arguments: [#"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"ES256","crit":["b64"]}"#, #"{"typ":"JWT"}"#])
    func noOtherAlgorithmIsTaken(_ header: String) async throws {
        // given: a token whose header says something else
        let parts = try await Tokens.bearer(.applicant).split(separator: ".").map(String.init)
        let encoded = Data(header.utf8).base64EncodedString().replacing("=", with: "")
        // then
        #expect(try await refusal(of: "\(encoded).\(parts[1]).\(parts[2])") == .wrongAlgorithm)
        #expect(try await refusal(of: "\(encoded).\(parts[1]).") == .wrongAlgorithm)
    }

    @Test(arguments: ["", "a", "a.b", "a.b.c", "....", "🦊.🦊.🦊", String(repeating: "a", count: 9_000)])
    func whatIsNoTokenIsMalformed(_ text: String) async throws {
        #expect(try await refusal(of: text) == .malformed)
    }

    @Test func keysCanBeRotated() async throws {
        // given: a new key in front of the one that signs
        let other = """
            -----BEGIN PUBLIC KEY-----
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpaBa07qgHUTw6liYSadkRj55gTr9
            gZIJA/GlTW7bYpGK0RlGmfOdTPUhchKkcFurt1Fdr7neCFN/8oF/5rO/Dw==
            -----END PUBLIC KEY-----
            """
        let verifier = try await TokenVerifier(
            publicKeyPEM: other + "\n" + Tokens.publicKeyPEM, issuer: Tokens.issuer, audience: Tokens.audience)
        // then
        #expect(try await verifier.verify(try await Tokens.bearer(.ministry)).has(.ministry))
        #expect(try await verifier.verify(try await Tokens.sign(Tokens.Claims(), asStranger: true)).roles.isEmpty)
    }

    @Test(arguments: ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
    func aVerifierWithoutAKeyIsNotBuilt(_ pem: String) async {
        await #expect(throws: VerifierError.self) {
            try await TokenVerifier(publicKeyPEM: pem, issuer: "i", audience: "a")
        }
    }
}
