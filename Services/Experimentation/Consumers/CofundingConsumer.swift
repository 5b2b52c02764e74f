import Events
import ExperimentationDomain
import FoundationEssentials
import Inbox
import Postgres

/// Takes in what funding decided about an experiment's co-funding.
struct CofundingConsumer: Sendable {
    let experiments: ExperimentStore

    var handlers: [EventHandler] {
        [
            .on(CofundingApproved.self, order: .commutative) { payload, event, transaction in
                try await settle(payload.experiment, .approved(cents: payload.approvedCents), event, transaction)
            },
            .on(CofundingRefused.self, order: .commutative) { payload, event, transaction in
                try await settle(payload.experiment, .refused(reason: payload.reason), event, transaction)
            },
        ]
    }

    private func settle(
        _ experiment: UUID, _ outcome: Cofunding, _ event: InboundEvent, _ transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        let target = CommandTarget(id: experiment, reach: .all, expectedVersion: nil)
        let context = CommandContext(actor: "experimentation", cause: event.cause, now: event.time)
        do {
            _ = try await experiments.change(target, context: context, in: transaction) { _ in
                .settleCofunding(outcome)
            }
        } catch ExperimentationError.cofundingSettled(let state) {
            // Money for an experiment that asked for none is a contradiction between two services.
            guard state != .notRequested else {
                throw PermanentFailure(class: "cofunding-not-requested", reason: "the experiment asked for no money")
            }
            return .ignored(reason: "the co-funding is \(state.rawValue)")
        } catch StoreRefusal.notFound {
            throw PermanentFailure(class: "not-found", reason: "no such experiment")
        }
        return .applied
    }
}
