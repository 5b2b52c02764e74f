package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A response that counts from now on, or its next version.
package struct AcceptedResponse: Sendable, Equatable {
    package var response: UUID
    /// From 1.
    package var version: Int
    package var participant: UUID
    package var instrumentVersion: String
    package var score: Int

    package init(response: UUID, version: Int, participant: UUID, instrumentVersion: String, score: Int) {
        self.response = response
        self.version = version
        self.participant = participant
        self.instrumentVersion = instrumentVersion
        self.score = score
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

    package init(
        experiments: [UUID: ExperimentFacts] = [:], participants: [ParticipantKey: ParticipantFacts] = [:],
        responses: [ResponseKey: ResponseFacts] = [:], events: [EventIdentity: KnownEvent] = [:]
    ) {
        self.experiments = experiments
        self.participants = participants
        self.responses = responses
        self.events = events
    }

    /// - Parameter candidate: the id of the response if this begins one.
    package mutating func judge(_ submission: Submission, candidate: UUID, now: Date) -> Verdict {
        let verdict = verdict(on: submission, candidate: candidate, now: now)
        switch verdict {
        case .accepted(let accepted):
            events[submission.identity] = .accepted(response: accepted.response)
            responses[key(of: submission, for: accepted.participant)] = ResponseFacts(
                response: accepted.response, version: accepted.version, answeredAt: submission.answeredAt)
        case .waiting: events[submission.identity] = .waiting
        case .refused: events[submission.identity] = .refused
        }
        return verdict
    }

    private func key(of submission: Submission, for participant: UUID) -> ResponseKey {
        ResponseKey(participant: participant, instrument: submission.instrument, occasion: submission.occasion)
    }

    private func verdict(on submission: Submission, candidate: UUID, now: Date) -> Verdict {
        let outcome = SubmissionChecks.outcome(
            of: submission, experiment: experiments[submission.experiment],
            participant: participants[submission.participantKey], now: now)
        switch outcome {
        case .refused(let refusal): return .refused(refusal)
        case .waiting(let dependency): return .waiting(dependency)
        case .passed(let checked):
            let current = responses[key(of: submission, for: checked.participant)]
            guard let amended = submission.amended else {
                return original(checked, current: current, candidate: candidate)
            }
            return amendment(checked, of: amended, current: current, answeredAt: submission.answeredAt)
        }
    }

    private func original(_ checked: CheckedResponse, current: ResponseFacts?, candidate: UUID) -> Verdict {
        guard current == nil else {
            return .refused(
                Refusal(
                    .alreadyAnswered, at: "/data/participant",
                    mend: "this participant answered already; send an amendment that names the first event"))
        }
        return .accepted(accepted(checked, response: candidate, version: 1))
    }

    private func amendment(
        _ checked: CheckedResponse, of amended: EventIdentity, current: ResponseFacts?, answeredAt: Date
    ) -> Verdict {
        switch events[amended] {
        case nil, .waiting: return .waiting(.event(amended))
        case .refused:
            return .refused(
                Refusal(
                    .amendsRefused, at: "/data/amends",
                    mend: "the event that this one corrects was refused; send the response as a new event"))
        case .accepted(let response):
            guard let current, current.response == response else {
                return .refused(
                    Refusal(
                        .amendsOtherResponse, at: "/data/amends",
                        mend: "participant, instrument and occasion have to be those of the event that is corrected"))
            }
            guard answeredAt >= current.answeredAt else {
                return .refused(
                    Refusal(
                        .amendsOutdated, at: "/time",
                        mend: "a later version is in force; send the time at which the correction was made"))
            }
            return .accepted(accepted(checked, response: response, version: current.version + 1))
        }
    }

    private func accepted(_ checked: CheckedResponse, response: UUID, version: Int) -> AcceptedResponse {
        AcceptedResponse(
            response: response, version: version, participant: checked.participant,
            instrumentVersion: checked.instrumentVersion, score: checked.score)
    }
}
