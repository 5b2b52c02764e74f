import Crypto
import Events
import FeedbackDomain
import FoundationEssentials

extension PlannedResponse {
    /// Draws a salt: without one, eleven hashes would tell which of eleven answers a digest stands for.
    convenience init(_ submission: Submission, _ accepted: AcceptedResponse, origin: Origin) {
        let generator = SecureRandom()
        let salt = withUnsafeBytes(of: (generator.next(), generator.next())) { Array($0).hexadecimal }
        guard accepted.standing == .valid else {
            self.init(submission: submission, accepted: accepted, origin: origin, seal: nil)
            return
        }
        let values = CanonicalValues.bytes(
            response: accepted.response, version: accepted.version, score: accepted.scores.main,
            answers: submission.answers,
            scales: accepted.scores.further)
        self.init(
            submission: submission, accepted: accepted, origin: origin,
            seal: ValueSeal(
                salt: salt, digest: Self.digest(salt, values)))
    }

    private static func digest(_ salt: String, _ values: [UInt8]) -> String {
        var text = Array(salt.utf8)
        text.reserveCapacity(text.count + values.count + 1)
        text.append(UInt8(ascii: "|"))
        text.append(contentsOf: values)
        return Array(SHA256.hash(data: text)).hexadecimal
    }

    var item: ResponseItem {
        ResponseItem(
            response: accepted.response, version: accepted.version, state: ResponseState(accepted.standing),
            instrument: submission.instrument, instrumentVersion: accepted.instrumentVersion,
            occasion: submission.occasion, participant: accepted.participant, answeredAt: submission.answeredAt,
            digest: seal?.digest, valueSet: seal == nil ? nil : accepted.scores.valueSet)
    }

    /// nil when it was taken back.
    var values: ResponseValues? {
        seal.map { seal in
            ResponseValues(
                response: accepted.response, version: accepted.version, salt: seal.salt, score: accepted.scores.main,
                answers: submission.answers, scales: scales)
        }
    }

    /// nil when there is none beside the main one.
    private var scales: [String: Int64]? {
        accepted.scores.further.isEmpty ? nil : accepted.scores.further.mapValues { Int64($0) }
    }

    /// What item and values take as JSON, at most, with a comma behind each: names, marks, three identifiers of 36
    /// bytes, an instant of 24, a digest of 64, a salt of 32, the longest state, and what varies.
    var byteCountMax: Int {
        let version = 2 * Self.digits(accepted.version)
        let texts =
            Self.written(submission.instrument) + Self.written(submission.occasion)
            + Self.written(accepted.instrumentVersion)
        let answers = submission.answers.reduce(0) { $0 + 1 + ($1.map(Self.digits) ?? 4) }
        let scores = accepted.scores
        let main = scores.main.map { 9 + Self.digits($0) } ?? 0
        let further = scores.further.reduce(scores.further.isEmpty ? 0 : 12) {
            $0 + 4 + Self.written($1.key) + Self.digits($1.value)
        }
        return 423 + version + texts + answers + main + further + (scores.valueSet.map { 14 + Self.written($0) } ?? 0)
    }

    private static func digits(_ number: Int) -> Int {
        (0..<10).contains(number) ? 1 : String(number).utf8.count
    }

    /// Bytes of a text between quotes; what is escaped may take six.
    private static func written(_ text: String) -> Int {
        text.utf8.reduce(0) { $0 + ($1 < 0x20 ? 6 : $1 == UInt8(ascii: "\"") || $1 == UInt8(ascii: "\\") ? 2 : 1) }
    }
}

extension ResponseState {
    init(_ standing: ResponseStanding) {
        self =
            switch standing {
            case .valid: .valid
            case .retracted: .retracted
            case .excluded: .excluded
            }
    }
}
