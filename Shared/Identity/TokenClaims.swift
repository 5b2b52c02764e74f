import JWTKit

/// The claims that we read, as raw as they come: JWTKit's own audience claim stops the process on `"aud": []`.
struct TokenClaims: JWTPayload {
    /// One string or a list of them (RFC 7519, 4.1.3).
    struct Audience: Codable, Sendable {
        let values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let one = try? container.decode(String.self) {
                values = [one]
            } else {
                values = try container.decode([String].self)
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(values)
        }
    }

    let iss: String?
    let aud: Audience?
    let sub: String?
    /// Seconds since 1970, fractions allowed.
    let exp: Double?
    let nbf: Double?
    let roles: [String]?
    let organisation: String?
    let name: String?

    /// The claims are checked by ``TokenVerifier``, which has the clock and can tell the errors apart.
    func verify(using algorithm: some JWTAlgorithm) {}
}
