package import FoundationEssentials
package import ServiceRuntime
import Synchronization

/// A programme clock that stands until a test moves it.
package final class TestClock: Sendable {
    private let time: Mutex<Date>

    /// - Parameter start: by default 2026-03-02 09:00 UTC, a Monday without a holiday.
    package init(_ start: Date = Date(timeIntervalSince1970: 1_772_442_000)) {
        time = Mutex(start)
    }

    package var clock: ProgrammeClock { ProgrammeClock { [self] in now() } }
    package func now() -> Date { time.withLock { $0 } }
    package func set(_ new: Date) { time.withLock { $0 = new } }
    package func advance(by duration: Duration) { time.withLock { $0 += duration / .seconds(1) } }
}
