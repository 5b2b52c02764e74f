import Events
import FeedbackDomain
import FoundationEssentials

/// Reads a FHIR R4 `QuestionnaireResponse` in the place of our own `data`. What FHIR has no place for travels as
/// attributes of the event: `experiment`, `occasion`, and `amends` for the event that is corrected or taken back.
///
/// `questionnaire` ends in the instrument's name, with its version behind a bar (`…/Questionnaire/SUS|1996`); items are
/// told by `linkId`. `completed` and `amended` count, `entered-in-error` takes back, the rest is kept and not counted.
struct QuestionnaireReader {
    static let resourceType = "QuestionnaireResponse"

    fileprivate struct Resource: Decodable {
        struct Identified: Decodable {
            struct Identifier: Decodable {
                struct Concept: Decodable { let coding: [Coding]? }

                let system: String?
                let value: String?
                let type: Concept?
            }

            let identifier: Identifier?
        }

        struct Coding: Decodable {
            let system: String?
            let code: String?
        }

        struct Item: Decodable {
            let linkId: String
            let answer: [Answer]?
            let item: [Item]?
        }

        struct Answer: Decodable {
            let valueInteger: Int?
            let valueDecimal: Double?
            let valueCoding: Coding?
            let valueString: String?
            let item: [Item]?
        }

        let resourceType: String
        let status: String
        let questionnaire: String?
        let subject: Identified?
        let author: Identified?
        let source: Identified?
        let item: [Item]?
    }

    /// Identifiers of the INS, by the types of FR Core and by the register's own systems (ANS, "Liste des OID des
    /// autorités d'affectation des INS").
    private static let registerSystem = "1.2.250.1.213.1.4."

    enum Status: String {
        case completed
        case amended
        case enteredInError = "entered-in-error"
        case inProgress = "in-progress"
        case stopped
    }

    let status: Status
    let instrument: String
    let participant: String
    let coded: CodedAnswers
    /// What was written, masked; nil without any.
    let comment: String?

    init(_ data: ArraySlice<UInt8>) throws(Refusal) {
        let resource: Resource
        do { resource = try WireCoding.decode(Resource.self, from: data) } catch {
            throw Refusal(.invalidField, at: "/data", mend: "must be a FHIR R4 QuestionnaireResponse")
        }
        guard resource.resourceType == Self.resourceType else {
            throw Refusal(.invalidField, at: "/data/resourceType", mend: "must be \(Self.resourceType)")
        }
        try Self.checkIdentifiers(resource)
        guard let status = Status(rawValue: resource.status) else {
            throw Refusal(
                .invalidField, at: "/data/status",
                mend: "one of completed, amended, entered-in-error, in-progress, stopped")
        }
        guard let canonical = resource.questionnaire, !canonical.isEmpty else {
            throw Refusal(
                .invalidField, at: "/data/questionnaire", mend: "must end in the instrument, such as …/SUS|1996")
        }
        guard !IdentifierMask.holdsRegisterNumber(canonical) else { throw .registerNumber(at: "/data/questionnaire") }
        guard let participant = resource.subject?.identifier?.value else {
            throw Refusal(
                .invalidField, at: "/data/subject/identifier/value", mend: "must be the code that the site gave out")
        }
        let parts = canonical.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        var items = Items()
        try items.add(resource.item ?? [])
        self.status = status
        self.participant = participant
        instrument = String(parts[0].split(separator: "/").last ?? "")
        coded = CodedAnswers(
            version: parts.count == 2 ? String(parts[1]) : nil, levels: items.levels,
            textItems: Set(items.texts.map(\.linkId)))
        comment =
            items.texts.isEmpty
            ? nil : items.texts.map { IdentifierMask.mask($0.text) }.joined(separator: "\n")
    }

    private static func checkIdentifiers(_ resource: Resource) throws(Refusal) {
        let places = [("subject", resource.subject), ("author", resource.author), ("source", resource.source)]
        for (name, place) in places {
            guard let identifier = place?.identifier else { continue }
            let isTyped = identifier.type?.coding?.contains { $0.code?.hasPrefix("INS") ?? false } ?? false
            let isSystem = identifier.system?.contains(registerSystem) ?? false
            let isNumber = identifier.value.map { IdentifierMask.holdsRegisterNumber($0) } ?? false
            guard !isTyped, !isSystem, !isNumber else {
                throw .registerNumber(at: "/data/\(name)/identifier")
            }
        }
    }

    /// Groups and nested questions in one list. Depth is bounded by the reader of the event.
    private struct Items {
        var levels: [String: Int] = [:]
        var texts: [(linkId: String, text: String)] = []
        private var seen: Set<String> = []

        mutating func add(_ items: [Resource.Item]) throws(Refusal) {
            for item in items {
                if let answers = item.answer, !answers.isEmpty { try add(answers, of: item.linkId) }
                try add(item.item ?? [])
            }
        }

        private mutating func add(_ answers: [Resource.Answer], of linkId: String) throws(Refusal) {
            guard !IdentifierMask.holdsRegisterNumber(linkId) else { throw .registerNumber(at: "/data/item") }
            let name = IdentifierMask.mask(linkId).prefix(64)
            guard answers.count == 1, let answer = answers.first, seen.insert(linkId).inserted,
                (1...64).contains(linkId.utf8.count)
            else {
                throw Refusal(
                    .invalidField, at: "/data/item", mend: "item \(name) takes one answer, once")
            }
            if let level = answer.level {
                levels[linkId] = level
            } else if let text = answer.valueString {
                texts.append((linkId, text))
            } else {
                throw Refusal(
                    .invalidField, at: "/data/item",
                    mend: "item \(name) takes a whole number (valueInteger, valueCoding.code) or valueString")
            }
            try add(answer.item ?? [])
        }
    }
}

extension QuestionnaireReader.Resource.Answer {
    /// A whole number, however it is written.
    fileprivate var level: Int? {
        if let valueInteger { return valueInteger }
        if let valueDecimal { return Int(exactly: valueDecimal) }
        return valueCoding?.code.flatMap { Int($0) }
    }
}
