import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres
import ServiceRuntime

/// What became of some messages.
struct IntakeTally: Sendable, Equatable {
    var accepted = 0
    var duplicates = 0
    var refused = 0
    var waiting = 0
    /// Identifiers of persons that were masked in comments.
    var masked = 0
    /// Events that came before, and answers where one stood.
    var known = 0

    init() {}

    init(_ plan: IntakePlan) {
        accepted = plan.responses.count
        duplicates = plan.duplicateCount
        refused = plan.refusals.count
        waiting = plan.waits.count
        known = plan.duplicateCount + plan.refusals.count { $0.refusal.reason == .alreadyAnswered }
        masked = plan.responses.reduce(0) { $0 + ($1.submission.comment.map { IdentifierMask.count(in: $0) } ?? 0) }
    }

    static func += (left: inout IntakeTally, right: IntakeTally) {
        left.accepted += right.accepted
        left.duplicates += right.duplicates
        left.refused += right.refused
        left.waiting += right.waiting
        left.masked += right.masked
        left.known += right.known
    }
}

/// Corrections wait for events of a batch that has not got its experiments alone.
private struct CorrectionsWait: Error {}

/// How a batch is gone about.
struct IntakeApproach: Sendable {
    static let alone = IntakeApproach(mode: .alone)
    static let amongAdditions = IntakeApproach(mode: .amongAdditions)

    let mode: ExperimentLocks.Mode
    /// Nothing is asked about the messages themselves; fails with ``IdentityRace`` where one came before. Only in a
    /// transaction that tells no facts.
    var takesForNew = false
}

/// Takes messages in: judged, stored, logged and answered in one transaction.
///
/// Locks are taken in one order: experiments, then identities, then answers, then the experiments' counts, then the
/// streams of the event log.
struct IntakeStore: Sendable {
    /// Messages that waited and are looked at again in one transaction.
    static let recallCountMax = 500
    private static let raceAttempts = 10

    let pool: PostgresPool
    let clock: ProgrammeClock
    /// Every door reads with it, and what was kept is read again.
    let reader: SubmissionReader
    let instruments = InstrumentShelf()
    private let shelf = FactsShelf()

    var contentKey: ContentKey { reader.contentKey }

    /// Takes a batch in. After it returned, everything is committed; the same batch again changes nothing.
    /// - Parameters:
    ///   - areNew: whether the messages are taken for new until one of them is found to be there: then all begin
    ///     again, which costs more where many come twice and a third less where none does.
    ///   - whenLocked: called once the experiments are ours, also by every repetition after a conflict: what begins
    ///     then comes after this batch.
    func settle(
        _ messages: [InboundMessage], takenForNew areNew: Bool = true, whenLocked: @Sendable () -> Void = {}
    ) async throws -> IntakeTally {
        let (plan, attempts) = try await plan(messages, takenForNew: areNew, whenLocked: whenLocked)
        var tally = IntakeTally(plan)
        // What they met may be an answer that stands no more, or an event under another's name.
        if attempts > 1 { tally.known = max(tally.known, 1) }
        return tally
    }

    /// The same for somebody who waits for the receipts.
    /// - Parameter messages: each with its ``InboundMessage/answerPlace``.
    /// - Returns: one receipt for each, in the order of the places.
    func answer(
        _ messages: [InboundMessage]
    ) async throws -> (receipts: [FeedbackSubmission.Receipt], tally: IntakeTally) {
        let plan = try await plan(messages, takenForNew: false, whenLocked: {}).plan
        return (plan.answers.sorted { $0.key < $1.key }.map(\.value), IntakeTally(plan))
    }

