package import FoundationEssentials
import Synchronization

/// The time of the programme: deadlines, calendars, reminders, windows and retention ask it and nothing else. It is the
/// real clock, moved by an offset that a demo or test may set and production refuses.
package struct ProgrammeClock: Sendable {
    private let read: @Sendable () -> Date

    /// A clock of a test.
    package init(now: @escaping @Sendable () -> Date) {
        read = now
    }

    /// - Parameter offsetFile: path of a file with the seconds that the clock is ahead (may be negative or broken); nil
    ///   for the real time. It is read again at most every 200 ms, so that all services of a demo move together. A file
    ///   that is missing or says something else leaves the offset as it was, at first 0.
    package init(offsetFile: String?) {
        guard let offsetFile else {
            read = { Date() }
            return
        }
        let offset = OffsetFile(path: offsetFile)
        read = { Date().addingTimeInterval(offset.seconds()) }
    }

    package func now() -> Date { read() }
}

private final class OffsetFile: Sendable {
    private struct State {
        var seconds = 0.0
        var readAt: ContinuousClock.Instant?
    }

    private static let interval = Duration.milliseconds(200)
    /// A century; further is a slip of the hand.
    private static let secondsMax = 3.2e9

    private let path: String
    private let state = Mutex(State())

    init(path: String) {
        self.path = path
    }

    func seconds() -> Double {
        state.withLock { state in
            let now = ContinuousClock.now
            if let readAt = state.readAt, now - readAt < Self.interval { return state.seconds }
            state.readAt = now
            let text = try? String(contentsOfFile: path, encoding: .utf8)
            if let text, let seconds = Double(text.prefix(64).filter { !$0.isWhitespace }),
                seconds.magnitude <= Self.secondsMax
            {
                state.seconds = seconds
            }
            return state.seconds
        }
    }
}
