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

    /// Of one publisher and source nearly always.
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }

    /// Byte by byte, as the tables compare names.
    package static func == (left: EventIdentity, right: EventIdentity) -> Bool {
        left.id.isSameBytes(as: right.id) && left.source.isSameBytes(as: right.source)
            && left.publisher.isSameBytes(as: right.publisher)
    }
}

extension String {
    /// Swift takes two spellings of one character for equal, the tables do not.
    package func isSameBytes(as other: String) -> Bool { self == other && utf8.elementsEqual(other.utf8) }
}

/// What a message says, once it can be read: a response, the correction of one, or that one is taken back.
package struct Submission: Sendable, Equatable {
    package static let commentCharacterCountMax = 4000

    package var identity: EventIdentity
    /// As the publisher says.
    package var answeredAt: Date
    /// The `id` of the event that this one corrects or takes back; nil for a new response.
    package var amends: String?
    /// Whether the response is taken back. Then there are no answers.
    package var isRetraction: Bool
    package var experiment: UUID
    /// The code that the site gave out.
    package var pseudonym: String
    package var instrument: String
    package var occasion: String
    package var answers: [Int?]
    /// In place of `answers`, where items are named and not in order.
    package var coded: CodedAnswers?
    package var comment: String?

    package init(
        identity: EventIdentity, answeredAt: Date, amends: String? = nil, isRetraction: Bool = false, experiment: UUID,
        pseudonym: String, instrument: String, occasion: String, answers: [Int?], coded: CodedAnswers? = nil,
        comment: String? = nil
    ) {
        self.identity = identity
        self.answeredAt = answeredAt
        self.amends = amends
        self.isRetraction = isRetraction
        self.experiment = experiment
        self.pseudonym = pseudonym
        self.instrument = instrument
        self.occasion = occasion
        self.answers = answers
        self.coded = coded
        self.comment = comment
    }

    package var participantKey: ParticipantKey { ParticipantKey(experiment: experiment, pseudonym: pseudonym) }

    /// Where the event stands that is corrected or taken back.
    package var amendsField: String { isRetraction ? "/data/retracts" : "/data/amends" }

    /// The event that is corrected or taken back: a publisher can only name events of its own source.
    package var amended: EventIdentity? {
        amends.map { EventIdentity(publisher: identity.publisher, source: identity.source, id: $0) }
    }

    /// What makes two messages the same event, whatever the order of their members: every part with its length, so that
    /// no two submissions share a text.
    package var canonicalContent: [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(256 + (comment?.utf8.count ?? 0))
        content.append(UInt8(ascii: "0") + (amends == nil ? 0 : isRetraction ? 2 : 1))
        content.append(UInt8(ascii: "0") + (comment == nil ? 0 : 1))
        func append(_ part: some Collection<UInt8>) {
            content.append(UInt8(ascii: "|"))
            content.append(contentsOf: String(part.count).utf8)
            content.append(UInt8(ascii: ":"))
            content.append(contentsOf: part)
        }
        append((amends ?? "-").utf8)
        append(String(Int64((answeredAt.timeIntervalSince1970 * 1000).rounded())).utf8)
        var digits: [UInt8] = []
        experiment.appendDigits(letters: UInt8(ascii: "A"), to: &digits)
        append(digits)
        append(pseudonym.utf8)
        append(instrument.utf8)
        append(occasion.utf8)
        if let coded { append(coded.canonicalText.utf8) } else { append(AnswerText.bytes(of: answers)) }
        append((comment ?? "-").utf8)
        return content
    }
}

/// Answers as JSON text, `[5,1,null]`: as stored, hashed and shown.
package enum AnswerText {
    package static func of(_ answers: [Int?]) -> String { String(decoding: bytes(of: answers), as: UTF8.self) }

    static func bytes(of answers: [Int?]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "[")]
        text.reserveCapacity(2 + 2 * answers.count)
        for (place, answer) in answers.enumerated() {
            if place > 0 { text.append(UInt8(ascii: ",")) }
            switch answer {
            case .some(let level) where (0..<10).contains(level): text.append(UInt8(ascii: "0") + UInt8(level))
            case .some(let level): text.append(contentsOf: String(level).utf8)
            case nil: text.append(contentsOf: "null".utf8)
            }
        }
        text.append(UInt8(ascii: "]"))
        return text
    }
}

extension UUID {
    /// As `uuidString`, which goes through the C library's formats.
    /// - Parameter letters: the digit ten.
    fileprivate func appendDigits(letters: UInt8, to text: inout [UInt8]) {
        text.reserveCapacity(text.count + 36)
        withUnsafeBytes(of: uuid) { bytes in
            for place in 0..<16 {
                if place == 4 || place == 6 || place == 8 || place == 10 { text.append(UInt8(ascii: "-")) }
                let (high, low) = (bytes[place] >> 4, bytes[place] & 15)
                text.append(high < 10 ? UInt8(ascii: "0") + high : letters + high - 10)
                text.append(low < 10 ? UInt8(ascii: "0") + low : letters + low - 10)
            }
        }
    }
}

/// The text whose salted SHA-256 stands in the log in place of the values.
package enum CanonicalValues {
    package static func bytes(
        response: UUID, version: Int, score: Int?, answers: [Int?], scales: [String: Int] = [:]
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(64 + 2 * answers.count)
        response.appendDigits(letters: UInt8(ascii: "a"), to: &text)
        text.append(UInt8(ascii: "|"))
        text.append(contentsOf: String(version).utf8)
        text.append(UInt8(ascii: "|"))
        text.append(contentsOf: (score.map(String.init) ?? "null").utf8)
        text.append(UInt8(ascii: "|"))
        text.append(contentsOf: AnswerText.bytes(of: answers))
        for (name, value) in scales.sorted(by: { $0.key < $1.key }) {
            text.append(contentsOf: "|\(name)=\(value)".utf8)
        }
        return text
    }
}
