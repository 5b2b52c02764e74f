import FoundationEssentials
package import Identity
package import JWTKit

/// Bearer tokens of an issuer that only tests trust.
package enum Tokens {
    package static let issuer = "https://issuer.test"
    package static let audience = "maillage"

    /// What a token says; every claim can be left out, to see it refused.
    package struct Claims: JWTPayload {
        package var iss: String? = Tokens.issuer
        package var aud: [String]? = [Tokens.audience]
        package var sub: String? = "test-user"
        package var exp: Double? = Date().timeIntervalSince1970 + 300
        package var nbf: Double?
        package var roles: [String]?
        package var organisation: String?
        package var name: String?

        package init() {}
        package func verify(using algorithm: some JWTAlgorithm) {}
    }

    /// The public half of the key that signs the tests' tokens, as PEM.
    package static let publicKeyPEM = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwVp0CilGGjuaw7CtPD9xboDh1wQi
        7to5I5cFk6rIZw9FACi1Cu91oqGrHGKm/SFhBIzfHq8a2PTAbc1bNi6TRw==
        -----END PUBLIC KEY-----
        """

    /// Signs nothing but the tests' tokens; it opens no door anywhere else.
    private static let privateKeyPEM = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOexU8boL5j2AKsO4
        4YRMMpfXTFrqHdTB3Ve5vF/Q3XOhRANCAATBWnQKKUYaO5rDsK08P3FugOHXBCLu
        2jkjlwWTqshnD0UAKLUK73WioascYqb9IWEEjN8erxrY9MBtzVs2LpNH
        -----END PRIVATE KEY-----
        """

    /// A key that nobody trusts, for tokens with a signature that does not match.
    private static let strangersKeyPEM = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgW9NBDo2C9GaTRgIm
        0bVjntHKN3+LMt3aVf7wNGm1iWqhRANCAASloFrTuqAdRPDqWJhJp2RGPnmBOv2B
        kgkD8aVNbttikYrRGUaZ851M9SFyEqRwW6u3UV2vud4IU3/ygX/ms78P
        -----END PRIVATE KEY-----
        """

    /// A token that is valid for five minutes.
    package static func bearer(
        _ roles: Role..., subject: String = "test-user", organisation: String? = nil
    ) async throws -> String {
        try await bearer(roles, subject: subject, organisation: organisation)
    }

    /// A token that is valid for five minutes.
    package static func bearer(_ roles: [Role], subject: String, organisation: String?) async throws -> String {
        var claims = Claims()
        claims.sub = subject
        claims.roles = roles.map(\.rawValue)
        claims.organisation = organisation
        return try await sign(claims)
    }

    /// A token with exactly these claims.
    package static func sign(_ claims: Claims, asStranger isStranger: Bool = false) async throws -> String {
        let key = try ES256PrivateKey(pem: isStranger ? strangersKeyPEM : privateKeyPEM)
        return try await JWTKeyCollection().add(ecdsa: key).sign(claims)
    }

    /// Takes the tokens made here.
    package static func verifier() async throws -> TokenVerifier {
        try await TokenVerifier(publicKeyPEM: publicKeyPEM, issuer: issuer, audience: audience)
    }
}
