import Postgres

/// What an error of the intake asks for.
enum IntakeFailure {
    /// The database is not there, or not as it must be: wait, however long it takes.
    case outage
    /// We are being stopped.
    case stop
    /// One of the messages, or our handling of it, is at fault.
    case messages

    init(_ error: any Error) {
        switch error {
        case is CancellationError: self = .stop
        case is IdentityRace: self = .outage
        case let error as PostgresError: self.init(error)
        default: self = .messages
        }
    }

    private init(_ error: PostgresError) {
        switch error.code {
        case .connectionLost, .connectionRefused, .deadlineExceeded, .poolExhausted, .commitUnknown, .configuration:
            self = .outage
        case .cancelled, .poolClosed: self = .stop
        case .decoding: self = .messages
        case .server: self = error.isRetriable || !Self.isAboutData(error.sqlState) ? .outage : .messages
        }
    }

    /// Values that do not fit (22), constraints (23), limits (54), a trigger's exception (P0). A missing table or
    /// privilege is no message's fault: taking it for one would empty the queue into the quarantine.
    private static func isAboutData(_ sqlState: String?) -> Bool {
        guard let sqlState else { return false }
        return ["21", "22", "23", "54", "P0"].contains { sqlState.hasPrefix($0) }
    }
}
