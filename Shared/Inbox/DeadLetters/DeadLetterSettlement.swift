import Events
import FoundationEssentials
import Postgres

/// What a person may do with a dead letter.
package enum Settlement: String, Sendable {
    /// Hands the stored message to the handlers once more.
    case retry
    /// Gives it up: its sequence counts as handled, and what waited behind it goes on.
    case drop
}

/// Settles one dead letter inside a transaction, under the locks that the inbox takes.
///
/// The letter's row is locked first, so that of two who retry it one finds it settled. The message, and then those that
/// waited behind it, run in savepoints: what fails is undone by itself, and all else still commits or not together.
struct DeadLetterSettlement {
    private let transaction: PostgresTransaction
    private let handlers: HandlerTable

    init(_ transaction: PostgresTransaction, _ handlers: HandlerTable) {
        self.transaction = transaction
        self.handlers = handlers
    }

    func run(_ settlement: Settlement, _ id: Int64) async throws -> DeadLetterResult {
        let shelf = DeadLetterShelf(transaction)
        guard let letter = try await shelf.lock(id) else {
            return DeadLetterResult(
                id, .unknown, "there is no dead letter \(id): `dead-letters list` shows the open ones")
        }
        guard letter.state == .open else {
            return DeadLetterResult(id, .settledBefore, "it was \(letter.state.rawValue) before")
        }
        let last = try await shelf.lastPosition()
        var result =
            switch settlement {
            case .retry: try await retry(letter)
            case .drop: try await drop(letter)
            }
        guard result.outcome.isSettled else { return result }
        try await shelf.settle(id, as: settlement == .retry ? .retried : .dropped)
        var causes = [letter.event?.id].compactMap { $0 }
        // What could not be read when it came has a place in its subject now.
        let revived = settlement == .retry ? result.event.flatMap { handlers.isSequenced($0) ? $0.key : nil } : nil
        if let key = sequencedKey(letter) ?? revived { causes += try await release(key, into: &result) }
        result.published = try await shelf.published(behind: last, causedBy: causes)
        return result
    }

    // MARK: The letter

    private func retry(_ letter: DeadLetter) async throws -> DeadLetterResult {
        guard letter.failureClass != PermanentFailure.outsideClass else {
            return DeadLetterResult(
                letter.id, .refused, "it came from outside and was never an event of ours: look at it, then drop it")
        }
        let source = MessageSource(
            exchange: letter.exchange, routingKey: letter.routingKey, headers: letter.headers, body: letter.body)
        let event: InboundEvent
        do throws(PermanentFailure) {
            event = try BatchContents.event(source)
        } catch {
            return DeadLetterResult(letter.id, .failed, error.text)
        }
        var result = DeadLetterResult(letter.id, .applied)
        result.event = event
        // What could not be read when it came was noted under its digest; it may have come again as it should be.
        if letter.eventID == nil, try await InboxStore(transaction).insert([event]).isEmpty {
            result.outcome = .duplicate
            return result
        }
        let message = InboundMessage(event: event, source: source, isSequenced: handlers.isSequenced(event))
        do {
            let effects = try await within { try await revive(message) }
            (result.outcome, result.detail) = Self.outcome(of: effects)
        } catch {
            guard case .permanent = FailureKind(error) else { throw error }
            let failure = error as? HandlerFailure ?? HandlerFailure(eventID: nil, error: error)
            (result.outcome, result.detail) = (.failed, failure.permanent.text)
        }
        return result
    }

    private func revive(_ message: InboundMessage) async throws -> InboxEffects {
        var work = InboxTransaction(transaction, handlers)
        return try await work.revive(message)
    }

    private static func outcome(of effects: InboxEffects) -> (DeadLetterResult.Outcome, String) {
        if let parking = effects.parkings.first { return (.parked, parking.reason) }
        if effects.duplicateCount > 0 { return (.duplicate, "its sequence was applied before") }
        return effects.ignoredCount > 0 ? (.ignored, "it means nothing here") : (.applied, "")
    }

    private func drop(_ letter: DeadLetter) async throws -> DeadLetterResult {
        var result = DeadLetterResult(letter.id, .dropped)
        result.event = letter.event
        guard let key = sequencedKey(letter), let sequence = letter.sequence else { return result }
        let store = InboxStore(transaction)
        guard let place = try await store.lock([key])[key], place.last < sequence else { return result }
        guard sequence == place.last + 1 else {
            // Its followers must not pass those before it, and nobody knows yet what becomes of these.
            let predecessor = place.last + 1
            let state = place.dead == predecessor ? "lies among the dead letters too" : "has not been applied"
            result.outcome = .refused
            result.detail = "its predecessor \(predecessor) \(state): settle that one first"
            return result
        }
        try await store.advance([(key, sequence)])
        return result
    }

    // MARK: Those behind it

    /// Applies what waited behind the letter as far as it goes, and notes for what the rest waits now.
    /// - Returns: the events that took effect.
    private func release(_ key: OrderKey, into result: inout DeadLetterResult) async throws -> [UUID] {
        var followers: [UUID] = []
        // A follower that fails is buried and stops the next pass, so there are two at most; the bound is a net.
        passes: for _ in 0..<3 {
            do {
                followers = try await within { try await resume(key) }
                break passes
            } catch {
                guard case .permanent = FailureKind(error) else { throw error }
                guard let failure = error as? HandlerFailure, let id = failure.eventID,
                    try await DeadLetterStore(transaction).buryParked(id, failure.permanent) != nil
                else { break passes }  // Nobody can say which of them it was: the sweep looks at them one by one.
                result.buriedCount += 1
            }
        }
        result.followerCount = followers.count
        try await DeadLetterShelf(transaction).renew(key)
        return followers
    }

    private func resume(_ key: OrderKey) async throws -> [UUID] {
        guard let place = try await InboxStore(transaction).lock([key])[key] else { return [] }
        var work = InboxTransaction(transaction, handlers)
        return try await work.resume(key, place).unparked
    }

    private func sequencedKey(_ letter: DeadLetter) -> OrderKey? {
        guard let owner = letter.owner.flatMap(EventOwner.init(rawValue:)), let stream = letter.stream,
            let subject = letter.subject, handlers.isSequenced(owner, stream)
        else { return nil }
        return OrderKey(owner: owner, stream: stream, subject: subject)
    }

    /// Runs work in a savepoint, up to its deferred constraints: a commit that failed could not say whose fault it was.
    private func within<R>(_ work: () async throws -> R) async throws -> R {
        try await transaction.query("savepoint settlement")
        do {
            let value = try await work()
            try await transaction.query("set constraints all immediate")
            try await transaction.query("set constraints all deferred")
            try await transaction.query("release savepoint settlement")
            return value
        } catch {
            // A conflict ends the transaction anyway; all else is undone up to here.
            if case .permanent = FailureKind(error) {
                try await transaction.query("rollback to savepoint settlement")
                try await transaction.query("release savepoint settlement")
            }
            throw error
        }
    }
}

extension PermanentFailure {
    fileprivate var text: String { "\(`class`): \(reason)" }
}
