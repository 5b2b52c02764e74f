package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// Who sent an event and what they call it: unique for ever.
package struct EventIdentity: Hashable, Sendable {
    /// Known from the queue that the message came through, never from what it claims.
    package let publisher: String
    package let source: String
    package let id: String

    package init(publisher: String, source: String, id: String) {
        self.publisher = publisher
        self.source = source
        self.id = id
    }
}

/// What a message says, once it can be read: a response, or the correction of one.
package struct Submission: Sendable, Equatable {
    package static let commentCharacterCountMax = 4000

    package var identity: EventIdentity
    /// As the publisher says.
    package var answeredAt: Date
    /// The `id` of the event that this one corrects; nil for a new response.
    package var amends: String?
    package var experiment: UUID
    /// The code that the site gave out.
    package var pseudonym: String
    package var instrument: String
    package var occasion: String
    package var answers: [Int?]
    package var comment: String?

    package init(
        identity: EventIdentity, answeredAt: Date, amends: String? = nil, experiment: UUID, pseudonym: String,
        instrument: String, occasion: String, answers: [Int?], comment: String? = nil
    ) {
        self.identity = identity
        self.answeredAt = answeredAt
        self.amends = amends
        self.experiment = experiment
        self.pseudonym = pseudonym
        self.instrument = instrument
        self.occasion = occasion
        self.answers = answers
        self.comment = comment
    }

    package var participantKey: ParticipantKey { ParticipantKey(experiment: experiment, pseudonym: pseudonym) }

    /// The corrected event: a publisher can only name events of its own source.
    package var amended: EventIdentity? {
        amends.map { EventIdentity(publisher: identity.publisher, source: identity.source, id: $0) }
    }

    /// What makes two messages the same event, whatever the order of their members: every part with its length, so that
    /// no two submissions share a text.
    package var canonicalContent: String {
        let parts = [
            amends ?? "-", "\(Int64((answeredAt.timeIntervalSince1970 * 1000).rounded()))", experiment.uuidString,
            pseudonym,
            instrument, occasion, AnswerText.of(answers), comment ?? "-",
        ]
        let flags = "\(amends == nil ? 0 : 1)\(comment == nil ? 0 : 1)"
        return parts.reduce(into: flags) { $0 += "|\($1.utf8.count):\($1)" }
    }
}

/// Answers as JSON text, `[5,1,null]`: as stored, hashed and shown.
package enum AnswerText {
    package static func of(_ answers: [Int?]) -> String {
        "[" + answers.map { $0.map(String.init) ?? "null" }.joined(separator: ",") + "]"
    }
}

/// The text whose salted SHA-256 stands in the log in place of the values.
package enum CanonicalValues {
    package static func text(response: UUID, version: Int, score: Int, answers: [Int?]) -> String {
        "\(response.uuidString.lowercased())|\(version)|\(score)|\(AnswerText.of(answers))"
    }
}
