import FeedbackDomain
import FoundationEssentials

/// A message of an outside publisher on its way through the intake.
struct InboundMessage: Sendable {
    /// What was read of it. An object, since messages go through several lists.
    private final class Reading: Sendable {
        let identity: EventIdentity
        let key: UUID
        let isIdentified: Bool
        let content: Result<Submission, Refusal>
        let contentHash: [UInt8]
        let body: [UInt8]
        let clockAt: Date

        init(
            identity: EventIdentity, isIdentified: Bool, content: Result<Submission, Refusal>, contentHash: [UInt8],
            body: [UInt8], clockAt: Date
        ) {
            self.identity = identity
            key = identity.key
            self.isIdentified = isIdentified
            self.content = content
            self.contentHash = contentHash
            self.body = body
            self.clockAt = clockAt
        }
    }

    private let reading: Reading
    var identity: EventIdentity { reading.identity }
    /// Of the identity.
    var key: UUID { reading.key }
    /// Whether the message named itself; otherwise the identity was made from its bytes.
    var isIdentified: Bool { reading.isIdentified }
    var content: Result<Submission, Refusal> { reading.content }
    /// Of what it says, by the ``ContentKey``.
    var contentHash: [UInt8] { reading.contentHash }
    /// As it came, or as it was kept. What may be kept of it is a ``KeptCopy``.
    var body: [UInt8] { reading.body }
    /// The programme's time on arrival.
    var clockAt: Date { reading.clockAt }
    /// Set when it waited and is looked at again.
    var waiting: WaitingPlace?
    /// Set when its sender waits for the receipt: its place among those of one request. No message is sent then.
    var answerPlace: Int?
    /// Whether a message with the receipt is sent even so.
    var isAnsweredTwice = false
    /// Set when it was refused and is judged again.
    var quarantined: QuarantinePlace?

    init(
        identity: EventIdentity, isIdentified: Bool, content: Result<Submission, Refusal>, contentHash: [UInt8],
        body: [UInt8], clockAt: Date
    ) {
        reading = Reading(
            identity: identity, isIdentified: isIdentified, content: content, contentHash: contentHash, body: body,
            clockAt: clockAt)
    }

    var publisher: String { identity.publisher }
    var submission: Submission? { try? content.get() }

    /// The same message, to be refused without another look at it: it made the database fail.
    var poisoned: InboundMessage {
        var message = InboundMessage(
            identity: identity, isIdentified: isIdentified, content: .failure(.ourFault), contentHash: contentHash,
            body: body, clockAt: clockAt)
        message.waiting = waiting
        message.answerPlace = answerPlace
        message.isAnsweredTwice = isAnsweredTwice
        message.quarantined = quarantined
        return message
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
