import Events
import FeedbackDomain
import FoundationEssentials

/// Reads what outside publishers send: strict about everything that is used, blind to everything that is not.
///
/// Nothing here may throw or trap on any bytes: whatever comes becomes a submission or a refusal.
struct SubmissionReader: Sendable {
    private static let sourceBytesMax = 512
    private static let idBytesMax = 256
    private static let textBytesMax = 64
    private static let itemsCountMax = 100
    /// Marks may be longer than what they stand for.
    private static let keptByteCountMax = 2 * FeedbackSubmission.byteCountMax

    let contentKey: ContentKey

    /// - Parameters:
    ///   - publisher: from the queue that the message came through.
    ///   - clockAt: the programme's time on arrival.
    func read(
        _ body: [UInt8], publisher: String, headersAreMalformed: Bool = false, clockAt: Date
    ) -> InboundMessage {
        let members: JSONMembers
        let identity: EventIdentity
        do throws(Refusal) {
            members = try Self.parse(body, byteCountMax: FeedbackSubmission.byteCountMax)
            identity = EventIdentity(
                publisher: publisher, source: try Self.text("source", members, bytesMax: Self.sourceBytesMax),
                id: try Self.text("id", members, bytesMax: Self.idBytesMax))
        } catch {
            return unreadable(body, publisher: publisher, clockAt: clockAt, refusal: error)
        }
        var content = Result { () throws(Refusal) in try Self.submission(members, identity: identity) }
        let hash = contentHash(of: content, body)
        if headersAreMalformed {
            content = .failure(
                Refusal(
                    .malformedHeaders,
                    mend: "send headers with a name and a plain value: no table, no list, and so no CC or BCC"))
        }
        return InboundMessage(
            identity: identity, isIdentified: true, content: content, contentHash: hash, body: body, clockAt: clockAt)
    }

    /// A message whose name is known, whatever it says itself: in what was kept of it the name may be masked.
    func read(_ body: [UInt8], as identity: EventIdentity, clockAt: Date) -> InboundMessage {
        let content = Result { () throws(Refusal) in
            try Self.submission(Self.parse(body, byteCountMax: Self.keptByteCountMax), identity: identity)
        }
        return InboundMessage(
            identity: identity, isIdentified: true, content: content, contentHash: contentHash(of: content, body),
            body: body, clockAt: clockAt)
    }

    /// A message that nobody looks into any more, because looking may be what ends the process.
    func unread(_ body: [UInt8], publisher: String, clockAt: Date) -> InboundMessage {
        unreadable(body, publisher: publisher, clockAt: clockAt, refusal: .ourFault)
    }

    /// What cannot be understood is the same event only if it is the same to the byte.
    private func contentHash(of content: Result<Submission, Refusal>, _ body: [UInt8]) -> [UInt8] {
        contentKey.hash((try? content.get()).map(\.canonicalContent) ?? body, of: .event)
    }

    private static func parse(_ body: [UInt8], byteCountMax: Int) throws(Refusal) -> JSONMembers {
        guard body.count <= byteCountMax else {
            throw Refusal(.tooLarge, mend: "at most \(FeedbackSubmission.byteCountMax) bytes")
        }
        do throws(JSONSyntaxError) { return try JSONMembers(body) } catch {
            throw Refusal(.malformedBody, mend: "send one JSON object in UTF-8; this is \(error.description)")
        }
    }

    /// A message that does not even say who it is gets a name from its bytes, so that a repetition is recognised.
    private func unreadable(
        _ body: [UInt8], publisher: String, clockAt: Date, refusal: Refusal
    ) -> InboundMessage {
        let hash = contentKey.hash(body, of: .event)
        return InboundMessage(
            identity: EventIdentity(publisher: publisher, source: "", id: "bytes:\(hash.hexadecimal)"),
            isIdentified: false, content: .failure(refusal), contentHash: hash, body: body, clockAt: clockAt)
    }

