import Events
import FoundationEssentials
import Inbox
import Postgres

/// The same sentence for readers of both languages.
struct BothWords: Encodable {
    let fr: String?
    let en: String?

    init(_ words: BusinessWords?) { (fr, en) = (words?.fr, words?.en) }
}

/// What `list --json` says of one cause.
struct GroupView: Encodable {
    struct Example: Encodable {
        let id: Int64
        let subject: String?
        let words: BothWords
    }

    let `class`: String
    let reason: String
    let type: String?
    let count: Int64
    let firstSeen: Date
    let lastSeen: Date
    let oldestSeconds: Int64
    let examples: [Example]

    init(_ group: DeadLetterGroup, words: (DeadLetterGroup.Example) -> BothWords) {
        `class` = group.failureClass
        reason = group.reason
        type = group.type
        count = group.count
        firstSeen = group.firstSeen
        lastSeen = group.lastSeen
        oldestSeconds = group.ageSeconds
        examples = group.examples.map { Example(id: $0.id, subject: $0.subject, words: words($0)) }
    }
}

/// What `show --json` says.
struct LetterView: Encodable {
    struct Act: Encodable {
        let act: String
        let by: String
        let second: String?
        let reason: String
        let outcome: String
        let detail: String
        let at: Date
    }

    let id: Int64
    let state: DeadLetter.State
    let words: BothWords
    let `class`: String
    let reason: String
    let type: String?
    let owner: String?
    let stream: String?
    let subject: String?
    let sequence: Int64?
    let eventID: String?
    let messageID: String?
    let exchange: String
    let routingKey: String
    let headers: [String: String]
    let attempts: Int
    let firstSeen: Date
    let settledAt: Date?
    let byteCount: Int
    let acts: [Act]
    /// Only when it was asked for; Base64 in the second where it is no text.
    let body: String?
    let bodyBase64: String?

    init(_ letter: DeadLetter, words: BothWords, acts: [DeadLetterAct], withBody: Bool) {
        id = letter.id
        state = letter.state
        self.words = words
        `class` = letter.failureClass
        reason = letter.reason
        type = letter.type
        owner = letter.owner
        stream = letter.stream
        subject = letter.subject
        sequence = letter.sequence
        eventID = letter.eventID?.lowercase
        messageID = letter.messageID
        exchange = letter.exchange
        routingKey = letter.routingKey
        headers = (try? letter.headers.decode([String: String].self)) ?? [:]
        attempts = letter.attempts
        firstSeen = letter.firstSeen
        settledAt = letter.settledAt
        byteCount = letter.body.count
        self.acts = acts.map {
            Act(
                act: $0.kind.rawValue, by: $0.by, second: $0.second, reason: $0.reason, outcome: $0.outcome,
                detail: $0.detail, at: $0.actedAt)
        }
        let shown = withBody ? BodyText(letter.body) : nil
        body = shown?.isText == true ? String(decoding: letter.body, as: UTF8.self) : nil
        bodyBase64 = shown?.isText == false ? shown?.text : nil
    }
}

/// What `retry --json` and `drop --json` say of one letter.
struct ResultView: Encodable {
    let id: Int64
    let outcome: DeadLetterResult.Outcome
    let isSettled: Bool
    let isDryRun: Bool
    let detail: String
    let words: BothWords
    let published: [String: Int]
    let followers: Int
    let buried: Int

    init(_ result: DeadLetterResult, words: BothWords, isRehearsal: Bool) {
        id = result.letter
        outcome = result.outcome
        isSettled = result.outcome.isSettled
        isDryRun = isRehearsal
        detail = result.detail
        self.words = words
        published = result.published
        followers = result.followerCount
        buried = result.buriedCount
    }
}

/// A body as a terminal may show it: text without control characters, or Base64.
struct BodyText {
    let isText: Bool
    let text: String

    init(_ body: [UInt8]) {
        let decoded = String(validating: body, as: UTF8.self)
        isText = decoded != nil
        text =
            decoded.map { text in
                String(String.UnicodeScalarView(text.unicodeScalars.map(Self.shown)))
            } ?? Data(body).base64EncodedString()
    }

    private static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control ? scalar : "\u{FFFD}"
    }
}

/// A time span in its two largest units: `2 d 3 h`.
enum AgeText {
    static func of(_ seconds: Int64) -> String {
        let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        var rest = max(0, seconds)
        var parts: [String] = []
        for (length, name) in units where parts.count < 2 {
            let count = rest / length
            rest %= length
            if count > 0 || !parts.isEmpty || length == 1 { parts.append("\(count) \(name)") }
        }
        return parts.joined(separator: " ")
    }
}
