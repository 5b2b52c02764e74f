/// What went wrong between us and the broker. The description may be logged: it names objects, never a credential or
/// the content of a message.
package struct RabbitMQError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No broker answered at the address.
        case connectionRefused
        /// The broker answered and refused the user, the password or the virtual host.
        case authenticationFailed
        /// The broker's certificate proves nothing, or something else than it should.
        case certificateRefused
        /// The connection ended: closed by the broker, cut, or silent for two heartbeats.
        case connectionLost
        /// An operation did not end in its time; the connection was given up with it.
        case deadlineExceeded
        /// The broker closed the channel for a reason that has no code of its own here.
        case channelClosed
        /// 404: the queue or exchange does not exist.
        case notFound
        /// 406: the object exists with other properties, or is in use.
        case preconditionFailed
        /// 403: the user lacks the permission.
        case accessRefused
        /// Our own configuration or argument is wrong; nothing was sent.
        case configuration
    }

    package let code: Code
    /// For people; names the object where there is one.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// Whether the same call may succeed later without anybody changing the configuration.
    package var isRetriable: Bool {
        switch code {
        case .connectionRefused, .connectionLost, .deadlineExceeded, .channelClosed: true
        case .authenticationFailed, .certificateRefused, .notFound, .preconditionFailed, .accessRefused,
            .configuration:
            false
        }
    }

    package var description: String { "\(code.rawValue): \(reason)" }

    /// Whether the connection outlives the error: the broker answers these by closing the channel alone.
    var leavesConnectionOpen: Bool {
        switch code {
        case .channelClosed, .notFound, .preconditionFailed, .accessRefused: true
        default: false
        }
    }

    func about(_ object: String) -> RabbitMQError { RabbitMQError(code, "\(object): \(reason)") }
}
