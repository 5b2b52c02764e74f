import ArgumentParser
import Events
import FoundationEssentials
import HTTPDefaults
import Inbox
import Outbox
import Postgres

/// The languages of the programme.
enum ReportLanguage: String, Sendable, CaseIterable, ExpressibleByArgument {
    case fr, en
}

/// What the commands about dead letters tell, for people in two languages and for machines.
struct DeadLetterReport<Definition: ServiceDefinition>: Sendable {
    private let language: ReportLanguage
    private let isJSON: Bool

    init(language: ReportLanguage, isJSON: Bool) {
        self.language = language
        self.isJSON = isJSON
    }

    // MARK: List

    func list(_ groups: [DeadLetterGroup]) throws -> String {
        if isJSON {
            return try groups.map { group in
                try json(GroupView(group) { BothWords(words($0.event)) })
            }.joined()
        }
        let count = groups.reduce(0) { $0 + $1.count }
        guard count > 0 else {
            return say("\(Definition.name) : aucun message en souffrance", "\(Definition.name): no dead letters") + "\n"
        }
        return say(
            "\(Definition.name) : \(count) messages en souffrance", "\(Definition.name): \(count) open dead letters")
            + "\n" + groups.map(paragraph).joined()
    }

    private func paragraph(_ group: DeadLetterGroup) -> String {
        let seen = JSONFormat.text(group.firstSeen)
        let age = AgeText.of(group.ageSeconds)
        var text =
            "\n\(group.count) × \(group.failureClass)  \(plain(group.type ?? "-"))\n    \(plain(group.reason))\n    "
        text += say("premier \(seen), le plus ancien depuis \(age)", "first seen \(seen), the oldest is \(age) old")
        for example in group.examples {
            text += "\n    #\(example.id)  \(plain(sentence(example.event) ?? example.subject ?? "-"))"
        }
        let left = group.count - Int64(group.examples.count)
        if left > 0 { text += "\n    " + say("et \(left) autres", "and \(left) more") }
        return text + "\n"
    }

    // MARK: Show

    func show(_ letter: DeadLetter, acts: [DeadLetterAct], withBody: Bool) throws -> String {
        let both = words(letter.event)
        if isJSON {
            return try json(LetterView(letter, words: BothWords(both), acts: acts, withBody: withBody))
        }
        let optional: [(String, String?)] = [
            ("id", "\(letter.id)"), ("state", letter.state.rawValue), ("words", both.map(pick)),
            ("class", letter.failureClass), ("reason", letter.reason), ("type", letter.type),
            ("subject", letter.subject), ("sequence", letter.sequence.map(String.init)),
            ("owner", letter.owner), ("stream", letter.stream), ("event", letter.eventID?.lowercase),
            ("message", letter.messageID), ("exchange", letter.exchange), ("routing key", letter.routingKey),
            ("attempts", "\(letter.attempts)"), ("first seen", JSONFormat.text(letter.firstSeen)),
            ("settled", letter.settledAt.map(JSONFormat.text)), ("bytes", "\(letter.body.count)"),
            ("headers", String(decoding: letter.headers.bytes, as: UTF8.self)),
        ]
        var text = ""
        for (name, value) in optional {
            let label = name.padded(to: 12)
            text += "\(label)\(plain(value ?? "-"))\n"
        }
        for act in acts {
            let people = [act.by, act.second].compactMap { $0 }.joined(separator: ", ")
            text +=
                plain(
                    "\("act".padded(to: 12))\(JSONFormat.text(act.actedAt)) \(act.kind.rawValue) \(act.outcome) "
                        + "[\(people)] \(act.reason)\(act.detail.isEmpty ? "" : " -> \(act.detail)")") + "\n"
        }
        return withBody ? text + "\n" + BodyText(letter.body).text + "\n" : text
    }

    // MARK: Acts

    func line(_ result: DeadLetterResult, isRehearsal: Bool) throws -> String {
        let both = words(result.event)
        if isJSON { return try json(ResultView(result, words: BothWords(both), isRehearsal: isRehearsal)) }
        var text = "#\(result.letter)  \(isRehearsal ? say("(à blanc) ", "(dry run) ") : "")\(outcome(result.outcome))"
        if let both { text += "  " + plain(pick(both)) }
        if !result.detail.isEmpty { text += "\n    \(plain(result.detail))" }
        for (type, count) in result.published.sorted(by: { $0.key < $1.key }) {
            text += "\n    " + say("publie \(count) × \(type)", "publishes \(count) × \(type)")
        }
        if result.followerCount > 0 {
            let count = result.followerCount
            text += "\n    " + say("\(count) messages en attente suivent", "\(count) waiting events follow")
        }
        if result.buriedCount > 0 {
            let count = result.buriedCount
            text += "\n    " + say("\(count) suivants échouent à leur tour", "\(count) followers fail in their turn")
        }
        return text + "\n"
    }

    func total(_ counts: [DeadLetterResult.Outcome: Int], isRehearsal: Bool) -> String {
        guard !counts.isEmpty else { return say("rien à faire", "nothing to do") + "\n" }
        let parts = DeadLetterResult.Outcome.allCases.compactMap { kind in counts[kind].map { "\($0) \(outcome(kind))" }
        }
        let start = isRehearsal ? say("à blanc, rien n'a changé : ", "dry run, nothing was changed: ") : ""
        return start + parts.joined(separator: ", ") + "\n"
    }

    private func outcome(_ outcome: DeadLetterResult.Outcome) -> String {
        switch outcome {
        case .applied: say("appliqué", "applied")
        case .ignored: say("sans objet ici", "without effect here")
        case .duplicate: say("déjà appliqué", "applied before")
        case .parked: say("en attente", "parked")
        case .dropped: say("abandonné", "dropped")
        case .failed: say("échoue encore", "still fails")
        case .refused: say("refusé", "refused")
        case .settledBefore: say("déjà réglé", "settled before")
        case .unknown: say("inconnu", "unknown")
        }
    }

    // MARK: Words

    private func say(_ fr: String, _ en: String) -> String { language == .fr ? fr : en }
    private func pick(_ words: BusinessWords) -> String { say(words.fr, words.en) }
    private func sentence(_ event: InboundEvent?) -> String? { words(event).map(pick) }

    /// The service's own words for what has not happened, else what the event says, else what it is called.
    private func words(_ event: InboundEvent?) -> BusinessWords? {
        guard let event else { return nil }
        let name = "\(event.type) \(event.subject) \(event.sequence)"
        return Definition.describe(event) ?? event.words ?? BusinessWords(fr: name, en: name)
    }

    /// What strangers wrote must not speak to the terminal.
    private func plain(_ text: String) -> String { StoredText.clean(text, bytesMax: 8_192) }

    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONFormat.encode(value), as: UTF8.self) + "\n"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
