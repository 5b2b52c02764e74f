import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres
import ServiceRuntime

/// Judges again what a late fact speaks about, so that every order of arrival has one end: in steps that are bounded,
/// from a row that outlives a crash. The caller holds the lock on the experiment.
struct ReviewStore<Session: PostgresSession>: Sendable {
    /// Responses or refused events that are looked at in one transaction.
    static var stepCountMax: Int { 500 }

    let session: Session
    let intake: IntakeStore
    let cause: EventCause

    /// Notes that answers given from then on may have to be judged anew. In the normal order there are none yet, and
    /// nothing is noted.
    func note(_ experiment: UUID, from time: Date) async throws(PostgresError) {
        try await session.query(
            """
            insert into reviews as r (experiment, from_time)
            select \(experiment), \(time)
            where exists (select from responses where experiment = \(experiment) and touched_at >= \(time))
                or exists (
                    select from quarantine
                    where experiment = \(experiment) and reason = any(\(Refusal.Reason.revisable)))
            on conflict (experiment) do update set from_time = least(r.from_time, excluded.from_time),
                after_participant = null, after_instrument = null, after_occasion = null, are_responses_done = false,
                after_position = 0, has_accepted = false, attempts = 0, due_at = excluded.due_at
            """)
    }

    /// Notes that what was refused may have to be judged anew, since an instrument became known; what counts, counts.
    func note(_ experiments: [UUID]) async throws(PostgresError) {
        try await session.query(
            """
            insert into reviews as r (experiment, from_time, are_responses_done)
            select *, \(Date.distantFuture), true from unnest(\(experiments))
            on conflict (experiment) do update
                set after_position = 0, has_accepted = false, attempts = 0, due_at = excluded.due_at
            """)
    }

    /// Goes on with the review of an experiment, up to the bound.
    func advance(_ experiment: UUID) async throws {
        var budget = Self.stepCountMax
        while budget > 0, let progress = try await progress(of: experiment) {
            let looked =
                progress.areResponsesDone
                ? try await reviewRefused(experiment, progress, limit: budget)
                : try await reviewResponses(experiment, progress, limit: budget)
            budget -= max(looked, 1)
        }
    }

    private struct Progress {
        let from: Date
        let after: ResponseKey?
        let areResponsesDone: Bool
        let afterPosition: Int64
        let hasAccepted: Bool
    }

    private func progress(of experiment: UUID) async throws(PostgresError) -> Progress? {
        let rows = try await session.query("select * from reviews where experiment = \(experiment)")
        guard let row = rows.first else { return nil }
        let participant: UUID? = try row.get("after_participant")
        var after: ResponseKey?
        if let participant {
            after = ResponseKey(
                participant: participant, instrument: try row.get("after_instrument"),
                occasion: try row.get("after_occasion"))
        }
        return Progress(
            from: try row.get("from_time"), after: after, areResponsesDone: try row.get("are_responses_done"),
            afterPosition: try row.get("after_position"), hasAccepted: try row.get("has_accepted"))
    }

    // MARK: Responses

    private func reviewResponses(_ experiment: UUID, _ progress: Progress, limit: Int) async throws -> Int {
        let reader = ReviewReader(session: session, experiment: experiment)
        let stored = try await reader.responses(touchedFrom: progress.from, after: progress.after, limit: limit)
        let facts = try await IntakeFactsReader(session: session).experiments([experiment])
        let instruments = try await intake.instruments.catalogue(for: [], facts, in: session)
        let plan = ReviewPlan(stored, facts: facts, instruments: instruments)
        try await IntakeWriter(session: session, now: intake.clock.now(), cause: cause).write(plan)
        let last = stored.last?.key
        let isDone = stored.count < limit
        try await session.query(
            """
            update reviews set attempts = 0, are_responses_done = \(isDone), after_participant = \(last?.participant),
                after_instrument = \(last?.instrument), after_occasion = \(last?.occasion)
            where experiment = \(experiment)
            """)
        return stored.count
    }

    // MARK: What was refused

    private func reviewRefused(_ experiment: UUID, _ progress: Progress, limit: Int) async throws -> Int {
        let rows = try await session.query(
            """
            select q.position, q.publisher, q.source, q.event_id, q.body, q.clock_at
            from quarantine as q
            join identities as i on i.key = identity_key(q.publisher, q.source, q.event_id)
                and i.outcome = 'refused' and i.reason = q.reason
            where q.experiment = \(experiment) and q.position > \(progress.afterPosition)
                and q.reason = any(\(Refusal.Reason.revisable)) and q.erased_at is null
            order by q.position limit \(limit)
            """)
        var messages: [InboundMessage] = []
        for row in rows {
            var message = intake.reader.read(
                try row.get("body"), as: try EventIdentity(row), clockAt: try row.get("clock_at"))
            message.quarantined = QuarantinePlace(position: try row.get("position"))
            messages.append(message)
        }
        let plan = try await intake.settle(messages, cause: cause, in: session)
        let hasAccepted = progress.hasAccepted || !plan.responses.isEmpty
        if rows.count == limit {
            try await session.query(
                """
                update reviews set attempts = 0, after_position = \(messages.last?.quarantined?.position),
                    has_accepted = \(hasAccepted)
                where experiment = \(experiment)
                """)
        } else if hasAccepted {
            try await session.query(
                """
                update reviews set attempts = 0, after_position = 0, has_accepted = false
                where experiment = \(experiment)
                """)
        } else {
            try await session.query("delete from reviews where experiment = \(experiment)")
        }
        return rows.count
    }
}

extension Refusal.Reason {
    /// Those that a fact may remove. The others are about the message itself, or about time that has passed.
    static let revisable =
        [
            Refusal.Reason.experimentCompleted, .beforeStart, .notInProtocol, .outsideWindow, .consentMissing,
            .alreadyAnswered, .amendsRefused, .amendsOtherResponse, .amendsOutdated, .unknownInstrument, .answersCount,
            .levelOutOfRange, .nothingAnswered, .answerMissing,
        ].map(\.rawValue)
}
