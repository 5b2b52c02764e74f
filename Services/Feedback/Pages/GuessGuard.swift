import HTTPDefaults
import HTTPTypes

/// Keeps somebody from trying links and codes one after the other: only those that open nothing are counted, so that a
/// room full of givers behind one address is not held up.
struct GuessGuard: Sendable {
    private let limiter = RateLimiter(ratePerSecond: 1, burst: 30)

    /// - Throws: 429 for somebody who guessed too often.
    func look<Found>(_ context: MaillageContext, _ find: () async throws -> Found?) async throws -> Found? {
        let caller = context.remoteAddress
        if let seconds = limiter.take(caller) {
            throw Problem(.tooManyRequests, "too-many-requests", "Too many attempts").retrying(after: seconds)
        }
        let found = try await find()
        if found != nil { limiter.giveBack(caller) }
        return found
    }
}
