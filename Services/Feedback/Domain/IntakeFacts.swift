package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What the events of experimentation told about one experiment so far; they may come in any order.
package struct ExperimentFacts: Sendable, Equatable {
    package var startedAt: Date?
    /// The end, as planned or before its time.
    package var completedAt: Date?
    /// Every version of the protocol that is known.
    package var protocols: [ProtocolFacts]

    package init(startedAt: Date? = nil, completedAt: Date? = nil, protocols: [ProtocolFacts] = []) {
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.protocols = protocols
    }

    /// What was to be measured then: the highest version that was approved by that time, or the first one for an answer
    /// from before all of them. nil while no version is known.
    package func measures(at time: Date) -> MeasurePlan? {
        let inForce = protocols.filter { $0.approvedAt <= time }.max { $0.version < $1.version }
        return (inForce ?? protocols.min { $0.version < $1.version })?.measures
    }
}

/// One approved version of a protocol.
package struct ProtocolFacts: Sendable, Equatable {
    package var version: Int
    package var approvedAt: Date
    package var measures: MeasurePlan

    package init(version: Int, approvedAt: Date, measures: MeasurePlan) {
        self.version = version
        self.approvedAt = approvedAt
        self.measures = measures
    }
}

/// What the protocol says about measuring.
package struct MeasurePlan: Sendable, Equatable {
    package var consentScope: String
    package var windows: [MeasureWindow]

    package init(consentScope: String, windows: [MeasureWindow]) {
        self.consentScope = consentScope
        self.windows = windows
    }
}

/// When an instrument may be answered.
package struct MeasureWindow: Sendable, Equatable {
    package var instrument: String
    package var instrumentVersion: String
    package var occasion: String
    /// Whole days since the start.
    package var opensDay: Int
    /// Exclusive.
    package var closesDay: Int

    package init(instrument: String, instrumentVersion: String, occasion: String, opensDay: Int, closesDay: Int) {
        self.instrument = instrument
        self.instrumentVersion = instrumentVersion
        self.occasion = occasion
        self.opensDay = opensDay
        self.closesDay = closesDay
    }
}

/// A participant as an outside publisher names it.
package struct ParticipantKey: Hashable, Sendable {
    package let experiment: UUID
    package let pseudonym: String

    package init(experiment: UUID, pseudonym: String) {
        self.experiment = experiment
        self.pseudonym = pseudonym
    }

    package static func == (left: ParticipantKey, right: ParticipantKey) -> Bool {
        left.experiment == right.experiment && left.pseudonym.isSameBytes(as: right.pseudonym)
    }
}

package struct ParticipantFacts: Sendable, Equatable {
    package var participant: UUID
    /// Words separated by spaces.
    package var consentScope: String
    package var consentedAt: Date

    package init(participant: UUID, consentScope: String, consentedAt: Date) {
        self.participant = participant
        self.consentScope = consentScope
        self.consentedAt = consentedAt
    }

    /// Whether the consent was given by then and names everything that is required.
    package func consents(to required: String, at time: Date) -> Bool {
        guard consentedAt <= time else { return false }
        if required == consentScope { return true }
        let given = consentScope.split(separator: " ")
        return required.split(separator: " ").allSatisfy(given.contains)
    }
}

/// What can be answered once.
package struct ResponseKey: Hashable, Sendable {
    package let participant: UUID
    package let instrument: String
    package let occasion: String

    package init(participant: UUID, instrument: String, occasion: String) {
        self.participant = participant
        self.instrument = instrument
        self.occasion = occasion
    }

    package static func == (left: ResponseKey, right: ResponseKey) -> Bool {
        left.participant == right.participant && left.instrument.isSameBytes(as: right.instrument)
            && left.occasion.isSameBytes(as: right.occasion)
    }
}

/// Whether a response counts.
package enum ResponseStanding: String, Sendable {
    case valid
    /// Taken back by whoever gave it.
    case retracted
    /// A fact that came late speaks against it: as if it had never been accepted.
    case excluded
}

/// The version of a response that is in force.
package struct ResponseFacts: Sendable, Equatable {
    package var response: UUID
    package var version: Int
    package var standing: ResponseStanding
    package var instrumentVersion: String
    package var answeredAt: Date
    /// Who sent it. After an exclusion that may be another one than whose it was first.
    package var publisher: String

    package init(
        response: UUID, version: Int, standing: ResponseStanding = .valid, instrumentVersion: String, answeredAt: Date,
        publisher: String
    ) {
        self.response = response
        self.version = version
        self.standing = standing
        self.instrumentVersion = instrumentVersion
        self.answeredAt = answeredAt
        self.publisher = publisher
    }
}

/// What became of an event that came before.
package enum KnownEvent: Sendable, Equatable {
    case accepted(response: UUID)
    case waiting
    /// Refused, or excluded later. A correction names the response that it was about: whoever takes the correction back
    /// means that response.
    case refused(response: UUID?)
}

/// What a submission waits for.
package enum Dependency: Hashable, Sendable {
    case experiment(UUID)
    case participant(ParticipantKey)
    case event(EventIdentity)

    /// Names the dependency in one text. A line feed cannot occur in any part, so no two dependencies share a key.
    package var key: String {
        switch self {
        case .experiment(let id): "experiment\n\(id.uuidString)"
        case .participant(let key): "participant\n\(key.experiment.uuidString)\n\(key.pseudonym)"
        case .event(let identity): "event\n\(identity.publisher)\n\(identity.source)\n\(identity.id)"
        }
    }

    /// The verdict when it did not come in time.
    package var refusalAfterWaiting: Refusal {
        switch self {
        case .experiment:
            Refusal(
                .unknownExperiment, at: "/data/experiment",
                mend: "no started experiment of this id became known; check the id, and send under a new event id")
        case .participant:
            Refusal(
                .unknownParticipant, at: "/data/participant",
                mend: "nobody is enrolled under this code; check it with the site, and send under a new event id")
        case .event:
            Refusal(
                .unknownOriginal, at: "/data/amends",
                mend: "the event that this one corrects never came; send the response as a new event")
        }
    }
}
