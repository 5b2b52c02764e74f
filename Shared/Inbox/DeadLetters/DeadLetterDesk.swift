import Events
import FoundationEssentials
package import Logging
import Observability
package import Postgres

/// Where people look at dead letters and settle them. Every act is noted with who, why and what came of it, in the
/// transaction of the act; it needs no broker, because what it appends is published by the relay of a running service.
package struct DeadLetterDesk: Sendable {
    private static let attemptCountMax = 3

    private let pool: PostgresPool
    private let handlers: HandlerTable
    private let logger: Logger

    /// - Parameter handlers: the service's own, one per event type.
    package init(pool: PostgresPool, handlers: [EventHandler], logger: Logger) {
        self.pool = pool
        self.handlers = HandlerTable(handlers)
        self.logger = logger
    }

    // MARK: Looking

    /// Open dead letters by cause, at most a hundred causes, each with its first examples.
    package func groups(exampleCount: Int = 3) async throws -> [DeadLetterGroup] {
        try await DeadLetterShelf(pool).groups(exampleCount: exampleCount)
    }

    package func letter(_ id: Int64) async throws -> DeadLetter? { try await DeadLetterShelf(pool).letter(id) }

    /// What was done to it, newest first.
    package func acts(on id: Int64) async throws -> [DeadLetterAct] { try await DeadLetterTrail(pool).acts(on: id) }

    /// Notes that somebody is about to see a body, which may hold values about persons.
    package func noteLook(at id: Int64, by: String, reason: String) async throws {
        let entry = DeadLetterTrail.Entry(id: UUID(), letter: id, kind: .showBody, by: by, reason: reason)
        try await DeadLetterTrail(pool).add(entry, outcome: "shown", detail: "")
        logger.notice("the body of a dead letter was shown", metadata: [LogKeys.deadLetter: "\(id)"])
    }

    /// Open ones of a class, in the order in which they can be settled.
    package func open(class: String, limit: Int) async throws -> [Int64] {
        try await DeadLetterShelf(pool).open(class: `class`, limit: limit)
    }

    /// Ids in the order in which they can be settled: those of one subject by their sequence.
    package func inOrder(_ ids: [Int64]) async throws -> [Int64] { try await DeadLetterShelf(pool).inOrder(ids) }

    // MARK: Acting

    /// Does what ``settle(_:_:by:)`` would do, and undoes it.
    package func rehearse(_ settlement: Settlement, _ id: Int64) async throws -> DeadLetterResult {
        struct Rehearsed: Error { let result: DeadLetterResult }
        do {
            return try await pool.withTransaction { transaction -> DeadLetterResult in
                // The error is what undoes it.
                throw Rehearsed(result: try await DeadLetterSettlement(transaction, handlers).run(settlement, id))
            }
        } catch let rehearsed as Rehearsed {
            return rehearsed.result
        } catch {
            return try failure(error, id)
        }
    }

    /// Settles a dead letter, and notes that.
    /// - Returns: also what could not be done, which is noted as well.
    /// - Throws: when the database is not there; then nothing was done.
    package func settle(
        _ settlement: Settlement, _ id: Int64, by people: FourEyes
    ) async throws -> DeadLetterResult {
        let act = DeadLetterTrail.Entry(
            id: UUID(), letter: id, kind: settlement == .retry ? .retry : .drop, by: people.by, second: people.second,
            reason: people.reason)
        var result: DeadLetterResult
        do {
            result = try await settle(settlement, act)
        } catch {
            result = try failure(error, id)
            let entry = DeadLetterTrail.Entry(
                id: UUID(), letter: id, kind: act.kind, by: act.by, second: act.second, reason: act.reason)
            try await DeadLetterTrail(pool).add(entry, outcome: result.outcome.rawValue, detail: result.detail)
        }
        logger.notice(
            "a dead letter was handled",
            metadata: [
                LogKeys.deadLetter: "\(id)", LogKeys.component: "\(settlement.rawValue)",
                LogKeys.slug: "\(result.outcome.rawValue)", LogKeys.eventType: "\(result.event?.type ?? "")",
                LogKeys.eventID: "\(result.event?.id.lowercase ?? "")", LogKeys.reason: "\(result.detail)",
            ])
        return result
    }

    /// Runs the transaction. When nobody knows whether it was committed, its act tells; when that is not there, running
    /// it again is safe, because the letter's state decides.
    private func settle(
        _ settlement: Settlement, _ act: DeadLetterTrail.Entry
    ) async throws -> DeadLetterResult {
        var attemptCount = 0
        while true {
            attemptCount += 1
            var result: DeadLetterResult?
            do {
                return try await pool.withTransaction { transaction in
                    let reached = try await DeadLetterSettlement(transaction, handlers).run(settlement, act.letter)
                    result = reached
                    try await DeadLetterTrail(transaction).add(
                        act, outcome: reached.outcome.rawValue, detail: reached.detail)
                    return reached
                }
            } catch let error as PostgresError where error.code == .commitUnknown {
                if try await DeadLetterTrail(pool).contains(act.id), let result { return result }
                guard attemptCount < Self.attemptCountMax else { throw error }
            }
        }
    }

    /// What an error of the transaction means for the letter; an outage is thrown on.
    private func failure(_ error: any Error, _ id: Int64) throws -> DeadLetterResult {
        switch FailureKind(error) {
        case .stop, .outage: throw error
        case .conflict:
            return DeadLetterResult(id, .failed, "conflict: others were in the way; try again")
        case .permanent:
            let failure = (error as? HandlerFailure ?? HandlerFailure(eventID: nil, error: error)).permanent
            return DeadLetterResult(id, .failed, "\(failure.class): \(failure.reason)")
        }
    }
}
