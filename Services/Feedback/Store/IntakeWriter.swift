import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Another transaction took an identity of this batch between our look and our insert: begin again and see it.
struct IdentityRace: Error {}

/// Writes a plan with a few statements, whatever the number of messages.
struct IntakeWriter<Session: PostgresSession>: Sendable {
    let session: Session
    /// The programme's time.
    let now: Date
    let cause: EventCause

    func write(_ plan: IntakePlan) async throws {
        try await writeIdentities(IdentityRow.rows(of: plan), recalled: plan.recalled)
        let told = ResponseEvents(plan.responses, time: now, cause: cause)
        try await writeResponses(plan.responses, told: told)
        try await quarantine(plan)
        try await writeWaits(plan)
        let milestones = try await count(plan.responses)
        try await EventLog.append(told.events + milestones, in: session)
        // Last, since an answer and its end may come in one batch.
        try await AnswerErasure(session: session).erase(plan.erasures)
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
    }

    /// What a late fact comes to.
    func write(_ plan: ReviewPlan) async throws {
        try await change(IdentityRowColumns(plan.identities))
        let told = ResponseEvents(plan.responses, time: now, cause: cause)
        try await writeResponses(plan.responses, told: told)
        let milestones = try await count(plan.responses)
        try await EventLog.append(told.events + milestones, in: session)
        try await AnswerErasure(session: session).erase(plan.responses.compactMap(\.erasure))
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
    }

    private func writeIdentities(_ rows: [IdentityRow], recalled: Set<EventIdentity>) async throws {
        let new = IdentityRowColumns(rows.filter { !recalled.contains($0.identity) })
        let inserted = new.isEmpty ? 0 : try await session.query(new.insert).affectedCount
        guard inserted == new.count else { throw IdentityRace() }
        try await change(IdentityRowColumns(rows.filter { recalled.contains($0.identity) }))
    }

    /// - Throws: ``InternalError`` when one of them is not there: its publisher would be told what nobody remembers.
    private func change(_ identities: IdentityRowColumns) async throws {
        guard !identities.isEmpty else { return }
        let changed = try await session.query(identities.update).affectedCount
        guard changed == identities.count else {
            throw InternalError(description: "\(identities.count) identities were to be changed, \(changed) are there")
        }
    }

    private func writeResponses(_ responses: [PlannedResponse], told: ResponseEvents) async throws(PostgresError) {
        guard !responses.isEmpty else { return }
        try await session.query(ResponseValueColumns(responses, told: told).insert)
        // A response and its correction may come in one batch; a statement may touch a row only once.
        let last = Dictionary(responses.map { ($0.accepted.response, $0) }) {
            $0.accepted.version > $1.accepted.version ? $0 : $1
        }
        let columns = ResponseColumns(
            responses.filter { last[$0.accepted.response]?.accepted.version == $0.accepted.version })
        try await session.query(columns.upsert)
    }

    private func quarantine(_ plan: IntakePlan) async throws(PostgresError) {
        let released = plan.releasedPositions
        if !released.isEmpty { try await session.query("delete from quarantine where position = any(\(released))") }
        guard !plan.refusals.isEmpty else { return }
        try await session.query(QuarantineColumns(plan.refusals).insert)
    }

    private func writeWaits(_ plan: IntakePlan) async throws(PostgresError) {
        let settled = plan.settledPositions
        if !settled.isEmpty { try await session.query("delete from waiting where position = any(\(settled))") }
        let new = WaitColumns(plan.waits.filter { $0.message.waiting == nil })
        if !new.isEmpty { try await session.query(new.insert) }
        let still = plan.waits.filter { $0.message.waiting != nil }
        guard !still.isEmpty else { return }
        let positions = still.compactMap(\.message.waiting?.position)
        let keys = still.map(\.dependency.key)
        try await session.query(
            """
            update waiting as w set waits_for = k.waits_for, is_due = false
            from unnest(\(positions), \(keys)) as k (position, waits_for) where w.position = k.position
            """)
    }

    /// Changes the experiments' counts and tells which milestones that reaches or loses.
    ///
    /// The experiments are locked, so a milestone is changed by exactly one transaction.
    private func count(_ responses: [PlannedResponse]) async throws(PostgresError) -> [NewEvent] {
        var counts: [UUID: Int] = [:]
        for response in responses where response.accepted.countChange != 0 {
            counts[response.submission.experiment, default: 0] += response.accepted.countChange
        }
        let experiments = counts.filter { $0.value != 0 }.keys.sorted { $0.uuidString < $1.uuidString }
        guard !experiments.isEmpty else { return [] }
        let increments = experiments.map { counts[$0, default: 0] }
        try await session.query(
            """
            update experiments as e set responses_count = e.responses_count + k.increment
            from unnest(\(experiments), \(increments)) as k (experiment, increment) where e.experiment = k.experiment
            """)
        return try await MilestoneStore(session: session).settle(in: experiments, now: now, cause: cause)
    }
}
