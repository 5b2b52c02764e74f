import Crypto
import Synchronization

/// What tokens said that were found right, so that who sends one with a thousand requests has its signature checked
/// once. A signature stays right as long as the key; what ends by itself, the token's time, is looked at each time.
///
/// Tokens are known by their SHA-256 and not kept. Two generations of `countMax` at most: when the younger is full, the
/// older is forgotten with whatever was not asked for since.
final class VerifiedTokens: Sendable {
    struct Verified: Sendable {
        let principal: Principal
        let lifetime: TokenLifetime
    }

    private struct Generations {
        var younger: [SHA256.Digest: Verified] = [:]
        var older: [SHA256.Digest: Verified] = [:]

        mutating func keep(_ verified: Verified, _ digest: SHA256.Digest, countMax: Int) {
            if younger.count >= countMax { (older, younger) = (younger, [:]) }
            younger[digest] = verified
        }
    }

    private let countMax: Int
    private let generations = Mutex(Generations())

    init(countMax: Int = 2_048) { self.countMax = countMax }

    /// How many are known.
    var count: Int { generations.withLock { $0.younger.count + $0.older.count } }

    func find(_ digest: SHA256.Digest) -> Verified? {
        generations.withLock { generations in
            if let found = generations.younger[digest] { return found }
            guard let found = generations.older.removeValue(forKey: digest) else { return nil }
            generations.keep(found, digest, countMax: countMax)
            return found
        }
    }

    func keep(_ verified: Verified, _ digest: SHA256.Digest) {
        generations.withLock { $0.keep(verified, digest, countMax: countMax) }
    }

    static func digest(of token: String) -> SHA256.Digest { SHA256.hash(data: Array(token.utf8)) }
}
