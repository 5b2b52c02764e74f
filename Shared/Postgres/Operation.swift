/// What a connection is asked to do.
struct Request {
    enum Work {
        /// An extended-protocol statement, with BEGIN before it in the same round trip when asked.
        case statement(PostgresQuery, begins: PostgresIsolation?)
        case command(StaticString)
        /// Several statements in the simple protocol.
        case script(String)
    }

    let work: Work
    let timeout: Duration
    /// Whether the end of the task or of the time asks the server to cancel; otherwise the connection is cut at the end
    /// of the time, for a COMMIT that was cancelled may have happened.
    let isCancellable: Bool
    /// What it means when the connection goes while the answer is awaited.
    let codeWhenLost: PostgresError.Code
}

/// A request whose answer is awaited.
struct Operation {
    typealias Continuation = CheckedContinuation<Result<PostgresRows, PostgresError>, Never>

    /// The answers that the server owes, in their order.
    enum Step { case begin, prepare, execute, sync }

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
    var awaiting: Step
    var prepares = false
    var statement: PreparedStatement?
    var isFlushed = false
    /// Every answer is there; only a cancellation on its way may still hold it back.
    var isComplete = false
    var rows: PostgresRows?
    var failure: PostgresError?
    var interruption: Interruption?

    var deadline: UInt64 { startedAt &+ request.timeout.nanoseconds }

    var isScript: Bool {
        if case .script = request.work { true } else { false }
    }

    /// Goes on to the next answer.
    mutating func advance() {
        switch awaiting {
        case .begin: awaiting = prepares ? .prepare : .execute
        case .prepare: awaiting = .execute
        case .execute, .sync: awaiting = .sync
        }
    }

    var result: Result<PostgresRows, PostgresError> {
        guard let failure else { return .success(rows ?? PostgresRows(affectedCount: 0)) }
        // The server tells all cancellations alike (57014); only we know who asked for this one.
        guard failure.sqlState == "57014", let interruption else { return .failure(failure) }
        return .failure(failure.with(interruption.code))
    }

    /// The outcome when the connection is gone.
    /// - Parameter detail: libpq's words.
    func resultWhenLost(detail: String) -> Result<PostgresRows, PostgresError> {
        guard !isComplete else { return result }
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
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}
