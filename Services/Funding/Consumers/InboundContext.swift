import Events
import Inbox
import ServiceRuntime

/// Makes the context of what an event sets off here: done by this service, now, because of the event.
struct InboundContext: Sendable {
    let clock: ProgrammeClock

    func command(_ event: InboundEvent) -> CommandContext {
        CommandContext(actor: EventOwner.funding.rawValue, cause: event.cause, now: clock.now())
    }
}
