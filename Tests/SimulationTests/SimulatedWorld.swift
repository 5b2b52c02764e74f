import Synchronization
import TestSupport

/// Runs tasks of the real code one piece at a time, in an order that a seed chooses, on a clock of its own: the same
/// seed is the same run, and hours of waiting take no time.
///
/// It is the executor that its tasks prefer, so everything between two suspensions of a task is one step. Code under
/// simulation must not wait for anything outside, such as `Task.sleep`.
final class SimulatedWorld: TaskExecutor {
    /// Nothing can happen any more, and the work is not done.
    struct Stuck: Error, CustomStringConvertible {
        let description: String
    }

    private struct Timer {
        let ticket: UInt64
        let at: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var chance: Chance
        var jobs: [UnownedJob] = []
        var timers: [Timer] = []
        var lastTicket: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var elapsed = Duration.zero
        var stepCount = 0
    }

    private static let stepCountMax = 400_000
    private static let elapsedMax = Duration.seconds(3_600)

    private let start = ContinuousClock.now
    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(chance: Chance(seed: seed))) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    // MARK: What simulated code calls

    /// Simulated; only differences mean something.
    var now: ContinuousClock.Instant { start + elapsed }
    var elapsed: Duration { state.withLock { $0.elapsed } }

    func number(_ range: ClosedRange<Int>) -> Int { state.withLock { $0.chance.number(range) } }
    func happens(onceIn count: Int) -> Bool { state.withLock { $0.chance.happens(onceIn: count) } }
    func shuffled<Element: Sendable>(_ elements: [Element]) -> [Element] {
        state.withLock { $0.chance.shuffled(elements) }
    }

    /// Others may go on before this does: a round trip to a server.
    func pause() async { await Task.yield() }

    func sleep(for duration: Duration) async throws {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard state.cancelled.remove(ticket) == nil else { return true }
                    let at = state.elapsed + max(duration, .zero)
                    state.timers.append(Timer(ticket: ticket, at: at, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let timer = state.withLock { state -> Timer? in
                guard let index = state.timers.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil
                }
                return state.timers.remove(at: index)
            }
            timer?.continuation.resume(throwing: CancellationError())
        }
    }

    // MARK: Running

    /// Runs until the body and all its child tasks have ended. Blocks the caller's thread.
    /// - Throws: ``Stuck`` when everybody waits for somebody, or when the time is up.
    func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) throws -> Result {
        let outcome = Mutex<Result?>(nil)
        let root = Task(executorPreference: self) {
            let result = await body()
            outcome.withLock { $0 = result }
        }
        defer { root.cancel() }
        while true {
            if let result = outcome.withLock({ $0 }) { return result }
            if let job = nextJob() {
                unsafeRun(job)
            } else if !wakeNext() {
                throw Stuck(description: "everybody waits for somebody after \(elapsed)")
            }
            let (steps, elapsed) = state.withLock { ($0.stepCount, $0.elapsed) }
            guard steps < Self.stepCountMax, elapsed < Self.elapsedMax else {
                throw Stuck(description: "no end after \(steps) steps and \(elapsed)")
            }
        }
    }

    private func unsafeRun(_ job: UnownedJob) { job.runSynchronously(on: asUnownedTaskExecutor()) }

    private func nextJob() -> UnownedJob? {
        state.withLock { state in
            guard !state.jobs.isEmpty else { return nil }
            state.stepCount += 1
            return state.jobs.remove(at: state.chance.number(0...(state.jobs.count - 1)))
        }
    }

    /// Time passes only when nobody can go on.
    private func wakeNext() -> Bool {
        let timer = state.withLock { state -> Timer? in
            guard let next = state.timers.indices.min(by: { state.timers[$0].at < state.timers[$1].at }) else {
                return nil
            }
            let timer = state.timers.remove(at: next)
            state.elapsed = max(state.elapsed, timer.at)
            return timer
        }
        timer?.continuation.resume()
        return timer != nil
    }
}
