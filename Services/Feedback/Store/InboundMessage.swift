import FeedbackDomain
import FoundationEssentials

/// A message of an outside publisher on its way through the intake.
struct InboundMessage: Sendable {
    let identity: EventIdentity
    /// Whether the message named itself; otherwise the identity was made from its bytes.
    let isIdentified: Bool
    let content: Result<Submission, Refusal>
    /// Of what it says, by the ``ContentKey``.
    let contentHash: [UInt8]
    /// As it came, or as it was kept. What may be kept of it is a ``KeptCopy``.
    let body: [UInt8]
    /// The programme's time on arrival.
    let clockAt: Date
    /// Set when it waited and is looked at again.
    var waiting: WaitingPlace?
    /// Set when its sender waits for the receipt: its place among those of one request. No message is sent then.
    var answerPlace: Int?
    /// Whether a message with the receipt is sent even so.
    var isAnsweredTwice = false
    /// Set when it was refused and is judged again.
    var quarantined: QuarantinePlace?

    var publisher: String { identity.publisher }
    var submission: Submission? { try? content.get() }

    /// The same message, to be refused without another look at it: it made the database fail.
    var poisoned: InboundMessage {
        InboundMessage(
            identity: identity, isIdentified: isIdentified, content: .failure(.ourFault), contentHash: contentHash,
            body: body, clockAt: clockAt, waiting: waiting, answerPlace: answerPlace,
            isAnsweredTwice: isAnsweredTwice, quarantined: quarantined)
    }
}

extension Sequence<InboundMessage> {
    /// Whether one of them corrects another event, or takes it back.
    var referToOthers: Bool { contains { $0.submission?.amends != nil } }
}

/// A row that has to be there is not: nothing of what was to be written is.
struct InternalError: Error, CustomStringConvertible {
    let description: String
}

extension Refusal {
    /// Nothing is wrong with the event that we could name.
    static let ourFault = Refusal(
        .internalError,
        mend: "the fault is ours and the operator was told; the event may be sent again under a new id")
}

extension Refusal {
    static let experimentNotAllowed = Refusal(
        .experimentNotAllowed, at: "/data/experiment",
        mend: "this publisher is not registered for the experiment; ask the operator to add it")
}

/// Where a message waits.
struct WaitingPlace: Sendable {
    let position: Int64
    /// Whether it waited long enough.
    let isExpired: Bool
}

/// Where a refused message lies.
struct QuarantinePlace: Sendable {
    let position: Int64
    /// Whether its refusal is the verdict on its identity. One that found no identity free, or could not be read, is
    /// judged like a new one.
    var holdsIdentity = true
    /// Why it was refused, where its identity does not say so.
    var reason: String?
    /// Of the bytes that lie there, by the ``ContentKey``, where they may have been taken for the content.
    var bodyHash: [UInt8]?
}

/// What the store remembers of an event that came before.
struct KnownIdentity: Sendable {
    enum Outcome: String, Sendable {
        case accepted
        case waiting
        case refused
        case excluded
    }

    let contentHash: [UInt8]
    let outcome: Outcome
    /// Slug of the refusal or exclusion.
    let reason: String?
    /// That it belongs to; of a correction that does not count, the one that it corrects; of a second answer, the one
    /// that stands.
    let response: UUID?

    var event: KnownEvent {
        switch outcome {
        case .accepted: response.map { .accepted(response: $0) } ?? .refused(response: nil)
        case .waiting: .waiting
        // Whoever takes back a second answer does not mean the first.
        case .refused where reason == Refusal.Reason.alreadyAnswered.rawValue: .refused(response: nil)
        case .refused, .excluded: .refused(response: response)
        }
    }
}
