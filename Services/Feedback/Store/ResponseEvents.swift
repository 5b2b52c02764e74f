import Events
import FeedbackDomain
import FoundationEssentials
import Outbox

/// What is told of some responses, and which event tells which version: an erasure has to find it again.
struct ResponseEvents: Sendable {
    private struct Version: Hashable {
        let response: UUID
        let number: Int

        init(_ response: PlannedResponse) {
            self.response = response.accepted.response
            number = response.accepted.version
        }
    }

    private(set) var events: [NewEvent] = []
    private var ids: [Version: UUID] = [:]
    /// The programme's.
    private let time: Date
    private let cause: EventCause

    /// New responses of an experiment share events; every later version has its own.
    init(_ responses: [PlannedResponse], time: Date, cause: EventCause) {
        self.time = time
        self.cause = cause
        ids.reserveCapacity(responses.count)
        var first: [UUID: [PlannedResponse]] = [:]
        for response in responses where response.accepted.version == 1 {
            first[response.submission.experiment, default: []].append(response)
        }
        for (experiment, responses) in first.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            for range in EventSplit.responses.ranges(byteCounts: responses.map(\.byteCountMax)) {
                let part = Array(responses[range])
                let recorded = ResponsesRecorded(
                    experiment: experiment, items: part.map(\.item), personal: part.compactMap(\.values))
                tell(recorded, of: part)
            }
        }
        for response in responses where response.accepted.version > 1 { tellChange(response) }
    }

    /// nil for a version that is none of these.
    func id(of response: PlannedResponse) -> UUID? { ids[Version(response)] }

    private mutating func tellChange(_ response: PlannedResponse) {
        let experiment = response.submission.experiment
        let item = response.item
        switch response.accepted.standing {
        case .valid:
            tell(ResponseAmended(experiment: experiment, item: item, personal: response.values), of: [response])
        case .retracted: tell(ResponseRetracted(experiment: experiment, item: item), of: [response])
        case .excluded:
            let reason = if case .fact(let reason) = response.origin { reason } else { "" }
            tell(ResponseExcluded(experiment: experiment, item: item, reason: reason), of: [response])
        }
    }

    private mutating func tell(_ payload: some EventPayload, of responses: [PlannedResponse]) {
        guard let experiment = responses.first?.submission.experiment else { return }
        let event = NewEvent(
            payload, subject: experiment.lowercase, time: time, actor: EventOwner.feedback.rawValue, cause: cause)
        events.append(event)
        for response in responses { ids[Version(response)] = event.id }
    }
}
