import Crypto
import Events
import FeedbackDomain
import FoundationEssentials

extension PlannedResponse {
    /// Draws a salt: without one, eleven hashes would tell which of eleven answers a digest stands for.
    init(_ submission: Submission, _ accepted: AcceptedResponse, origin: Origin) {
        let generator = SecureRandom()
        let salt = withUnsafeBytes(of: (generator.next(), generator.next())) { Array($0).hexadecimal }
        guard accepted.standing == .valid else {
            self.init(submission: submission, accepted: accepted, origin: origin, seal: nil)
            return
        }
        let values = CanonicalValues.text(
            response: accepted.response, version: accepted.version, score: accepted.scores.main,
            answers: submission.answers,
            scales: accepted.scores.further)
        self.init(
            submission: submission, accepted: accepted, origin: origin,
            seal: ValueSeal(
                salt: salt, digest: Array(SHA256.hash(data: Array("\(salt)|\(values)".utf8))).hexadecimal))
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

    /// What item and values take as JSON, at most: all that varies, and the fixed rest.
    ///
    /// Strings are counted twice, since an escape may double a character.
    var byteCountMax: Int {
        let texts =
            submission.instrument.utf8.count + submission.occasion.utf8.count + accepted.instrumentVersion.utf8.count
        let scales = accepted.scores.further.keys.reduce(0) { $0 + $1.utf8.count + 16 }
        return 500 + 2 * texts + 5 * submission.answers.count + scales
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
