import Events
import FundingDomain
import Inbox

/// Serves requests for the co-funding of experiments from the call's experiments envelope.
struct CofundingConsumer: Sendable {
    let cofunding: CofundingStore
    let context: InboundContext

    var handlers: [EventHandler] {
        [
            .on(CofundingRequested.self) { payload, event, transaction in
                let request = CofundingRequest(
                    experiment: payload.experiment, agreement: payload.agreement, application: payload.application,
                    call: payload.call, siren: payload.siren, budgetCents: payload.budgetCents,
                    requestedCents: payload.requestedCents, requestedAt: event.time)
                switch try await cofunding.settle(request, context.command(event), in: transaction) {
                case .settled: return .applied
                case .settledBefore: return .ignored(reason: "the co-funding was settled before")
                case .waiting(let gap): return .notReady(reason: "\(gap) is not known yet")
                }
            }
        ]
    }
}
