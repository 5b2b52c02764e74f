package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A response that passed every check that needs no other response.
package struct CheckedResponse: Sendable, Equatable {
    package var participant: UUID
    package var standing: ResponseStanding
    package var instrumentVersion: String
    package var scores: InstrumentScores
    /// In the instrument's order, where the submission named its items.
    package var ordered: [Int?]?
}

/// What is checked against the experiment and the participant alone.
package enum SubmissionChecks {
    package enum Outcome: Sendable, Equatable {
        case passed(CheckedResponse)
        case waiting(Dependency)
        case refused(Refusal)
    }

    /// How far an outsider's clock may be ahead of ours, in seconds.
    package static let clockSkewMaxSeconds = 300.0
    private static let microsecondsPerDay = 86_400_000_000

    /// - Parameters:
    ///   - instruments: those that are published.
    ///   - now: the programme's time when the message came, also when it is looked at again later; nil for
    ///   an event that counted, of which only the facts have changed. Its answers may be gone since.
    package static func outcome(
        of submission: Submission, experiment: ExperimentFacts?, participant: ParticipantFacts?,
        instruments: InstrumentCatalogue, now: Date?
    ) -> Outcome {
        do throws(Refusal) {
            try checkItself(submission, instruments: instruments, now: now)
            guard let experiment, let startedAt = experiment.startedAt,
                let measures = experiment.measures(at: submission.answeredAt)
            else { return .waiting(.experiment(submission.experiment)) }
            if submission.isRetraction { return retraction(submission, participant) }
            let window = try checkOccasion(submission, in: experiment, startedAt: startedAt, measures: measures)
            let (scores, ordered) = try score(submission, by: window, instruments, isKnown: now == nil)
            guard let participant else { return .waiting(.participant(submission.participantKey)) }
            guard participant.consents(to: measures.consentScope, at: submission.answeredAt) else {
                throw Refusal(
                    .consentMissing, at: "/data/participant",
                    mend: "the participant's consent has to cover the protocol before the answer is given")
            }
            return .passed(
                CheckedResponse(
                    participant: participant.participant, standing: .valid,
                    instrumentVersion: window.instrumentVersion, scores: scores, ordered: ordered))
        } catch {
            return .refused(error)
        }
    }

    /// Whoever answered may take it back at any time, also after the end, and whatever they consented to.
    private static func retraction(_ submission: Submission, _ participant: ParticipantFacts?) -> Outcome {
        guard let participant else { return .waiting(.participant(submission.participantKey)) }
        return .passed(
            CheckedResponse(
                participant: participant.participant, standing: .retracted, instrumentVersion: "",
                scores: InstrumentScores()))
    }

    /// By the version that the protocol names.
    /// - Parameter isKnown: the answers were scored before, and may be gone since.
    private static func score(
        _ submission: Submission, by window: MeasureWindow, _ instruments: InstrumentCatalogue, isKnown: Bool
    ) throws(Refusal) -> (scores: InstrumentScores, ordered: [Int?]?) {
        if isKnown, submission.answers.isEmpty { return (InstrumentScores(), nil) }
        guard let plan = instruments.plan(window.instrument, window.instrumentVersion) else {
            throw Refusal(
                .unknownInstrument, at: "/data/instrument",
                mend: "the protocol names version \(window.instrumentVersion), which is not published; tell the site")
        }
        let ordered = try submission.coded?.answers(to: plan.instrument)
        let scores = try plan.scores(
            of: ordered ?? submission.answers, hasComment: submission.comment?.isEmpty == false)
        return (scores, ordered)
    }

    private static func checkItself(
        _ submission: Submission, instruments: InstrumentCatalogue, now: Date?
    ) throws(Refusal) {
        let versions = instruments.plans(of: submission.instrument)
        guard !versions.isEmpty else {
            throw Refusal(
                .unknownInstrument, at: "/data/instrument",
                mend: "one of \(instruments.allNames.prefix(50).joined(separator: ", "))")
        }
        guard let now else { return }
        try checkAnswers(submission, fitOneOf: versions)
        guard submission.answeredAt.timeIntervalSince(now) <= clockSkewMaxSeconds else {
            throw Refusal(.timeInFuture, at: "/time", mend: "set the clock; time may be 5 minutes ahead at most")
        }
        if let comment = submission.comment, isTooLong(comment) {
            throw Refusal(
                .commentTooLong, at: "/data/comment",
                mend: "at most \(Submission.commentCharacterCountMax) characters")
        }
        if submission.amends == submission.identity.id {
            throw Refusal(
                .amendsItself, at: submission.amendsField,
                mend: "name the event that is meant, and give this one its own id")
        }
    }

    /// Which version counts is the protocol's to say; what fits none of them need not wait for it.
    private static func checkAnswers(
        _ submission: Submission, fitOneOf versions: [ScoringPlan]
    ) throws(Refusal) {
        guard !submission.isRetraction, submission.coded == nil else { return }
        var refusal: Refusal?
        for version in versions {
            do throws(Refusal) {
                return try version.check(submission.answers, hasComment: submission.comment?.isEmpty == false)
            } catch { refusal = error }
        }
        if let refusal { throw refusal }
    }

    /// From 0. Whole microseconds are compared: seconds as `Double` lie up to 0.1 µs beside what was written, and an
    /// answer of a window's first instant would fall into the day before it.
    private static func dayOfExperiment(at time: Date, startedAt: Date) -> Int {
        Int((time.timeIntervalSince(startedAt) * 1_000_000).rounded()) / microsecondsPerDay
    }

    /// Characters as the database counts them, which are Unicode scalars; most comments are short enough in bytes.
    private static func isTooLong(_ comment: String) -> Bool {
        comment.utf8.count > Submission.commentCharacterCountMax
            && comment.unicodeScalars.count > Submission.commentCharacterCountMax
    }

    private static func checkOccasion(
        _ submission: Submission, in experiment: ExperimentFacts, startedAt: Date, measures: MeasurePlan
    ) throws(Refusal) -> MeasureWindow {
        if let completedAt = experiment.completedAt, submission.answeredAt > completedAt {
            throw Refusal(.experimentCompleted, at: "/time", mend: "no response counts after the experiment's end")
        }
        guard submission.answeredAt >= startedAt else {
            throw Refusal(.beforeStart, at: "/time", mend: "no response counts before the experiment's start")
        }
        let candidates = measures.windows.filter {
            $0.instrument.isSameBytes(as: submission.instrument) && $0.occasion.isSameBytes(as: submission.occasion)
        }
        guard let first = candidates.first else {
            throw Refusal(
                .notInProtocol, at: "/data/occasion",
                mend: "the protocol does not plan this instrument at this time of measure")
        }
        // A correction may come whenever the mistake is found; the answer itself was given in time.
        if submission.amends != nil { return first }
        let day = dayOfExperiment(at: submission.answeredAt, startedAt: startedAt)
        guard let open = candidates.first(where: { $0.opensDay <= day && day < $0.closesDay }) else {
            throw Refusal(
                .outsideWindow, at: "/time",
                mend:
                    "open from day \(first.opensDay) to before day \(first.closesDay) of the experiment; this is \(day)"
            )
        }
        return open
    }
}
