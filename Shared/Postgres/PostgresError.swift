/// What went wrong between us and PostgreSQL.
///
/// `description` may be logged and shown: it has the code, the SQLSTATE and the constraint, and never text that could
/// hold values of a row. The server's own words, which often do, are in `debugDescription` alone.
package struct PostgresError: Error {
    package enum Code: String, Sendable {
        /// The server refused the statement; ``PostgresError/sqlState`` says why.
        case server
        /// The connection was lost, and nothing of the transaction was committed.
        case connectionLost
        /// No connection could be opened: nobody listens, wrong credentials, no answer in time.
        case connectionRefused
        /// The statement took longer than its time and had no effect.
        case deadlineExceeded
        /// The task was cancelled, and the statement had no effect.
        case cancelled
        /// The connection was lost after a commit had been sent: nobody knows whether it happened.
        case commitUnknown
        /// Every connection of the pool was lent for as long as the caller could wait.
        case poolExhausted
        /// The pool is closing or closed.
        case poolClosed
        /// A value of the result does not have the form that the caller asked for.
        case decoding
        /// The program is at fault: connection string, use of a session after its closure, a row that is not as
        /// COPY announced it.
        case configuration
    }

    package let code: Code
    /// The five characters of appendix A of PostgreSQL's manual, when the server answered.
    package let sqlState: String?
    /// The violated constraint, when the error is about one.
    package let constraint: String?
    /// Our own words, without values.
    package let reason: String?
    /// The server's words, which may hold values of rows.
    let detail: String?
    /// Nothing was sent to the server, so that the same may be sent again on another connection.
    let isUnsent: Bool

    init(
        _ code: Code, sqlState: String? = nil, constraint: String? = nil, reason: String? = nil, detail: String? = nil
    ) {
        self.code = code
        self.sqlState = sqlState
        self.constraint = constraint
        self.reason = reason
        self.detail = detail
        isUnsent = false
    }

    private init(_ error: PostgresError, code: Code, reason: String?, isUnsent: Bool) {
        self.code = code
        sqlState = error.sqlState
        constraint = error.constraint
        self.reason = reason
        detail = error.detail
        self.isUnsent = isUnsent
    }

    func with(_ code: Code) -> PostgresError { PostgresError(self, code: code, reason: reason, isUnsent: isUnsent) }
    func unsent() -> PostgresError { PostgresError(self, code: code, reason: reason, isUnsent: true) }
    /// - Parameter place: where it happened, without values.
    func at(_ place: String) -> PostgresError {
        PostgresError(
            self, code: code, reason: [place, reason].compactMap { $0 }.joined(separator: ": "), isUnsent: isUnsent)
    }

    /// Whether the whole transaction may succeed when it is run again, at once or a little later.
    package var isRetriable: Bool {
        switch code {
        case .connectionLost, .connectionRefused, .deadlineExceeded, .poolExhausted: true
        case .cancelled, .commitUnknown, .poolClosed, .decoding, .configuration: false
        case .server: isTransactionConflict || isStalePlan || hasTransientState
        }
    }

    /// A row with this key is there already.
    package var isUniqueViolation: Bool { sqlState == "23505" }

    /// Serialisation failure or deadlock: the transaction lost against another one and may win next time.
    package var isTransactionConflict: Bool { sqlState == "40001" || sqlState == "40P01" }

    /// The prepared statement is gone or its result type changed under it, because of a migration or a pooler between
    /// us.
    var isStalePlan: Bool {
        sqlState == "26000" || (sqlState == "0A000" && detail?.contains("cached plan") == true)
    }

    /// The server does not write: it became a standby, or was set read-only.
    var meansReadOnlyServer: Bool { sqlState == "25006" }

    /// Nothing of the transaction was done and another server may do it.
    var mayMove: Bool { code == .connectionLost || meansReadOnlyServer }

    /// The server goes down, has ended this connection because it was silent in a transaction (25P03), or may not
    /// write: the connection is of no further use.
    var endsConnection: Bool {
        guard let sqlState else { return false }
        return meansReadOnlyServer || sqlState == "25P03" || sqlState.hasPrefix("57P") || sqlState.hasPrefix("08")
    }

    /// The server is out of a resource, or this connection has ended: the statement is not at fault.
    package var meansOutage: Bool { sqlState?.hasPrefix("53") == true || endsConnection }

    /// Lock not available, or an outage.
    private var hasTransientState: Bool { sqlState == "55P03" || meansOutage }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        var text = "PostgresError.\(code.rawValue)"
        if let sqlState { text += " [\(sqlState)]" }
        if let constraint { text += " constraint \(constraint)" }
        if let reason { text += ": \(reason)" }
        return text
    }

    package var debugDescription: String { detail.map { "\(description): \($0)" } ?? description }
}
