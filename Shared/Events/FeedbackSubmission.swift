/// What an outside publisher sends, and what it gets back: the contract of the outsiders' virtual host.
///
/// A submission is a CloudEvents 1.0 message in structured JSON. `source` and `id` are the publisher's own; together
/// with the queue that the message came through they are the identity of the event.
package enum FeedbackSubmission {
    /// A new response; `data` is ``Response``.
    package static let submitted = "maillage.response.submitted.v1"
    /// A correction of an earlier response; `data` is ``Response`` with `amends`.
    package static let amended = "maillage.response.amended.v1"
    /// Takes a response back; `data` is ``Retraction``.
    package static let retracted = "maillage.response.retracted.v1"
    /// What comes back, in batches; `data` is ``Receipts``.
    package static let receipts = "maillage.receipts.issued.v1"

    /// The longest message that is looked at.
    package static let byteCountMax = 65_536

    /// The publisher's exchange (fanout) and queue carry the same name; nobody else may write there, so the queue that
    /// a message came through says who sent it, whatever the message claims.
    package static func queue(of publisher: String) -> String { "feedback.in.\(publisher)" }

    /// The queue that the publisher alone may read.
    package static func receiptsQueue(of publisher: String) -> String { "feedback.receipts.\(publisher)" }

    /// Where the broker puts what the intake was given too often.
    package static let deadQueue = "feedback.dead"

    /// The publisher whose queue this is; nil when it is no such queue.
    package static func publisher(ofQueue name: String) -> String? {
        let prefix = queue(of: "")
        let publisher = name.dropFirst(prefix.count)
        guard name.hasPrefix(prefix), (2...40).contains(publisher.utf8.count),
            publisher.utf8.allSatisfy({ byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            })
        else { return nil }
        return String(publisher)
    }

    package struct Response: Codable, Sendable, Equatable {
        /// UUID of the experiment.
        package var experiment: String
        /// The code that the site gave out at enrolment.
        package var participant: String
        /// As the protocol names it, such as `SUS`.
        package var instrument: String
        /// The time of measure that the protocol names, such as `M3`.
        package var occasion: String
        /// One level for each item of the instrument, null where left out. SUS: ten levels 1 to 5.
        package var answers: [Int?]
        /// At most 4,000 characters. It never leaves the feedback service.
        package var comment: String?
        /// The `id` of the event that this one corrects; only in amended.
        package var amends: String?

        package init(
            experiment: String, participant: String, instrument: String, occasion: String, answers: [Int?],
            comment: String? = nil, amends: String? = nil
        ) {
            self.experiment = experiment
            self.participant = participant
            self.instrument = instrument
            self.occasion = occasion
            self.answers = answers
            self.comment = comment
            self.amends = amends
        }
    }

    /// `data` of a retraction: which response is taken back. It holds no answers.
    package struct Retraction: Codable, Sendable, Equatable {
        /// UUID of the experiment.
        package var experiment: String
        package var participant: String
        package var instrument: String
        package var occasion: String
        /// The `id` of the event that is taken back, or of a correction of it.
        package var retracts: String

        package init(experiment: String, participant: String, instrument: String, occasion: String, retracts: String) {
            self.experiment = experiment
            self.participant = participant
            self.instrument = instrument
            self.occasion = occasion
            self.retracts = retracts
        }
    }

    package enum ReceiptOutcome: String, Codable, Sendable, CaseIterable {
        /// Counted.
        case accepted
        /// The same event came before; nothing changed.
        case duplicate
        /// Kept until what it refers to is known, at most 24 hours.
        case waiting
        /// Not counted; `reason`, `field` and `mend` say why and what would help.
        case refused
        /// It was counted until a fact came late that speaks against it; with reason, field and mend as `refused`.
        case excluded
    }

    package struct Receipt: Codable, Sendable, Equatable {
        /// As sent; empty where the message was too broken to tell.
        package var source: String
        package var id: String
        package var outcome: ReceiptOutcome
        /// A stable slug.
        package var reason: String?
        package var field: String?
        package var mend: String?

        package init(
            source: String, id: String, outcome: ReceiptOutcome, reason: String? = nil, field: String? = nil,
            mend: String? = nil
        ) {
            self.source = source
            self.id = id
            self.outcome = outcome
            self.reason = reason
            self.field = field
            self.mend = mend
        }
    }

    package struct Receipts: Codable, Sendable, Equatable {
        package var publisher: String
        package var receipts: [Receipt]

        package init(publisher: String, receipts: [Receipt]) {
            self.publisher = publisher
            self.receipts = receipts
        }
    }
}
