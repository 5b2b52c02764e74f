/// From when to when a token is good, in seconds since 1970.
struct TokenLifetime: Sendable {
    private let start: Double?
    private let end: Double

    /// - Throws: ``TokenError/badClaim(_:)`` for a token that never ends.
    init(_ claims: TokenClaims) throws(TokenError) {
        guard let end = claims.exp, end.isFinite else { throw .badClaim("exp") }
        self.start = claims.nbf
        self.end = end
    }

    /// - Parameters:
    ///   - now: in seconds since 1970.
    ///   - leeway: how far the issuer's clock may be off, in seconds.
    func check(at now: Double, leeway: Double) throws(TokenError) {
        guard now < end + leeway else { throw .expired }
        if let start, now < start - leeway { throw .notYetValid }
    }
}
