import Synchronization

/// What a contract found, in the order of finding.
final class Notes: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Holds those who come until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A transaction that was to fail.
struct Undone: Error {}

extension SimulatedWorld {
    /// Runs a contract on a model.
    func play(_ contract: @escaping @Sendable () async throws -> [String]) throws -> [String] {
        try run { () -> Result<[String], any Error> in
            do { return .success(try await contract()) } catch { return .failure(error) }
        }.get()
    }
}
