import ApplicationsDomain
import Events
import Inbox

/// Follows whether the animation grant of an application could be reserved.
struct GrantConsumer: Sendable {
    let grants: GrantStore

    var handlers: [EventHandler] {
        [
            .on(GrantReserved.self, order: .commutative) { payload, event, transaction in
                guard payload.kind == .animation else { return .ignored(reason: "grant of an experiment") }
                let news = GrantStanding(.reserved(grant: payload.grant, cents: payload.reservedCents), at: event.time)
                try await grants.merge(news, of: payload.application, in: transaction)
                return .applied
            },
            .on(GrantRefused.self, order: .commutative) { payload, event, transaction in
                guard payload.kind == .animation else { return .ignored(reason: "grant of an experiment") }
                let news = GrantStanding(.refused(grant: payload.grant, reason: payload.reason), at: event.time)
                try await grants.merge(news, of: payload.application, in: transaction)
                return .applied
            },
        ]
    }
}