    private func plan(
        _ messages: [InboundMessage], takenForNew areNew: Bool, whenLocked: @Sendable () -> Void
    ) async throws -> (plan: IntakePlan, attempts: Int) {
        // What one batch causes belongs together, but no single message is the cause.
        let cause = EventCause(correlationID: EventID.next().lowercase)
        let approach = messages.referToOthers ? IntakeApproach.alone : .amongAdditions
        do {
            return try await racing { transaction, attempt in
                var approach = approach
                approach.takesForNew = areNew && approach.mode == .amongAdditions && attempt == 1
                let plan = try await settle(
                    messages, approach, cause: cause, in: transaction, whenLocked: whenLocked)
                return (plan, attempt)
            }
        } catch is CorrectionsWait {
            return try await racing { transaction, attempt in
                (
                    try await settle(messages, .alone, cause: cause, in: transaction, whenLocked: whenLocked), attempt
                )
            }
        }
    }

    /// Runs a transaction until no other one takes an identity or an answer's place before it. That one has committed
    /// then: the next attempt's look sees what it wrote.
    func racing<R>(_ body: (_ transaction: PostgresTransaction, _ attempt: Int) async throws -> R) async throws -> R {
        for attempt in 1..<Self.raceAttempts {
            do {
                return try await pool.withTransaction { try await body($0, attempt) }
            } catch is IdentityRace {}
        }
        return try await pool.withTransaction { try await body($0, Self.raceAttempts) }
    }

    /// Looks again at what waits for one of these, in the transaction of what made them known.
    func recall(
        _ dependencies: [Dependency], cause: EventCause, in session: some PostgresSession
    ) async throws {
        let keys = dependencies.map(\.key)
        let rows = try await session.query(Self.waiting(for: keys))
        guard !rows.isEmpty else { return }
        if rows.count == Self.recallCountMax { try await markDue(keys, in: session) }
        try await session.query("savepoint recall")
        do {
            _ = try await settle(messages(rows), cause: cause, in: session)
            // With it goes what has not been sent yet: it has to fail in here.
            try await session.query("release savepoint recall")
        } catch {
            // What an outsider sent must not make an event of ours fail: the sweep finds the message at fault.
            guard case .messages = IntakeFailure(error) else { throw error }
            try await session.query("rollback to savepoint recall")
            try await markDue(keys, in: session)
            try await session.query("release savepoint recall")
        }
    }

    /// What waits for one of these, as far as one transaction looks at it.
    /// - Parameter keys: of the dependencies.
    static func waiting(for keys: [String]) -> PostgresQuery {
        """
        select position, publisher, source, event_id, body, clock_at, false as is_expired from waiting
        where waits_for = any(\(keys)) order by position limit \(recallCountMax)
        """
    }

    private func markDue(_ keys: [String], in session: some PostgresSession) async throws(PostgresError) {
        try await session.query("update waiting set is_due = true where waits_for = any(\(keys))")
    }

    /// The net: looks at what became due or waited too long.
    /// - Parameters:
    ///   - limit: of messages in one transaction.
    ///   - isPoisoned: refuses them instead, since they make the database fail.
    /// - Returns: how many messages were looked at.
    func sweep(
        waitSecondsMax: Int, limit: Int = recallCountMax, isPoisoned: Bool = false
    ) async throws -> Int {
        let cause = EventCause(correlationID: EventID.next().lowercase)
        return try await pool.withTransaction { transaction in
            let candidates = try messages(await due(waitSecondsMax, limit: limit, in: transaction))
            try await ExperimentLocks.take(candidates.compactMap(\.submission?.experiment), in: transaction)
            // What was settled while we waited for the locks is gone.
            let positions = candidates.compactMap(\.waiting?.position)
            let rows = try await transaction.query("select position from waiting where position = any(\(positions))")
            var left: Set<Int64> = []
            for row in rows { left.insert(try row.get("position")) }
            let messages = candidates.filter { $0.waiting.map { left.contains($0.position) } ?? false }
            _ = try await settle(isPoisoned ? messages.map(\.poisoned) : messages, cause: cause, in: transaction)
            return candidates.count
        }
    }

    private func due(
        _ waitSecondsMax: Int, limit: Int, in session: some PostgresSession
    ) async throws(PostgresError) -> PostgresRows {
        let seconds = Double(waitSecondsMax)
        return try await session.query(
            """
            select position, publisher, source, event_id, body, clock_at,
                received_at < clock_timestamp() - make_interval(secs => \(seconds)) as is_expired
            from waiting
            where is_due or received_at < clock_timestamp() - make_interval(secs => \(seconds))
            order by position limit \(limit)
            """)
    }

