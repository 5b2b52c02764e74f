import FeedbackDomain
import FoundationEssentials

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea & Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Runs the body and gives what it was refused for; the advice is for people and may change.
func refused(_ body: () throws(Refusal) -> some Any) -> Refused? {
    do throws(Refusal) {
        _ = try body()
        return nil
    } catch {
        return Refused(error)
    }
}

struct Refused: Equatable {
    let reason: Refusal.Reason
    let field: String?

    init(_ reason: Refusal.Reason, _ field: String?) {
        self.reason = reason
        self.field = field
    }

    init(_ refusal: Refusal) { self.init(refusal.reason, refusal.field) }
}

extension Verdict {
    var refused: Refused? {
        guard case .refused(let refusal) = self else { return nil }
        return Refused(refusal)
    }

    var accepted: AcceptedResponse? {
        guard case .accepted(let response) = self else { return nil }
        return response
    }

    var dependency: Dependency? {
        guard case .waiting(let dependency) = self else { return nil }
        return dependency
    }
}

/// One running experiment with one participant, and submissions that fit it.
enum Controls {
    static let start = Date(timeIntervalSince1970: 1_800_000_000)
    static let experiment = id(1)
    static let participant = id(2)
    static let now = start + days(100)

    static func days(_ count: Double) -> TimeInterval { count * 86_400 }

    static func id(_ number: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number))
    }

    static var measures: MeasurePlan {
        MeasurePlan(
            consentScope: "usability",
            windows: [
                MeasureWindow(
                    instrument: "SUS", instrumentVersion: "F-SUS-2021", occasion: "M3", opensDay: 80, closesDay: 100),
                MeasureWindow(instrument: "NPS", instrumentVersion: "1", occasion: "M3", opensDay: 80, closesDay: 100),
            ])
    }

    /// By default approved before everything.
    static func approved(_ measures: MeasurePlan, version: Int = 1, at time: Date = .distantPast) -> ProtocolFacts {
        ProtocolFacts(version: version, approvedAt: time, measures: measures)
    }

    static func retraction(_ id: String, of event: String, day: Double = 91) -> Submission {
        var submission = submission(id, day: day, amends: event, answers: [])
        submission.isRetraction = true
        return submission
    }

    static var judge: IntakeJudge {
        IntakeJudge(
            experiments: [experiment: ExperimentFacts(startedAt: start, protocols: [approved(measures)])],
            participants: [
                ParticipantKey(experiment: experiment, pseudonym: "P1"): facts
            ])
    }

    static var facts: ParticipantFacts {
        ParticipantFacts(participant: participant, consentScope: "usability costs", consentedAt: .distantPast)
    }

    /// - Parameter milliseconds: since 2001, as a date that was read has them.
    static func instant(_ milliseconds: Int) -> Date {
        Date(timeIntervalSinceReferenceDate: Double(milliseconds) / 1000)
    }

    static func identity(_ id: String, source: String = "urn:app", publisher: String = "app") -> EventIdentity {
        EventIdentity(publisher: publisher, source: source, id: id)
    }

    static func submission(
        _ id: String, day: Double = 90, pseudonym: String = "P1", amends: String? = nil, answers: [Int?]? = nil
    ) -> Submission {
        Submission(
            identity: identity(id), answeredAt: start + days(day), amends: amends, experiment: experiment,
            pseudonym: pseudonym, instrument: "SUS", occasion: "M3",
            answers: answers ?? [4, 2, 4, 2, 4, 2, 4, 2, 4, 2])
    }
}
