import ApplicationsDomain
import Events
import Inbox
import Postgres

/// A signed agreement ends an application.
struct AgreementConsumer: Sendable {
    let applications: ApplicationStore
    let grants: GrantStore

    var handlers: [EventHandler] {
        [.on(AgreementSigned.self, order: .commutative, apply: sign)]
    }

    @Sendable private func sign(
        _ payload: AgreementSigned, _ event: InboundEvent, in transaction: PostgresTransaction
    ) async throws -> HandlerOutcome {
        let agreement = SignedAgreement(
            agreement: payload.agreement, grantedCents: payload.grantedCents, signedAt: payload.signedAt)
        guard try await grants.insert(agreement, of: payload.application, in: transaction) else {
            return .ignored(reason: "the application has an agreement")
        }
        let context = CommandContext(actor: "applications", cause: event.cause, now: event.time)
        do {
            try await applications.contract(payload.application, context: context, in: transaction)
        } catch let refusal as ApplicationsError {
            // Nobody can sign for an application that the State did not fund; someone has to look at this.
            throw PermanentFailure(class: refusal.explanation.slug, reason: refusal.explanation.title)
        } catch StoreRefusal.notFound {
            throw PermanentFailure(class: "not-found", reason: "no such application")
        }
        return .applied
    }
}
