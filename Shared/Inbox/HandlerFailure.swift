import FoundationEssentials
import Postgres

/// An error with the event that caused it.
struct HandlerFailure: Error {
    /// nil when a whole batch may be at fault.
    let eventID: UUID?
    let error: any Error

    /// For the dead letter. An unknown error's text may hold values of rows, so only its type is told.
    var permanent: PermanentFailure {
        switch error {
        case let failure as PermanentFailure: failure
        case let error as PostgresError: PermanentFailure(class: "database", reason: error.description)
        default: PermanentFailure(class: "handler", reason: "\(Swift.type(of: error))")
        }
    }
}

/// An error for the log. An unknown one's text may hold values of rows, so only its type is told.
func describe(_ error: any Error) -> String {
    (error as? PostgresError)?.description ?? "\(Swift.type(of: error))"
}

/// What an error asks for.
enum FailureKind {
    /// Another transaction or a timeout was in the way: try again, not for ever.
    case conflict
    /// The database is not there: try again for as long as it takes.
    case outage
    /// We are being stopped.
    case stop
    /// The event, or our handling of it, is at fault.
    case permanent

    init(_ error: any Error) {
        switch error {
        case is CancellationError: self = .stop
        case let failure as HandlerFailure: self.init(failure.error)
        case let error as PostgresError: self.init(error)
        default: self = .permanent
        }
    }

    private init(_ error: PostgresError) {
        switch error.code {
        case .connectionLost, .connectionRefused, .poolExhausted, .commitUnknown: self = .outage
        case .deadlineExceeded: self = .conflict
        case .cancelled, .poolClosed: self = .stop
        case .server where error.isRetriable: self = error.meansOutage ? .outage : .conflict
        case .server, .decoding, .configuration: self = .permanent
        }
    }
}
