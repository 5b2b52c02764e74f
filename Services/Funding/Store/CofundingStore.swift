import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.UUID

/// Experiments, the agreement of each, and their co-funding.
struct CofundingStore: Sendable {
    let grants: GrantStore
    let agreements: AgreementStore

    /// How a request for co-funding ended.
    enum Settlement: Equatable {
        case settled
        case settledBefore
        /// Something that it needs has not arrived.
        case waiting(for: String)
    }

    /// Notes under which agreement an experiment runs.
    func note(experiment: UUID, agreement: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into experiments (experiment, agreement) values (\(experiment), \(agreement))
            on conflict do nothing
            """)
    }

    /// The agreement under which an experiment runs; nil while that is not known.
    func agreement(of experiment: UUID, in session: some PostgresSession) async throws -> UUID? {
        try await session.query(
            "select agreement from experiments where experiment = \(experiment)"
        ).first?.get("agreement")
    }

    /// Grants or refuses the co-funding of an experiment, once.
    func settle(
        _ request: CofundingRequest, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Settlement {
        try await note(experiment: request.experiment, agreement: request.agreement, in: session)
        guard try await !grants.isSettled(experiment: request.experiment, in: session) else { return .settledBefore }
        guard let agreement = try await agreements.signed(request.agreement, isLocked: true, in: session) else {
            return .waiting(for: "the agreement")
        }
        if agreement.state == .suspended { return .waiting(for: "the resumption of the agreement") }
        let envelope = try await EnvelopeStore.id(of: agreement.call, .experiments, in: session)
        let ruleSets = try await RuleSetStore.all(in: session)
        // The right is conferred now; a request that waited has none yet.
        let aid = try await BeneficiaryAidStore.lock(
            of: agreement.consortium.lead.siren, at: command.now, in: session)
        switch request.step(
            under: agreement, ruleSets: ruleSets, envelope: envelope, grant: EventID.next(), aid: aid)
        {
        case .wait(let gap):
            return .waiting(for: "the \(gap.rawValue)")
        case .refuse(let refusal):
            try await refuse(refusal, request, command, in: session)
        case .reserve(let claim):
            if try await grants.reserve(claim, command, in: session) {
                try await approve(claim, request, command, in: session)
            } else {
                try await refuse(.exhausted(claim), request, command, in: session)
            }
        }
        return .settled
    }

    private func approve(
        _ claim: GrantClaim, _ request: CofundingRequest, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let payload = CofundingApproved(
            experiment: request.experiment, grant: claim.subject.grant, agreement: request.agreement,
            budgetCents: request.budgetCents, approvedCents: claim.result.grantedCents,
            ruleSet: claim.result.ruleSet, derivation: claim.result.derivation.map { AppliedRule($0) })
        try await EventLog.append([command.event(payload, about: request.experiment)], in: session)
    }

    private func refuse(
        _ refusal: GrantRefusal, _ request: CofundingRequest, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        try await grants.refuse(refusal, command, in: session)
        let payload = CofundingRefused(
            experiment: request.experiment, agreement: request.agreement, requestedCents: request.requestedCents,
            reason: refusal.reason)
        try await EventLog.append([command.event(payload, about: request.experiment)], in: session)
    }
}
