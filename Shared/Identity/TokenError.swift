/// Why a token was refused. The log says which; the caller only hears 401, since the difference helps whoever forges.
package enum TokenError: Error, Hashable, CustomStringConvertible {
    /// Not a signed JWT, too long, or claims of another shape.
    case malformed
    /// The header names another algorithm than ES256, or an extension that we do not know (`crit`).
    case wrongAlgorithm
    case badSignature
    case expired
    case notYetValid
    case wrongIssuer
    case wrongAudience
    /// A claim that must be there is missing or out of its form; the name of the claim, never its value.
    case badClaim(String)

    package var description: String {
        switch self {
        case .malformed: "token malformed"
        case .wrongAlgorithm: "token not signed with ES256"
        case .badSignature: "token signature does not match"
        case .expired: "token expired"
        case .notYetValid: "token not yet valid"
        case .wrongIssuer: "token of another issuer"
        case .wrongAudience: "token for another audience"
        case .badClaim(let name): "token claim \(name) missing or malformed"
        }
    }
}

/// The verifier cannot be built from what it was given.
package struct VerifierError: Error, CustomStringConvertible {
    package let description: String
}
