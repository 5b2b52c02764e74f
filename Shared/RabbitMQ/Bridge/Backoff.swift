/// Exponential delays with jitter, from 0.1 s, so that a broker that comes back is not met by all its clients at once.
struct Backoff {
    static let shortest = Duration.milliseconds(100)

    let longest: Duration
    private(set) var attempts = 0

    init(longest: Duration) { self.longest = longest }

    mutating func next() -> Duration {
        let doubled = Self.shortest * (1 << min(attempts, 6))
        attempts += 1
        return min(doubled, longest) * Double.random(in: 0.5...1)
    }

    mutating func reset() { attempts = 0 }
}
