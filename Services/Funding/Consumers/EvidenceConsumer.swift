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
                let fact = Fact(condition: .siteOpened, subject: payload.site, occurredAt: payload.openedAt)
                return try await record(fact, of: payload.agreement, event, in: transaction)
            },
            .on(ExperimentRegistered.self) { payload, _, transaction in
                try await cofunding.note(
                    experiment: payload.experiment, agreement: payload.agreement, in: transaction)
                return .applied
            },
            .on(ExperimentCompleted.self) { payload, event, transaction in
                let fact = Fact(
                    condition: .experimentCompleted, subject: payload.experiment, occurredAt: payload.completedAt)
                return try await record(fact, of: payload.agreement, event, in: transaction)
            },
            .on(MilestoneReached.self) { payload, event, transaction in
                let change = MilestoneChange(
                    experiment: payload.experiment, milestone: payload.milestone, version: payload.version,
                    isReached: true, event: event.id, occurredAt: payload.reachedAt)
                return try await record(change, event, in: transaction)
            },
            .on(MilestoneLost.self) { payload, event, transaction in
                let change = MilestoneChange(
                    experiment: payload.experiment, milestone: payload.milestone, version: payload.version,
                    isReached: false, event: event.id, occurredAt: payload.lostAt)
                return try await record(change, event, in: transaction)
            },
        ]
    }

    private func record(
        _ change: MilestoneChange, _ event: InboundEvent, in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        guard let agreement = try await cofunding.agreement(of: change.experiment, in: transaction) else {
            return .notReady(reason: "the experiment is not known yet")
        }
        guard try await agreements.signed(agreement, isLocked: true, in: transaction) != nil else {
            return .notReady(reason: "the agreement is not signed yet")
        }
        try await tranches.record(change, of: agreement, context.command(event), in: transaction)
        return .applied
    }

    private struct Fact {
        let condition: ReleaseCondition
        let subject: UUID
        let occurredAt: Date
    }

    private func record(
        _ fact: Fact, of agreement: UUID, _ event: InboundEvent, in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        guard try await agreements.signed(agreement, isLocked: true, in: transaction) != nil else {
            return .notReady(reason: "the agreement is not signed yet")
        }
        let evidence = TrancheStore.EvidenceRecord(
            agreement: agreement, condition: fact.condition, event: event.id, subject: fact.subject.lowercase,
            occurredAt: fact.occurredAt)
        try await tranches.record(evidence, context.command(event), in: transaction)
        return .applied
    }
}
