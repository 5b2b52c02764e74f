import Events
import FundingDomain
import Inbox

/// Notes the money that a published call announces: no envelope may be above it.
struct CallConsumer: Sendable {
    let envelopes: EnvelopeStore

    var handlers: [EventHandler] {
        [
            .on(CallPublished.self) { payload, _, transaction in
                let funds = CallFunds(
                    call: payload.call, animationCents: payload.animationEnvelopeCents,
                    experimentsCents: payload.experimentsEnvelopeCents)
                try await envelopes.note(funds, wave: payload.wave, in: transaction)
                return .applied
            }
        ]
    }
}
