/// What a connection is asked to do.
struct Request {
    enum Work {
        /// Extended-protocol statements that share one round trip.
        case statements(StatementList)
        /// Several statements in the simple protocol.
        case script(String)
        /// One COPY after the other, each with all its rows, which are sent when the server asks for them.
        case load(commands: String, rows: [[UInt8]])
        /// COPY, which leaves the connection in the hands of the other copy steps.
        case copyStart(String)
        /// Done as soon as the socket has taken the bytes.
        case copyData([UInt8])
        case copyEnd(isAborted: Bool)
        /// Some of the rows that the server sends.
        case copyRead
        /// Asks the server to stop, and throws away what still comes.
        case copyDrain
    }

    let work: Work
    let timeout: Duration
    /// Whether the end of the task or of the time asks the server to cancel; otherwise the connection is cut at the end
    /// of the time, for a COMMIT that was cancelled may have happened.
    let isCancellable: Bool
    /// What it means when the connection goes while the answer is awaited.
    let codeWhenLost: PostgresError.Code

    /// A step of a COPY after its start.
    var isCopyStep: Bool {
        switch work {
        case .copyData, .copyEnd, .copyRead, .copyDrain: true
        case .statements, .script, .load, .copyStart: false
        }
    }

    /// Whether it commits, so that only the answer tells what happened.
    var commits: Bool {
        if case .statements(let list) = work { list.commits } else { false }
    }
}

/// Statements that are sent without waiting for each one's answer. The first that fails keeps the server from running
/// those behind it, BEGIN and COMMIT among them.
struct StatementList {
    /// BEGIN goes before the statements.
    var isolation: PostgresIsolation?
    var queries: [PostgresQuery] = []
    /// COMMIT goes behind them.
    var commits = false
    /// ROLLBACK, alone.
    var rollsBack = false

    /// Bounds for what libpq keeps in memory until the socket has taken it.
    static let countMax = 1_000
    static let bytesMax = 64 << 20

    /// - Throws: `.configuration` when the statements are too many or too big for one round trip.
    static func check(_ queries: [PostgresQuery]) throws(PostgresError) {
        guard queries.count <= countMax, queries.count < 2 || queries.reduce(0, { $0 + $1.byteCount }) <= bytesMax
        else {
            let limits = "\(countMax) statements and \(bytesMax >> 20) MiB"
            throw PostgresError(.configuration, reason: "a pipeline holds at most \(limits)").unsent()
        }
    }
}

/// What a request brought.
struct Answer {
    enum Copy { case goesIn, goesOut }

    /// One element per statement.
    var rows: [PostgresRows] = []
    /// The way of the COPY that has begun.
    var copy: Copy?
    /// Bytes of rows of a COPY.
    var chunk: [UInt8] = []
}
