import Crypto
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
    /// - Parameter read: as every message of this publisher is read.
    func messages(of lines: [ImportLine], read: IntakeStore.Reading, now: Date) throws -> [InboundMessage] {
        try lines.enumerated().map { place, line in
            var message: InboundMessage
            if let answer = line.answer {
                message = read(try WireCoding.encode(ImportEvent(answer, of: self)), publisher, now)
            } else {
                message = unreadable(line, now: now)
            }
            message.answerPlace = place
            return message
        }
    }

    /// A line that could not become an event is named by its bytes, and kept as it came.
    private func unreadable(_ line: ImportLine, now: Date) -> InboundMessage {
        let text = String(decoding: line.raw, as: UTF8.self)
        let masked = IdentifierMask.count(in: text) > 0 || IdentifierMask.isRegisterNumber(text)
        let refusal = line.faults.first?.refusal ?? .ourFault
        let name = ImportHash.of(["line", "\(edition)"], line.raw)
        return InboundMessage(
            identity: EventIdentity(publisher: publisher, source: source, id: "line-\(name.hexadecimal)"),
            isIdentified: true, content: .failure(refusal), contentHash: name,
            body: masked ? Array(IdentifierMask.mask(text).utf8) : line.raw, clockAt: now)
    }
}

enum ImportHash {
    /// SHA-256 of some texts, each with its length, so that no two lists share one.
    static func of(_ parts: [String], _ bytes: [UInt8] = []) -> [UInt8] {
        var hash = SHA256()
        for part in parts { hash.update(data: Array("\(part.utf8.count):\(part)|".utf8)) }
        hash.update(data: bytes)
        return Array(hash.finalize())
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

    init(_ answer: ImportAnswer, of origin: ImportOrigin) {
        id = Self.id(of: answer, origin)
        source = origin.source
        time = WireInstant.format(answer.answeredAt)
        data = Content(
            experiment: answer.experiment.lowercase, participant: answer.participant, instrument: answer.instrument,
            instrumentVersion: answer.instrumentVersion, occasion: answer.occasion,
            items: Dictionary(answer.levels.map { ($0.linkId, $0.level) }) { first, _ in first },
            comment: answer.comment)
    }

    /// What the answer is about, then what it says: a line that was mended is another event about the same thing.
    private static func id(of answer: ImportAnswer, _ origin: ImportOrigin) -> String {
        if let id = answer.id { return origin.edition == 1 ? id : "\(id)#\(origin.edition)" }
        let about = ImportHash.of([
            origin.mapping, "\(origin.edition)", answer.finess ?? "", answer.experiment.lowercase, answer.participant,
            answer.instrument, answer.occasion,
        ])
        let levels = answer.levels.map { "\($0.linkId)=\($0.level)" }.sorted()
        let says = ImportHash.of(
            [answer.instrumentVersion ?? "", WireInstant.format(answer.answeredAt), answer.comment ?? ""] + levels)
        return "\(Array(about.prefix(16)).hexadecimal)-\(Array(says.prefix(8)).hexadecimal)"
    }
}
