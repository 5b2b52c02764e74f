import Glibc

/// An instant of the monotonic clock, in nanoseconds: read once per turn of a loop, so it must cost next to nothing.
struct Moment: Comparable, Sendable {
    let nanoseconds: UInt64

    static let distantFuture = Moment(nanoseconds: .max)

    static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    static func + (moment: Moment, duration: Duration) -> Moment {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Moment(nanoseconds: overflow ? .max : sum)
    }

    /// How long until then; zero when it is past.
    func remaining(from now: Moment) -> Duration {
        self > now ? .nanoseconds(Int64(clamping: nanoseconds - now.nanoseconds)) : .zero
    }

    /// For `poll`: rounded up, so that the loop never wakes a moment too early and spins.
    func milliseconds(from now: Moment) -> Int32 {
        self > now ? Int32(clamping: (nanoseconds - now.nanoseconds) / 1_000_000 + 1) : 0
    }
}

extension Duration {
    /// Zero for a negative duration, at most 2^63.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? UInt64(Int64.max) : min(product, UInt64(Int64.max)) + UInt64(attoseconds / 1_000_000_000)
    }
}
