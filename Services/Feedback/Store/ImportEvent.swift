import Events
import FeedbackDomain
import FoundationEssentials

/// Whose file it is, and what names its lines.
struct ImportOrigin: Sendable {
    let publisher: String
    let mapping: String
    let edition: Int

    var source: String { "urn:maillage:import:\(mapping)" }

    /// One message for each line, with its place among them.
    func messages(of lines: [ImportLine], by reader: SubmissionReader, now: Date) throws -> [InboundMessage] {
        try lines.enumerated().map { place, line in
            var message: InboundMessage
            if let answer = line.answer {
                let event = ImportEvent(answer, of: self, reader.contentKey)
                message = reader.read(try WireCoding.encode(event), publisher: publisher, clockAt: now)
            } else {
                message = unreadable(line, reader.contentKey, now: now)
            }
            message.answerPlace = place
            return message
        }
    }

    /// A line that could not become an event is named by its bytes.
    private func unreadable(_ line: ImportLine, _ contentKey: ContentKey, now: Date) -> InboundMessage {
        let name = contentKey.line(["line", "\(edition)"], line.raw)
        return InboundMessage(
            identity: EventIdentity(publisher: publisher, source: source, id: "line-\(name.hexadecimal)"),
            isIdentified: true, content: .failure(line.faults.first?.refusal ?? .ourFault), contentHash: name,
            body: line.kept, clockAt: now)
    }
}

extension ContentKey {
    /// Of some texts, each with its length, so that no two lists share a hash.
    func line(_ parts: [String], _ bytes: [UInt8] = []) -> [UInt8] {
        let text = parts.map { "\($0.utf8.count):\($0)|" }.joined()
        return hash(Array(text.utf8) + bytes, of: .line)
    }
}

/// A line as the event that every other door would have brought.
struct ImportEvent: Encodable {
    private struct Content: Encodable {
        let experiment: String
        let participant: String
        let instrument: String
        let instrumentVersion: String?
        let occasion: String
        let items: [String: Int]
        let comment: String?
    }

    let id: String
    private let specversion = "1.0"
    private let source: String
    private let type = FeedbackSubmission.submitted
    private let time: String
    private let datacontenttype = "application/json"
    private let data: Content

    init(_ answer: ImportAnswer, of origin: ImportOrigin, _ contentKey: ContentKey) {
        id = Self.id(of: answer, origin, contentKey)
        source = origin.source
        time = WireInstant.format(answer.answeredAt)
        data = Content(
            experiment: answer.experiment.lowercase, participant: answer.participant, instrument: answer.instrument,
            instrumentVersion: answer.instrumentVersion, occasion: answer.occasion,
            items: Dictionary(answer.levels.map { ($0.linkId, $0.level) }) { first, _ in first },
            comment: answer.comment)
    }

    /// What the answer is about, then what it says: a line that was mended is another event about the same thing.
    private static func id(
        of answer: ImportAnswer, _ origin: ImportOrigin, _ contentKey: ContentKey
    ) -> String {
        if let id = answer.id { return origin.edition == 1 ? id : "\(id)#\(origin.edition)" }
        let about = contentKey.line([
            origin.mapping, "\(origin.edition)", answer.finess ?? "", answer.experiment.lowercase, answer.participant,
            answer.instrument, answer.occasion,
        ])
        let levels = answer.levels.map { "\($0.linkId)=\($0.level)" }.sorted()
        let says = contentKey.line(
            [answer.instrumentVersion ?? "", WireInstant.format(answer.answeredAt), answer.comment ?? ""] + levels)
        return "\(Array(about.prefix(16)).hexadecimal)-\(Array(says.prefix(8)).hexadecimal)"
    }
}
