import Events
import FundingDomain
import Inbox
import Outbox

/// Records the State's decisions. One that cannot be served yet, because a higher rank, the envelope or the rules are
/// missing, is served by whatever brings the missing piece.
struct ApplicationConsumer: Sendable {
    let allotments: AllotmentStore
    let context: InboundContext

    var handlers: [EventHandler] {
        [
            .on(ApplicationDecided.self) { payload, event, transaction in
                let decision = Decision(payload)
                if let contradiction = decision.contradiction {
                    throw PermanentFailure(class: "contradictory-decision", reason: contradiction)
                }
                let command = context.command(event)
                switch try await allotments.record(decision, event: event.id, command, in: transaction) {
                case .recorded: return .applied
                case .knownBefore: return .ignored(reason: "the application was decided before")
                case .rankTaken:
                    throw PermanentFailure(class: "rank-taken", reason: "another application of the call has the rank")
                }
            }
        ]
    }
}

extension Decision {
    fileprivate init(_ payload: ApplicationDecided) {
        self.init(
            application: payload.application, call: payload.call, outcome: DecidedOutcome(payload.outcome),
            rank: payload.rank,
            consortium: Consortium(
                lead: Member(payload.lead), partners: payload.partners.map { Member($0) }),
            animationBudgetCents: payload.animationBudgetCents, requestedCents: payload.requestedCents,
            decidedAt: payload.decidedAt)
    }
}
