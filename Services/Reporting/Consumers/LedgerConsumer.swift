import Events
import Inbox

/// What funding says of its ledger. Not a part of the received log: it proves figures and makes none.
enum LedgerConsumer {
    static let handlers: [EventHandler] = [
        .on(LedgerCheckpointed.self, order: .commutative) { checkpoint, _, transaction in
            try await LedgerCheckStore.note(checkpoint, in: transaction)
            return .applied
        },
        .on(LedgerSealed.self, order: .commutative) { seal, event, transaction in
            try await LedgerSealStore.keep(seal, event: event.id, in: transaction)
            return .applied
        },
    ]
}
