import Synchronization

/// A token bucket per caller, in the memory of this replica: N replicas let N times the rate through. That is enough to
/// keep one caller from taking a service from the others; a quota across replicas belongs into the proxy.
package final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
    }

    private let ratePerSecond: Double
    private let burst: Double
    private let callerCountMax: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameters:
    ///   - ratePerSecond: requests per second that a caller may keep up.
    ///   - burst: requests that a caller who was quiet may send at once.
    ///   - callerCountMax: callers remembered at a time; all callers beyond share one bucket until others fall quiet.
    package init(
        ratePerSecond: Int = 200, burst: Int = 400, callerCountMax: Int = 10_000,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.ratePerSecond = Double(ratePerSecond)
        self.burst = Double(burst)
        self.callerCountMax = callerCountMax
        self.now = now
    }

    /// Takes one request from the caller's bucket.
    /// - Returns: nil if it may pass, else the whole seconds after which it would.
    package func take(_ caller: String) -> Int? {
        let now = now()
        return buckets.withLock { buckets in
            let key = slot(for: caller, in: &buckets, now)
            var bucket = buckets[key] ?? Bucket(tokens: burst, filledAt: now)
            bucket.tokens = tokens(of: bucket, at: now)
            bucket.filledAt = max(bucket.filledAt, now)
            defer { buckets[key] = bucket }
            guard bucket.tokens >= 1 else {
                return max(1, Int(((1 - bucket.tokens) / ratePerSecond).rounded(.up)))
            }
            bucket.tokens -= 1
            return nil
        }
    }

    /// Gives back what ``take(_:)`` took, for a limit on attempts that fail.
    package func giveBack(_ caller: String) {
        buckets.withLock { buckets in
            if let bucket = buckets[caller] { buckets[caller]?.tokens = min(burst, bucket.tokens + 1) }
        }
    }

    private func tokens(of bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
        // Who read the clock before another and comes after it took no time away.
        let elapsed = max(.zero, now - bucket.filledAt)
        return min(burst, bucket.tokens + elapsed / .seconds(1) * ratePerSecond)
    }

    private func slot(for caller: String, in buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) -> String
    {
        guard buckets[caller] == nil, buckets.count >= callerCountMax else { return caller }
        // A full bucket says no more than none: its caller was quiet for burst/rate seconds.
        buckets = buckets.filter { tokens(of: $0.value, at: now) < burst }
        return buckets.count < callerCountMax ? caller : ""
    }
}
