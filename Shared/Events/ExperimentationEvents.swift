package import FoundationEssentials

/// A third place is ready to run experiments.
package struct SiteOpened: EventPayload {
    package static let type = EventType(.experimentation, "site", "opened")
    package var site: UUID
    package var agreement: UUID
    package var application: UUID
    package var call: UUID
    package var siren: String
    package var openedAt: Date

    package init(site: UUID, agreement: UUID, application: UUID, call: UUID, siren: String, openedAt: Date) {
        self.site = site
        self.agreement = agreement
        self.application = application
        self.call = call
        self.siren = siren
        self.openedAt = openedAt
    }
}

/// A site means to try a solution in real life.
package struct ExperimentRegistered: EventPayload {
    package static let type = EventType(.experimentation, "experiment", "registered")
    package var experiment: UUID
    package var site: UUID
    package var agreement: UUID
    package var solution: UUID
    package var budgetCents: Int64
    package var participantsTarget: Int

    package init(
        experiment: UUID, site: UUID, agreement: UUID, solution: UUID, budgetCents: Int64, participantsTarget: Int
    ) {
        self.experiment = experiment
        self.site = site
        self.agreement = agreement
        self.solution = solution
        self.budgetCents = budgetCents
        self.participantsTarget = participantsTarget
    }
}

/// A site asks for co-funding of one experiment.
package struct CofundingRequested: EventPayload {
    package static let type = EventType(.experimentation, "cofunding", "requested")
    package var experiment: UUID
    package var site: UUID
    package var agreement: UUID
    package var application: UUID
    package var call: UUID
    package var siren: String
    package var budgetCents: Int64
    package var requestedCents: Int64

    package init(
        experiment: UUID, site: UUID, agreement: UUID, application: UUID, call: UUID, siren: String,
        budgetCents: Int64, requestedCents: Int64
    ) {
        self.experiment = experiment
        self.site = site
        self.agreement = agreement
        self.application = application
        self.call = call
        self.siren = siren
        self.budgetCents = budgetCents
        self.requestedCents = requestedCents
    }
}

