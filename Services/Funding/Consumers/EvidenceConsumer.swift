import Events
import FundingDomain
import Inbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Turns what happens at sites and in experiments into evidence, which releases tranches.
struct EvidenceConsumer: Sendable {
    let agreements: AgreementStore
    let tranches: TrancheStore
    let cofunding: CofundingStore
    let context: InboundContext

    var handlers: [EventHandler] {
        [
            .on(SiteOpened.self) { payload, event, transaction in
                let fact = RecordedEvidence.Fact(
                    kind: .siteOpened, subject: payload.site.lowercase, event: event.id, occurredAt: payload.openedAt)
                return try await record(fact, of: payload.agreement, event, in: transaction)
            },
            .on(ExperimentRegistered.self) { payload, _, transaction in
                try await cofunding.note(
                    experiment: payload.experiment, agreement: payload.agreement, in: transaction)
                return .applied
            },
            .on(ExperimentCompleted.self) { payload, event, transaction in
                let fact = RecordedEvidence.Fact(
                    kind: .experimentCompleted, subject: payload.experiment.lowercase, event: event.id,
                    occurredAt: payload.completedAt)
                return try await record(
                    fact, of: payload.agreement, about: payload.experiment, event, in: transaction)
            },
            .on(ExperimentStarted.self) { payload, event, transaction in
                let change = SubjectChange(
                    .experimentStarted, of: payload.experiment, stands: true, event, at: payload.startedAt)
                return try await record(
                    change, of: payload.agreement, about: payload.experiment, event, in: transaction)
            },
            .on(ExperimentTerminated.self) { payload, event, transaction in
                let change = SubjectChange(
                    .experimentStarted, of: payload.experiment, stands: false, event, at: payload.terminatedAt)
                let outcome = try await record(
                    change, of: payload.agreement, about: payload.experiment, event, in: transaction)
                guard case .applied = outcome else { return outcome }
                try await cofunding.grants.releaseExperiments(
                    under: payload.agreement, only: payload.experiment, because: "the experiment was terminated",
                    context.command(event), in: transaction)
                return .applied
            },
            .on(SiteReportAccepted.self) { payload, event, transaction in
                let change = SubjectChange(
                    .siteReportAccepted, of: payload.report, stands: true, event, at: payload.acceptedAt)
                return try await record(change, of: payload.agreement, event, in: transaction)
            },
            .on(SiteReportReopened.self) { payload, event, transaction in
                let change = SubjectChange(
                    .siteReportAccepted, of: payload.report, stands: false, event, at: payload.reopenedAt)
                return try await record(change, of: payload.agreement, event, in: transaction)
            },
            .on(EvaluationPublished.self) { payload, event, transaction in
                let change = SubjectChange(
                    .evaluationPublished, of: payload.experiment, stands: true, event, at: payload.publishedAt)
                return try await record(
                    change, of: payload.agreement, about: payload.experiment, event, in: transaction)
            },
            .on(MilestoneReached.self) { payload, event, transaction in
                let change = MilestoneChange(
                    experiment: payload.experiment, milestone: payload.milestone, version: payload.version,
                    stands: true, responsesCountMin: payload.responsesCountMin, event: event.id,
                    occurredAt: payload.reachedAt)
                return try await record(change, ofExperiment: payload.experiment, event, in: transaction)
            },
            .on(MilestoneLost.self) { payload, event, transaction in
                let change = MilestoneChange(
                    experiment: payload.experiment, milestone: payload.milestone, version: payload.version,
                    stands: false, responsesCountMin: payload.responsesCountMin, event: event.id,
                    occurredAt: payload.lostAt)
                return try await record(change, ofExperiment: payload.experiment, event, in: transaction)
            },
        ]
    }

    /// A milestone names its experiment alone.
    private func record(
        _ change: MilestoneChange, ofExperiment experiment: UUID, _ event: InboundEvent,
        in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        guard let agreement = try await cofunding.agreement(of: experiment, in: transaction) else {
            return .notReady(reason: "the experiment is not known yet")
        }
        return try await record(change, of: agreement, about: experiment, event, in: transaction)
    }

    /// - Parameter experiment: that it is about, whose own agreement may rest on it too.
    private func record(
        _ change: some EvidenceChange, of agreement: UUID, about experiment: UUID? = nil, _ event: InboundEvent,
        in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        guard try await agreements.signed(agreement, isLocked: true, in: transaction) != nil else {
            return .notReady(reason: "the agreement is not signed yet")
        }
        try await tranches.record(change, of: agreement, context.command(event), in: transaction)
        try await follow(event, stands: change.stands, about: experiment, in: transaction)
        return .applied
    }

    private func follow(
        _ event: InboundEvent, stands: Bool, about experiment: UUID?, in transaction: PostgresTransaction
    ) async throws {
        guard let experiment, let own = try await agreements.ofExperiment(experiment, in: transaction) else { return }
        try await tranches.follow(event.id, stands: stands, of: own, context.command(event), in: transaction)
    }

    private func record(
        _ fact: RecordedEvidence.Fact, of agreement: UUID, about experiment: UUID? = nil, _ event: InboundEvent,
        in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        guard try await agreements.signed(agreement, isLocked: true, in: transaction) != nil else {
            return .notReady(reason: "the agreement is not signed yet")
        }
        try await tranches.record(fact, of: agreement, context.command(event), in: transaction)
        try await follow(event, stands: true, about: experiment, in: transaction)
        return .applied
    }
}

extension SubjectChange {
    /// What an event tells of its subject; the later event of a subject holds.
    fileprivate init(
        _ kind: EvidenceOf, of subject: UUID, stands: Bool, _ event: InboundEvent, at occurredAt: Date
    ) {
        self.init(
            kind: kind, subject: subject, number: event.sequence, stands: stands, event: event.id,
            occurredAt: occurredAt)
    }
}
