import Events
import Inbox

/// Who may invite: the organisation whose site it is.
enum SiteConsumer {
    static let handlers: [EventHandler] = [
        .on(SiteOpened.self, order: .commutative) { opened, _, transaction in
            try await SiteStore.record(opened, in: transaction)
            return .applied
        }
    ]
}