/// When an instrument may be answered, in whole days after the experiment's start.
package struct InstrumentWindow: Codable, Sendable, Equatable {
    /// Built into feedback, such as `SUS`, or published there.
    package var instrument: String
    package var instrumentVersion: String
    /// Name of the time of measure, such as `M3`.
    package var occasion: String
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

/// A number of valid responses that counts as evidence.
package struct MilestoneTerms: Codable, Sendable, Equatable {
    package var milestone: String
    package var responsesCountMin: Int

    package init(milestone: String, responsesCountMin: Int) {
        self.milestone = milestone
        self.responsesCountMin = responsesCountMin
    }
}

/// What is measured, when, and under which legal qualification. The subject is the experiment.
package struct ProtocolApproved: EventPayload {
    package static let type = EventType(.experimentation, "protocol", "approved")
    package var experiment: UUID
    package var protocolVersion: Int
    package var legalQualification: String
    /// What a participant's consent has to cover.
    package var consentScope: String
    package var windows: [InstrumentWindow]
    package var milestones: [MilestoneTerms]

    package init(
        experiment: UUID, protocolVersion: Int, legalQualification: String, consentScope: String,
        windows: [InstrumentWindow], milestones: [MilestoneTerms]
    ) {
        self.experiment = experiment
        self.protocolVersion = protocolVersion
        self.legalQualification = legalQualification
        self.consentScope = consentScope
        self.windows = windows
        self.milestones = milestones
    }
}

/// Co-funding and protocol are approved; participants may be enrolled.
package struct ExperimentStarted: EventPayload {
    package static let type = EventType(.experimentation, "experiment", "started")
    package var experiment: UUID
    package var site: UUID
    package var agreement: UUID
    package var protocolVersion: Int
    package var startedAt: Date

    package init(experiment: UUID, site: UUID, agreement: UUID, protocolVersion: Int, startedAt: Date) {
        self.experiment = experiment
        self.site = site
        self.agreement = agreement
        self.protocolVersion = protocolVersion
        self.startedAt = startedAt
    }
}

/// A person takes part. Names and contacts stay with the site; `pseudonym` is the code that an outside publisher
/// uses.
package struct ParticipantEnrolled: EventPayload {
    package static let type = EventType(.experimentation, "participant", "enrolled")
    /// Random, internal, another one in every experiment.
    package var participant: UUID
    package var experiment: UUID
    package var arm: String
    package var pseudonym: String
    package var consentScope: String
    package var consentVersion: Int
    package var consentedAt: Date

    package init(
        participant: UUID, experiment: UUID, arm: String, pseudonym: String, consentScope: String,
        consentVersion: Int, consentedAt: Date
    ) {
        self.participant = participant
        self.experiment = experiment
        self.arm = arm
        self.pseudonym = pseudonym
        self.consentScope = consentScope
        self.consentVersion = consentVersion
        self.consentedAt = consentedAt
    }
}

/// The experiment ended as planned; no response counts after it.
package struct ExperimentCompleted: EventPayload {
    package static let type = EventType(.experimentation, "experiment", "completed")
    package var experiment: UUID
    package var site: UUID
    package var agreement: UUID
    package var participantsCount: Int
    package var completedAt: Date

    package init(experiment: UUID, site: UUID, agreement: UUID, participantsCount: Int, completedAt: Date) {
        self.experiment = experiment
        self.site = site
        self.agreement = agreement
        self.participantsCount = participantsCount
        self.completedAt = completedAt
    }
}

/// The experiment ended before its time; no response counts after it.
package struct ExperimentTerminated: EventPayload {
    package static let type = EventType(.experimentation, "experiment", "terminated")
    package var experiment: UUID
    package var site: UUID
    package var agreement: UUID
    package var participantsCount: Int
    package var terminatedAt: Date

    package init(experiment: UUID, site: UUID, agreement: UUID, participantsCount: Int, terminatedAt: Date) {
        self.experiment = experiment
        self.site = site
        self.agreement = agreement
        self.participantsCount = participantsCount
        self.terminatedAt = terminatedAt
    }
}

/// A third place reported on a period of its work. The subject is the report.
package struct SiteReportSubmitted: EventPayload {
    package static let type = EventType(.experimentation, "site-report", "submitted")
    package var report: UUID
    package var site: UUID
    package var agreement: UUID
    /// Of the site's reports, from 1.
    package var number: Int
    package var submittedAt: Date

    package init(report: UUID, site: UUID, agreement: UUID, number: Int, submittedAt: Date) {
        self.report = report
        self.site = site
        self.agreement = agreement
        self.number = number
        self.submittedAt = submittedAt
    }
}

/// A site's report is accepted.
package struct SiteReportAccepted: EventPayload {
    package static let type = EventType(.experimentation, "site-report", "accepted")
    package var report: UUID
    package var site: UUID
    package var agreement: UUID
    package var number: Int
    package var acceptedAt: Date

    package init(report: UUID, site: UUID, agreement: UUID, number: Int, acceptedAt: Date) {
        self.report = report
        self.site = site
        self.agreement = agreement
        self.number = number
        self.acceptedAt = acceptedAt
    }
}

/// A site's report was sent back, or taken up again after it was accepted.
package struct SiteReportReopened: EventPayload {
    package static let type = EventType(.experimentation, "site-report", "reopened")
    package var report: UUID
    package var site: UUID
    package var agreement: UUID
    package var number: Int
    package var wasAccepted: Bool
    package var reopenedAt: Date

    package init(
        report: UUID, site: UUID, agreement: UUID, number: Int, wasAccepted: Bool, reopenedAt: Date
    ) {
        self.report = report
        self.site = site
        self.agreement = agreement
        self.number = number
        self.wasAccepted = wasAccepted
        self.reopenedAt = reopenedAt
    }
}
