/// A request whose answer is awaited.
struct Operation {
    typealias Continuation = CheckedContinuation<Result<Answer, PostgresError>, Never>

    /// The answers that the server owes, in their order. Statements carry their place in the list.
    enum Step {
        case begin, commit, rollback, sync
        case prepare(PreparedStatement, Int)
        case execute(PreparedStatement, Int)
    }

    /// What the operation waits for.
    enum Phase {
        case results
        /// The socket, to take what was written.
        case flush
        /// Rows of a COPY.
        case copiedRows
        /// Every answer is there; only a cancellation on its way may still hold it back.
        case complete
    }

    struct Interruption {
        let code: PostgresError.Code
        let cancellation: ServerCancellation
        /// When the server has had its chance, in ``monotonicNanoseconds()``.
        let patienceEnds: UInt64
    }

    let number: UInt64
    let request: Request
    let startedAt: UInt64
    let continuation: Continuation
    var phase = Phase.results
    var steps: [Step] = []
    var position = 0
    var isFlushed = false
    /// How many tables' rows were sent.
    var loadedCount = 0
    var answer = Answer()
    var failure: PostgresError?
    var interruption: Interruption?

    init(number: UInt64, request: Request, startedAt: UInt64, continuation: Continuation) {
        self.number = number
        self.request = request
        self.startedAt = startedAt
        self.continuation = continuation
        switch request.work {
        case .statements, .script, .load, .copyStart, .copyEnd: phase = .results
        case .copyData: phase = .flush
        case .copyRead, .copyDrain: phase = .copiedRows
        }
    }

    var deadline: UInt64 { startedAt &+ request.timeout.nanoseconds }
    var isComplete: Bool { phase == .complete }
    var awaiting: Step? { position < steps.count ? steps[position] : nil }

    /// Scripts and COPY exist outside the pipeline mode only.
    var isOutsidePipeline: Bool {
        if case .statements = request.work { false } else { true }
    }

    /// Keeps the first failure, and of several statements names the one that failed.
    mutating func note(_ error: PostgresError) {
        guard failure == nil else { return }
        failure = error
        guard case .statements(let list) = request.work, list.queries.count > 1 || list.commits else { return }
        switch awaiting {
        case .prepare(_, let place), .execute(_, let place):
            let words = "statement \(place + 1) of \(list.queries.count) (\(list.queries[place].summary))"
            failure = error.at(words)
        case .begin, .commit, .rollback, .sync, nil: break
        }
    }

    var result: Result<Answer, PostgresError> {
        guard let failure else {
            guard let interruption else { return .success(answer) }
            // PostgreSQL does not undo a COMMIT that is asked to end while it waits for its standby, it only stops
            // waiting: what is committed here may be missing there.
            if request.commits { return .failure(PostgresError(.commitUnknown, reason: "COMMIT was interrupted")) }
            return request.isCopyStep ? .failure(PostgresError(interruption.code)) : .success(answer)
        }
        // The server tells all cancellations alike (57014); only we know who asked for this one.
        guard failure.sqlState == "57014", let interruption else { return .failure(failure) }
        return .failure(failure.with(interruption.code))
    }

    /// The outcome when the connection is gone.
    /// - Parameter detail: libpq's words.
    func resultWhenLost(detail: String) -> Result<Answer, PostgresError> {
        guard !isComplete else { return result }
        // A statement that failed kept the server from running the COMMIT behind it. An error without a state is
        // libpq's own word for the lost connection.
        if let failure, failure.code == .server, failure.sqlState != nil { return .failure(failure) }
        let isUnknown = request.codeWhenLost == .commitUnknown
        let code = isUnknown ? .commitUnknown : interruption?.code ?? request.codeWhenLost
        let words = [failure?.detail, detail].compactMap { $0 }.joined(separator: " / ")
        return .failure(PostgresError(code, sqlState: failure?.sqlState, detail: words))
    }
}

/// Names one run of a transaction's closure to its connection, which begins it with the first statement.
struct TransactionToken: Sendable {
    let number: UInt64
    let isolation: PostgresIsolation
}

/// The isolation levels of PostgreSQL; the retries of ``PostgresPool/withTransaction(isolation:attempts:_:)`` make the
/// two stricter ones usable.
package enum PostgresIsolation: Sendable {
    case readCommitted, repeatableRead, serializable

    var begin: StaticString {
        switch self {
        case .readCommitted: "BEGIN"  // the default of our sessions
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}
