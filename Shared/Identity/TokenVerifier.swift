package import FoundationEssentials
import JWTKit

/// Turns a bearer token into a ``Principal``: ES256 only, one issuer, one audience, `exp` required.
package struct TokenVerifier: Sendable {
    /// No honest token is longer; what is longer is not even parsed.
    package static let tokenBytesMax = 8 * 1024
    /// Old and new key while an issuer rotates, with room for a second issuer instance.
    private static let keyCountMax = 4

    private let keys: JWTKeyCollection
    private let issuer: String
    private let audience: String
    private let leewaySeconds: Double
    private let now: @Sendable () -> Date
    private let verified = VerifiedTokens()

    /// - Parameters:
    ///   - publicKeyPEM: one to four P-256 public keys, one after the other; a token may be signed by any of them, so
    ///     that a key can be rotated without a moment at which nobody gets in.
    ///   - leeway: how far the issuer's clock may be off.
    ///   - now: the wall clock, not the programme's: a demo that moves the programme by a year must not log everyone
    ///     out.
    /// - Throws: ``VerifierError`` when a key cannot be read.
    package init(
        publicKeyPEM: String, issuer: String, audience: String, leeway: Duration = .seconds(30),
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws(VerifierError) {
        let blocks = Self.blocks(of: publicKeyPEM)
        guard (1...Self.keyCountMax).contains(blocks.count) else {
            throw VerifierError(
                description: "expected 1 to \(Self.keyCountMax) PEM blocks with a public key, found \(blocks.count)")
        }
        let keys = JWTKeyCollection()
        for (index, block) in blocks.enumerated() {
            let key: ES256PublicKey
            do { key = try ES256PublicKey(pem: block) } catch {
                throw VerifierError(description: "PEM block \(index + 1) is not a P-256 public key")
            }
            await keys.add(ecdsa: key, kid: JWKIdentifier(string: "\(index)"))
        }
        self.keys = keys
        self.issuer = issuer
        self.audience = audience
        self.leewaySeconds = leeway / .seconds(1)
        self.now = now
    }

    /// - Throws: ``TokenError``, one case per reason.
    package func verify(_ token: String) async throws(TokenError) -> Principal {
        guard token.utf8.count <= Self.tokenBytesMax else { throw .malformed }
        let digest = VerifiedTokens.digest(of: token)
        if let known = verified.find(digest) {
            try check(known.lifetime)
            return known.principal
        }
        let claims = try await claims(of: token)
        try checkParties(claims)
        let lifetime = try TokenLifetime(claims)
        try check(lifetime)
        let principal = try Self.principal(claims)
        verified.keep(.init(principal: principal, lifetime: lifetime), digest)
        return principal
    }

    /// - Returns: what somebody with one of our keys signed.
    private func claims(of token: String) async throws(TokenError) -> TokenClaims {
        try Self.checkHeader(token)
        do {
            return try await keys.verify(token, as: TokenClaims.self, iteratingKeys: true)
        } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
            throw TokenError.badSignature
        } catch {
            throw TokenError.malformed
        }
    }

    /// JWTKit verifies with our key whatever the header says; a header that says something else is refused all the
    /// same, so that no other reader of the same token can understand it differently.
    private static func checkHeader(_ token: String) throws(TokenError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        var text = String(parts[0]).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        guard
            let bytes = Data(base64Encoded: text),
            let header = try? JSONDecoder().decode(Header.self, from: bytes)
        else { throw .malformed }
        guard header.alg == "ES256", header.crit == nil else { throw .wrongAlgorithm }
    }

    private struct Header: Decodable {
        let alg: String?
        let crit: [String]?
    }

    private func checkParties(_ claims: TokenClaims) throws(TokenError) {
        guard claims.iss == issuer else { throw .wrongIssuer }
        guard let audiences = claims.aud?.values, audiences.contains(audience) else { throw .wrongAudience }
    }

    private func check(_ lifetime: TokenLifetime) throws(TokenError) {
        try lifetime.check(at: now().timeIntervalSince1970, leeway: leewaySeconds)
    }

    private static func principal(_ claims: TokenClaims) throws(TokenError) -> Principal {
        guard let subject = claims.sub, (1...200).contains(subject.utf8.count),
            subject.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw .badClaim("sub") }
        if let siren = claims.organisation {
            let isNineDigits = siren.utf8.count == 9 && siren.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNineDigits else { throw .badClaim("organisation") }
        }
        // A role that we do not know is another application's of the same issuer.
        let roles = Set((claims.roles ?? []).compactMap(Role.init(rawValue:)))
        return Principal(
            subject: subject, roles: roles, organisation: claims.organisation, displayName: claims.name)
    }

    private static func blocks(of pem: String) -> [String] {
        let end = "-----END PUBLIC KEY-----"
        var blocks: [String] = []
        var rest = Substring(pem)
        while let range = rest.firstRange(of: end) {
            let block = rest[..<range.upperBound]
            if let start = block.firstRange(of: "-----BEGIN PUBLIC KEY-----") {
                blocks.append(String(block[start.lowerBound...]))
            }
            rest = rest[range.upperBound...]
        }
        return blocks
    }
}
