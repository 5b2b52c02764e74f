package import HTTPDefaults
import Observability
package import Outbox

extension MaillageContext {
    /// What the events of this request name as their cause: the request's id and its trace.
    package var cause: EventCause { .request(id: requestID, traceparent: trace.traceparent) }
}
