/// What set an event off: it ties the events of one piece of work together across the services.
package struct EventCause: Sendable, Equatable {
    /// The same for everything that one request set off, at most 255 bytes.
    package let correlationID: String
    /// The event or command that was the immediate cause.
    package let causationID: String?
    /// W3C Trace Context.
    package let traceparent: String?

    package init(correlationID: String, causationID: String? = nil, traceparent: String? = nil) {
        self.correlationID = StoredText.clean(correlationID)
        self.causationID = causationID.map { StoredText.clean($0) }
        self.traceparent = traceparent.map { StoredText.clean($0) }
    }

    /// A request over HTTP.
    package static func request(id: String, traceparent: String?) -> EventCause {
        EventCause(correlationID: id, causationID: id, traceparent: traceparent)
    }
}
