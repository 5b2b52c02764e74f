package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A site takes somebody into an experiment.
package struct EnrolParticipant: Sendable, Equatable {
    package let externalCode: String?
    /// nil: the experiment allots one.
    package let arm: Arm?
    package let consent: Consent

    package init(externalCode: String?, arm: Arm?, consent: Consent) {
        self.externalCode = externalCode
        self.arm = arm
        self.consent = consent
    }
}

package struct Participant: Sendable, Equatable {
    /// Random, internal, another one in every experiment.
    package let id: UUID
    package let experiment: UUID
    package let externalCode: ExternalCode?
    package let arm: Arm
    package let pseudonym: Pseudonym
    package let consent: Consent
    package let enrolledAt: Date
}

extension Experiment {
    package func enrol(
        _ command: EnrolParticipant, id participant: UUID, pseudonym: Pseudonym, at now: Date
    ) throws(ExperimentationError) -> Participant {
        try require(.started)
        guard let approvedProtocol else { throw .protocolMissing }
        let externalCode = try command.externalCode.map(ExternalCode.init)
        try command.consent.check(for: approvedProtocol, at: now)
        return Participant(
            id: participant, experiment: id, externalCode: externalCode, arm: command.arm ?? arms.next,
            pseudonym: pseudonym, consent: command.consent, enrolledAt: now)
    }

    /// Takes a participant in. The version stays: a site that enrols does not invalidate what another page has read.
    package mutating func admit(_ participant: Participant) {
        arms.add(participant.arm)
    }
}