    private static func submission(_ members: JSONMembers, identity: EventIdentity) throws(Refusal) -> Submission {
        guard members.string("specversion") == "1.0" else { throw invalid("/specversion", #"must be "1.0""#) }
        let type = members.string("type")
        guard let kind = Kind.allCases.first(where: { $0.type == type }) else {
            throw Refusal(
                .unsupportedType, at: "/type",
                mend: "one of \(Kind.allCases.map(\.type).joined(separator: ", "))")
        }
        guard let time = members.string("time").flatMap({ WireInstant.parse($0) }) else {
            throw invalid("/time", "must be an RFC 3339 instant, such as 2026-11-21T09:30:00Z")
        }
        guard let value = members.value("data"), let data = members.object("data") else {
            throw invalid("/data", "must be an object without repeated members")
        }
        if data.value("resourceType") != nil {
            return try questionnaire(value, members, kind, identity: identity, time: time)
        }
        guard let experiment = data.string("experiment").flatMap({ UUID(characters: $0) }) else {
            throw invalid("/data/experiment", "must be a UUID")
        }
        let coded = try items(data, kind)
        return Submission(
            identity: identity, answeredAt: time, amends: try reference(data, kind),
            isRetraction: kind == .retracted, experiment: experiment,
            pseudonym: try code("participant", data), instrument: try code("instrument", data),
            occasion: try code("occasion", data),
            answers: coded == nil ? try answers(data, kind) : [], coded: coded, comment: try comment(data, kind))
    }

    /// The same from FHIR, with the event's own attributes for what FHIR has no place for.
    private static func questionnaire(
        _ data: ArraySlice<UInt8>, _ members: JSONMembers, _ kind: Kind, identity: EventIdentity, time: Date
    ) throws(Refusal) -> Submission {
        let response = try QuestionnaireReader(data)
        let expected: Kind
        switch response.status {
        case .completed: expected = .submitted
        case .amended: expected = .amended
        case .enteredInError: expected = .retracted
        case .inProgress, .stopped:
            throw Refusal(
                .notCompleted, at: "/data/status",
                mend: "it is kept and not counted; send it under a new id when its status is completed")
        }
        guard kind == expected else { throw invalid("/type", "must be \(expected.type), as /data/status says") }
        guard let experiment = members.string("experiment").flatMap({ UUID(characters: $0) }) else {
            throw invalid("/experiment", "must be a UUID: beside data, as an attribute of the event")
        }
        let code = response.participant
        guard (1...textBytesMax).contains(code.utf8.count), isPlain(code) else {
            throw invalid("/data/subject/identifier/value", "must be the code that the site gave out")
        }
        return Submission(
            identity: identity, answeredAt: time,
            amends: kind == .submitted ? nil : try text("amends", members, bytesMax: idBytesMax),
            isRetraction: kind == .retracted, experiment: experiment, pseudonym: code,
            instrument: response.instrument, occasion: try text("occasion", members, bytesMax: textBytesMax),
            answers: [], coded: kind == .retracted ? nil : response.coded,
            comment: kind == .retracted ? nil : response.comment)
    }

    /// What a message is about, by its type.
    private enum Kind: CaseIterable {
        case submitted
        case amended
        case retracted

        var type: String {
            switch self {
            case .submitted: FeedbackSubmission.submitted
            case .amended: FeedbackSubmission.amended
            case .retracted: FeedbackSubmission.retracted
            }
        }
    }

    /// The event that this one corrects or takes back. A member that belongs to another type is a mistake that would be
    /// counted as something else.
    private static func reference(_ data: JSONMembers, _ kind: Kind) throws(Refusal) -> String? {
        if kind != .amended, !isAbsent("amends", data) {
            throw invalid("/data/amends", "belongs to \(FeedbackSubmission.amended)")
        }
        if kind != .retracted, !isAbsent("retracts", data) {
            throw invalid("/data/retracts", "belongs to \(FeedbackSubmission.retracted)")
        }
        return switch kind {
        case .submitted: nil
        case .amended: try text("amends", data, bytesMax: idBytesMax, path: "/data/")
        case .retracted: try text("retracts", data, bytesMax: idBytesMax, path: "/data/")
        }
    }

    private static func comment(_ data: JSONMembers, _ kind: Kind) throws(Refusal) -> String? {
        if isAbsent("comment", data) { return nil }
        guard kind != .retracted else { throw invalid("/data/comment", "has no place where an answer is taken back") }
        guard let comment = data.string("comment") else { throw invalid("/data/comment", "must be text") }
        return IdentifierMask.mask(comment)
    }

    private static func answers(_ data: JSONMembers, _ kind: Kind) throws(Refusal) -> [Int?] {
        if kind == .retracted {
            guard isAbsent("answers", data) else {
                throw invalid("/data/answers", "have no place where an answer is taken back")
            }
            return []
        }
        guard let value = data.value("answers"), value.first == UInt8(ascii: "["), value.count >= 2 else {
            throw invalid("/data/answers", "must be an array")
        }
        if let answers = data.integers("answers") { return answers }
        let items = value.dropFirst().dropLast().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let fault = items.firstIndex { item in
            let text = String(decoding: item.filter { !isSpace($0) }, as: UTF8.self)
            return text != "null" && Int(text) == nil
        }
        throw invalid("/data/answers/\(fault ?? 0)", "must be a whole number or null")
    }

    /// Answers by the items' names instead of their order; nil where there are none.
    private static func items(_ data: JSONMembers, _ kind: Kind) throws(Refusal) -> CodedAnswers? {
        guard let value = data.value("items") else {
            guard data.value("instrumentVersion") == nil else {
                throw invalid("/data/instrumentVersion", "belongs to items")
            }
            return nil
        }
        guard kind != .retracted else { throw invalid("/data/items", "have no place where an answer is taken back") }
        guard data.value("answers") == nil else { throw invalid("/data/items", "or answers, one of both") }
        guard value.first == UInt8(ascii: "{"), (try? JSONMembers(Array(value))) != nil,
            let levels = try? WireCoding.decode([String: Int?].self, from: value), levels.count <= itemsCountMax,
            levels.keys.allSatisfy({ (1...textBytesMax).contains($0.utf8.count) && isPlain($0) })
        else {
            throw invalid(
                "/data/items", "must be an object of at most \(itemsCountMax) whole numbers or nulls, by link id")
        }
        let version =
            data.value("instrumentVersion") == nil
            ? nil : try text("instrumentVersion", data, bytesMax: textBytesMax, path: "/data/")
        return CodedAnswers(version: version, levels: levels.compactMapValues { $0 }, form: .items)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func isAbsent(_ key: StaticString, _ members: JSONMembers) -> Bool {
        members.value(key).map { $0.elementsEqual("null".utf8) } ?? true
    }

    private static func code(_ key: StaticString, _ data: JSONMembers) throws(Refusal) -> String {
        let code = try text(key, data, bytesMax: textBytesMax, path: "/data/")
        guard !IdentifierMask.holdsRegisterNumber(code) else { throw .registerNumber(at: "/data/\(key)") }
        return code
    }

    /// Text that names something: not empty, bounded, without control characters, which would spoil keys and logs, and
    /// not by what is on a person's health card.
    private static func text(
        _ key: StaticString, _ members: JSONMembers, bytesMax: Int, path: String = "/"
    ) throws(Refusal) -> String {
        guard let text = members.string(key), !text.isEmpty, text.utf8.count <= bytesMax, isPlain(text) else {
            throw invalid("\(path)\(key)", "must be text of 1 to \(bytesMax) bytes without control characters")
        }
        guard !IdentifierMask.isGivenAwayByName(text) else { throw .registerNumber(at: "\(path)\(key)") }
        return text
    }

    /// Without control characters. Most text is ASCII, where the bytes say so without a look into Unicode's tables.
    private static func isPlain(_ text: String) -> Bool {
        let isPlainASCII = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
        return isPlainASCII || text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    private static func invalid(_ field: String, _ mend: String) -> Refusal {
        Refusal(.invalidField, at: field, mend: mend)
    }
}

extension Refusal {
    static func registerNumber(at field: String) -> Refusal {
        Refusal(
            .forbiddenIdentifier, at: field,
            mend: "this is a national identifier, of which nothing was kept; send the code that the site gave out")
    }
}

extension [UInt8] {
    /// Two lower-case digits per byte.
    var hexadecimal: String {
        String(unsafeUninitializedCapacity: count * 2) { text in
            for place in indices {
                let (high, low) = (self[place] >> 4, self[place] & 15)
                text[2 * place] = high < 10 ? UInt8(ascii: "0") + high : UInt8(ascii: "a") + high - 10
                text[2 * place + 1] = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
            }
            return count * 2
        }
    }
}
