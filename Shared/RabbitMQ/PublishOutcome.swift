/// What became of a published message.
package enum PublishOutcome: Sendable, Equatable {
    /// Every queue that it was routed to has it on disk.
    case confirmed
    /// No queue took it (code 312), or it cannot be sent at all (501, 311: a name or the headers are too long).
    case returned(code: Int, reason: String)
    /// A queue refused it (full, or an internal error). Others may have stored it: publishing again makes a duplicate
    /// there.
    case nacked
    /// Nobody can say: the connection, the channel or the deadline ended before the confirm. Publish again; listeners
    /// drop duplicates.
    case unknown(String)
}
