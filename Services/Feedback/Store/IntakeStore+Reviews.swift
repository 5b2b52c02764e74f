import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// One step of a review.
struct ReviewStep: Sendable {
    struct Failure: Sendable {
        /// In a row.
        let attempts: Int
        let error: any Error
    }

    let experiment: UUID
    /// nil when it went on; otherwise it was put off.
    var failure: Failure?
}

/// What a late fact speaks about is judged again, in steps.
extension IntakeStore {
    private static let retrySecondsMin = 5.0
    private static let retrySecondsMax = 3_600.0

    /// Goes on with the review that is due longest. One that fails is put off, so that it holds up no other.
    /// - Returns: nil when none is due.
    /// - Throws: when the database is away.
    func reviewOldest() async throws -> ReviewStep? {
        let rows = try await pool.query(
            "select experiment from reviews where due_at <= clock_timestamp() order by due_at limit 1")
        guard let row = rows.first else { return nil }
        let experiment: UUID = try row.get("experiment")
        let cause = EventCause(correlationID: EventID.next().lowercase)
        do {
            try await pool.withTransaction { transaction in
                try await review(experiment, cause: cause, in: transaction)
            }
            return ReviewStep(experiment: experiment)
        } catch {
            if case .stop = IntakeFailure(error) { throw error }
            // Also where the database is at fault: one review may be too much for it, and the others are not.
            guard let attempts = try? await postpone(experiment) else { throw error }
            return ReviewStep(experiment: experiment, failure: .init(attempts: attempts, error: error))
        }
    }

    private func postpone(_ experiment: UUID) async throws(PostgresError) -> Int {
        let rows = try await pool.query(
            """
            update reviews set attempts = attempts + 1, due_at = clock_timestamp() + make_interval(
                secs => least(\(Self.retrySecondsMin) * 2.0 ^ least(attempts, 20), \(Self.retrySecondsMax)))
            where experiment = \(experiment) returning attempts
            """)
        guard let row = rows.first else { return 0 }
        return Int(try row.get("attempts", as: Int32.self))
    }

    /// Goes on with the review of an experiment, if there is one.
    private func review(_ experiment: UUID, cause: EventCause, in session: some PostgresSession) async throws {
        try await ExperimentLocks.take([experiment], in: session)
        try await ReviewStore(session: session, intake: self, cause: cause).advance(experiment)
    }

    /// Judges again what a late fact speaks about, as much as one transaction may; the sweep does the rest.
    /// - Parameter time: answers given before it are not touched.
    func review(
        _ experiment: UUID, from time: Date, cause: EventCause, in session: some PostgresSession
    ) async throws {
        try await ReviewStore(session: session, intake: self, cause: cause).note(experiment, from: time)
        try await session.query("savepoint review")
        do {
            try await review(experiment, cause: cause, in: session)
            // With it goes what has not been sent yet: it has to fail in here.
            try await session.query("release savepoint review")
        } catch {
            // What an outsider sent must not make an event of ours fail: the sweep tries again.
            guard case .messages = IntakeFailure(error) else { throw error }
            try await session.query("rollback to savepoint review")
            try await session.query("release savepoint review")
        }
    }
}
