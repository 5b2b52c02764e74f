package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A response, or its next version.
package struct AcceptedResponse: Sendable, Equatable {
    package var response: UUID
    /// From 1.
    package var version: Int
    package var standing: ResponseStanding
    /// By how much it changes the number of valid responses.
    package var countChange: Int
    package var participant: UUID
    package var instrumentVersion: String
    /// None when it was taken back, and where the instrument's rules give none.
    package var scores: InstrumentScores
    /// In the instrument's order, where the submission named its items.
    package var ordered: [Int?]?

    package init(
        response: UUID, version: Int, standing: ResponseStanding = .valid, countChange: Int, participant: UUID,
        instrumentVersion: String, scores: InstrumentScores
    ) {
        self.response = response
        self.version = version
        self.standing = standing
        self.countChange = countChange
        self.participant = participant
        self.instrumentVersion = instrumentVersion
        self.scores = scores
    }
}

package enum Verdict: Sendable, Equatable {
    case accepted(AcceptedResponse)
    case waiting(Dependency)
    case refused(Refusal)
}

/// Judges submissions one after the other against the facts that were read for all of them; each verdict is a fact for
/// the next.
///
/// The end does not depend on the order of arrival: a correction waits for what it corrects, and one that is older than
/// the version in force changes nothing.
package struct IntakeJudge: Sendable {
    package var experiments: [UUID: ExperimentFacts]
    package var participants: [ParticipantKey: ParticipantFacts]
    package var responses: [ResponseKey: ResponseFacts]
    package var events: [EventIdentity: KnownEvent]
    package var instruments: InstrumentCatalogue

    package init(
        experiments: [UUID: ExperimentFacts] = [:], participants: [ParticipantKey: ParticipantFacts] = [:],
        responses: [ResponseKey: ResponseFacts] = [:], events: [EventIdentity: KnownEvent] = [:],
        instruments: InstrumentCatalogue = InstrumentCatalogue()
    ) {
        self.experiments = experiments
        self.participants = participants
        self.responses = responses
        self.events = events
        self.instruments = instruments
    }

    /// - Parameter candidate: the id of the response if this begins one.
    package mutating func judge(_ submission: Submission, candidate: UUID, now: Date) -> Verdict {
        record(verdict(on: submission, candidate: candidate, now: now), on: submission)
    }

    /// Judges an event once more that counted before: by facts only, since what it says was found in order.
    package mutating func reconsider(_ submission: Submission, candidate: UUID) -> Verdict {
        record(verdict(on: submission, candidate: candidate, now: nil), on: submission)
    }

    private mutating func record(_ verdict: Verdict, on submission: Submission) -> Verdict {
        switch verdict {
        case .accepted(let accepted):
            events[submission.identity] = .accepted(response: accepted.response)
            responses[key(of: submission, for: accepted.participant)] = ResponseFacts(
                response: accepted.response, version: accepted.version, standing: accepted.standing,
                instrumentVersion: accepted.instrumentVersion, answeredAt: submission.answeredAt,
                publisher: submission.identity.publisher)
        case .waiting: events[submission.identity] = .waiting
        case .refused: events[submission.identity] = .refused(response: responseCorrected(by: submission))
        }
        return verdict
    }

    /// The response that a correction is about; nil for an event that is none, or corrects none.
    package func responseCorrected(by submission: Submission) -> UUID? {
        switch submission.amended.flatMap({ events[$0] }) {
        case .accepted(let response): response
        case .refused(let response): response
        case .waiting, nil: nil
        }
    }

    /// What stands where the submission belongs; nil while nothing does, or nobody is known by its code.
    package func current(for submission: Submission) -> ResponseFacts? {
        participants[submission.participantKey].flatMap { responses[key(of: submission, for: $0.participant)] }
    }

    private func key(of submission: Submission, for participant: UUID) -> ResponseKey {
        ResponseKey(participant: participant, instrument: submission.instrument, occasion: submission.occasion)
    }

    private func verdict(on submission: Submission, candidate: UUID, now: Date?) -> Verdict {
        let outcome = SubmissionChecks.outcome(
            of: submission, experiment: experiments[submission.experiment],
            participant: participants[submission.participantKey], instruments: instruments, now: now)
        switch outcome {
        case .refused(let refusal): return .refused(refusal)
        case .waiting(let dependency): return .waiting(dependency)
        case .passed(let checked):
            let current = responses[key(of: submission, for: checked.participant)]
            guard let amended = submission.amended else {
                return original(checked, current: current, candidate: candidate)
            }
            return amendment(checked, of: amended, current: current, submission)
        }
    }

    private func original(_ checked: CheckedResponse, current: ResponseFacts?, candidate: UUID) -> Verdict {
        switch current?.standing {
        case nil: return .accepted(accepted(checked, response: candidate, over: nil))
        // It is as if it had never been there, but its version numbers are used up.
        case .excluded: return .accepted(accepted(checked, response: current?.response ?? candidate, over: current))
        case .valid:
            return .refused(
                Refusal(
                    .alreadyAnswered, at: "/data/participant",
                    mend: "this participant answered already; send an amendment that names the first event"))
        case .retracted:
            return .refused(
                Refusal(
                    .alreadyAnswered, at: "/data/participant",
                    mend: "the answer was taken back; to answer again, send an amendment that names the first event"))
        }
    }

    private func amendment(
        _ checked: CheckedResponse, of amended: EventIdentity, current: ResponseFacts?, _ submission: Submission
    ) -> Verdict {
        switch events[amended] {
        case nil, .waiting: return .waiting(.event(amended))
        case .refused(let response):
            // Of a refused correction that is taken back, the answer that it corrected is meant.
            if submission.isRetraction, let response, let current, current.response == response,
                current.standing != .excluded, current.publisher == submission.identity.publisher
            {
                return change(checked, response: response, current: current, submission)
            }
            return .refused(
                Refusal(
                    .amendsRefused, at: submission.amendsField,
                    mend: submission.isRetraction
                        ? "the event that this one takes back was refused; nothing of it counts"
                        : "the event that this one corrects was refused; send the response as a new event"))
        case .accepted(let response): return change(checked, response: response, current: current, submission)
        }
    }

    private func change(
        _ checked: CheckedResponse, response: UUID, current: ResponseFacts?, _ submission: Submission
    ) -> Verdict {
        guard let current, current.response == response else {
            return .refused(
                Refusal(
                    .amendsOtherResponse, at: submission.amendsField,
                    mend: "participant, instrument and occasion have to be those of the event that is named"))
        }
        // Where one was excluded another may have taken its place: that one is not this publisher's to change.
        guard current.publisher == submission.identity.publisher else {
            return .refused(
                Refusal(
                    .amendsOtherResponse, at: submission.amendsField,
                    mend: "the answer that stands now is another publisher's; nothing of the event that is named counts"
                ))
        }
        guard !isOutdated(submission, by: current) else {
            return .refused(
                Refusal(
                    .amendsOutdated, at: "/time",
                    mend: "a later version is in force; send the time at which the change was made"))
        }
        var checked = checked
        // What is taken back was answered under the version that it was answered under.
        if submission.isRetraction { checked.instrumentVersion = current.instrumentVersion }
        return .accepted(accepted(checked, response: response, over: current))
    }

    /// Of a correction and a retraction at the same time the retraction holds, whichever comes first.
    private func isOutdated(_ submission: Submission, by current: ResponseFacts) -> Bool {
        guard submission.answeredAt == current.answeredAt else { return submission.answeredAt < current.answeredAt }
        return current.standing == .retracted && !submission.isRetraction
    }

    private func accepted(_ checked: CheckedResponse, response: UUID, over current: ResponseFacts?) -> AcceptedResponse
    {
        var accepted = AcceptedResponse(
            response: response, version: (current?.version ?? 0) + 1, standing: checked.standing,
            countChange: (checked.standing == .valid ? 1 : 0) - (current?.standing == .valid ? 1 : 0),
            participant: checked.participant, instrumentVersion: checked.instrumentVersion, scores: checked.scores)
        accepted.ordered = checked.ordered
        return accepted
    }
}