    private func messages(_ rows: PostgresRows) throws(PostgresError) -> [InboundMessage] {
        var messages: [InboundMessage] = []
        for row in rows {
            var message = reader.read(
                try row.get("body"), as: try EventIdentity(row), clockAt: try row.get("clock_at"))
            message.waiting = WaitingPlace(
                position: try row.get("position"), isExpired: try row.get("is_expired"))
            messages.append(message)
        }
        return messages
    }

    /// - Parameters:
    ///   - approach: one ``IntakeApproach/amongAdditions`` only where no message refers to another event.
    ///   - session: a transaction; what has not been sent yet goes with COMMIT.
    func settle(
        _ messages: [InboundMessage], _ approach: IntakeApproach = .alone, cause: EventCause,
        in session: some PostgresSession, whenLocked: () -> Void = {}
    ) async throws -> IntakePlan {
        guard !messages.isEmpty else { return IntakePlan(judge: IntakeJudge(), known: [:], publishers: [:]) }
        let reader = IntakeFactsReader(session: session)
        let submissions = messages.compactMap(\.submission)
        let experiments = Set(submissions.map(\.experiment))
        let lock = ExperimentLocks.statement(taking: experiments, approach.mode)
        let look =
            if approach.takesForNew {
                try await NewFactsReader(session: session, shelf: shelf).look(at: messages, experiments, behind: lock)
            } else {
                try await reader.look(at: messages, behind: lock)
            }
        whenLocked()
        var judge = look.judge
        judge.instruments = try await instruments.catalogue(for: submissions, judge.experiments, in: session)
        // What was refused and is judged again is open until it is.
        let reopened = Set(messages.filter { $0.quarantined?.holdsIdentity ?? false }.map(\.identity))
        judge.events = look.known.filter { !reopened.contains($0.key) }.mapValues(\.event)
        var plan = IntakePlan(judge: judge, known: look.known, publishers: look.publishers)
        plan.reserve(messages.count)
        for message in messages { plan.add(message) }
        if let corrections = look.corrections, !corrections.isEmpty {
            guard approach.mode == .alone else { throw CorrectionsWait() }
            try await addCorrections(corrections, of: messages, to: &plan, within: experiments, reader)
        }
        plan.finish()
        // A verdict that leaves no row is found out by no key.
        if approach.takesForNew, plan.refusals.contains(where: { !$0.isRemembered }) { throw IdentityRace() }
        try await IntakeWriter(session: session, now: clock.now(), cause: cause).write(plan)
        return plan
    }

    /// Corrections that came before what they correct, and corrections of those.
    private func addCorrections<Session: PostgresSession>(
        _ first: PostgresRows, of messages: [InboundMessage], to plan: inout IntakePlan, within experiments: Set<UUID>,
        _ reader: IntakeFactsReader<Session>
    ) async throws {
        var asked = Set(messages.map(\.identity))
        var keys = asked.map { Dependency.event($0).key }
        var rows = first
        while !rows.isEmpty {
            // One that names another experiment is not under our lock: the sweep looks at it.
            let found = try self.messages(rows)
            let corrections = found.filter { message in
                message.submission.map { experiments.contains($0.experiment) } ?? false
                    && !asked.contains(message.identity)
            }
            if corrections.count < found.count || rows.count == Self.recallCountMax {
                try await markDue(keys, in: reader.session)
            }
            plan.learn(try await reader.facts(for: corrections.compactMap(\.submission)))
            for correction in corrections { plan.add(correction) }
            let recent = Set(corrections.map(\.identity))
            guard !recent.isEmpty else { return }
            asked.formUnion(recent)
            keys = recent.map { Dependency.event($0).key }
            rows = try await reader.session.query(Self.waiting(for: keys))
        }
    }
}
