import Events
import ExperimentationDomain
import Inbox

/// A signed agreement makes a site, once.
struct AgreementConsumer: Sendable {
    let sites: SiteStore

    var handlers: [EventHandler] {
        [
            .on(AgreementSigned.self, order: .commutative) { payload, event, transaction in
                let site = Site(
                    id: EventID.next(at: event.time), agreement: payload.agreement, application: payload.application,
                    call: payload.call, siren: payload.lead.siren)
                let isNew = try await sites.insert(site, plannedAt: event.time, in: transaction)
                return isNew ? .applied : .ignored(reason: "the agreement has a site")
            }
        ]
    }
}
