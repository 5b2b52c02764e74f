import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres
import ServiceRuntime

/// What experimentation tells, kept so that submissions can be judged. Every order of its events ends in the same rows.
struct ExperimentStore: Sendable {
    /// Looks again at what waited.
    let intake: IntakeStore

    func record(_ registered: ExperimentRegistered, at time: Date, in session: some PostgresSession) async throws {
        try await ExperimentLocks.take([registered.experiment], in: session)
        try await session.query(
            """
            insert into experiments (experiment, registered_at, site)
            values (\(registered.experiment), \(time), \(registered.site))
            on conflict (experiment) do update set registered_at = excluded.registered_at, site = excluded.site
            """)
    }

    func record(_ started: ExperimentStarted, cause: EventCause, in session: some PostgresSession) async throws {
        try await ExperimentLocks.take([started.experiment], in: session)
        try await session.query(
            """
            insert into experiments (experiment, started_at) values (\(started.experiment), \(started.startedAt))
            on conflict (experiment) do update set started_at = excluded.started_at
            """)
        try await intake.recall([.experiment(started.experiment)], cause: cause, in: session)
    }

    /// An end is one as planned or before its time: no answer counts after either. Answers given after it may have been
    /// counted before it was told.
    func recordEnd(
        of experiment: UUID, at end: Date, cause: EventCause, in session: some PostgresSession
    ) async throws {
        try await ExperimentLocks.take([experiment], in: session)
        try await session.query(
            """
            insert into experiments (experiment, completed_at) values (\(experiment), \(end))
            on conflict (experiment) do update set completed_at = excluded.completed_at
            """)
        try await intake.review(experiment, from: end, cause: cause, in: session)
    }

    /// Windows and consent are kept by version, since an answer is judged by those in force when it was given. The
    /// highest version says which milestones there are; what it asks for may be reached already.
    func record(
        _ approved: ProtocolApproved, at time: Date, cause: EventCause, in session: some PostgresSession
    ) async throws {
        let id = approved.experiment
        try await ExperimentLocks.take([id], in: session)
        let version = Int32(clamping: approved.protocolVersion)
        let added = try await session.query(
            """
            insert into protocol_versions (experiment, version, approved_at, consent_scope)
            values (\(id), \(version), \(time), \(approved.consentScope))
            on conflict do nothing
            """)
        guard added.affectedCount == 1 else { return }
        try await insertWindows(approved, in: session)
        let newest = try await session.query(
            """
            insert into experiments as e (experiment, protocol_version) values (\(id), \(version))
            on conflict (experiment) do update set protocol_version = excluded.protocol_version
                where e.protocol_version is null or e.protocol_version < excluded.protocol_version
            """)
        if newest.affectedCount == 1 {
            try await replaceMilestones(approved, in: session)
            let changed = try await MilestoneStore(session: session).settle(
                session.query(MilestoneStatements.state(of: [id])), now: intake.clock.now(), cause: cause)
            try await EventLog.append(changed, in: session)
        }
        try await intake.recall([.experiment(id)], cause: cause, in: session)
        // The first version holds for what was answered before it, too.
        let earlier = try await session.query(
            "select from protocol_versions where experiment = \(id) and version < \(version) limit 1")
        let from = earlier.isEmpty ? Date(timeIntervalSince1970: 0) : time
        try await intake.review(id, from: from, cause: cause, in: session)
    }

    /// What stands here never changes, and ``FactsShelf`` keeps it.
    func record(_ enrolled: [ParticipantEnrolled], cause: EventCause, in session: some PostgresSession) async throws {
        try await ExperimentLocks.take(enrolled.map(\.experiment), in: session)
        let (experiments, pseudonyms) = (enrolled.map(\.experiment), enrolled.map(\.pseudonym))
        let (participants, scopes) = (enrolled.map(\.participant), enrolled.map(\.consentScope))
        let times = enrolled.map(\.consentedAt)
        try await session.query(
            """
            insert into participants (experiment, pseudonym, participant, consent_scope, consented_at)
            select * from unnest(\(experiments), \(pseudonyms), \(participants), \(scopes), \(times))
            on conflict do nothing
            """)
        try await intake.recall(
            enrolled.map { .participant(.init(experiment: $0.experiment, pseudonym: $0.pseudonym)) }, cause: cause,
            in: session)
    }

    private func insertWindows(
        _ approved: ProtocolApproved, in session: some PostgresSession
    ) async throws(PostgresError) {
        let windows = approved.windows
        try await session.query(
            """
            insert into measure_windows
                (experiment, version, instrument, occasion, opens_day, closes_day, instrument_version)
            select \(approved.experiment), \(Int32(clamping: approved.protocolVersion)), w.* from unnest(
                \(windows.map(\.instrument)), \(windows.map(\.occasion)),
                \(windows.map { Int32(clamping: $0.opensDay) }),
                \(windows.map { Int32(clamping: $0.closesDay) }), \(windows.map(\.instrumentVersion))) as w
            on conflict do nothing
            """)
    }

    /// What an earlier version asked for and this one does not, is asked for no more; its row stays, so that the number
    /// of its changes goes on if it comes back.
    private func replaceMilestones(
        _ approved: ProtocolApproved, in session: some PostgresSession
    ) async throws(PostgresError) {
        let (names, counts) = (approved.milestones.map(\.milestone), approved.milestones.map(\.responsesCountMin))
        try await session.query(
            """
            update milestones set is_planned = false
            where experiment = \(approved.experiment) and milestone <> all(\(names))
            """)
        try await session.query(
            """
            insert into milestones as m (experiment, milestone, responses_count_min)
            select distinct on (k.milestone) \(approved.experiment), k.milestone, k.responses_count_min
            from unnest(\(names), \(counts)) as k (milestone, responses_count_min)
            order by k.milestone, k.responses_count_min
            on conflict (experiment, milestone) do update set
                responses_count_min = excluded.responses_count_min, is_planned = true
            """)
    }
}
