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
        try await writeIdentities(IdentityRow.rows(of: plan), plan)
        try await writeResponses(plan.responses)
        let repeated = try await quarantine(plan)
        try await writeWaits(plan)
        let milestones = try await count(plan.responses)
        try await EventLog.append(events(of: plan.responses) + milestones, in: session)
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
        // Last, because batches of one publisher wait for each other here.
        try await note(repeated: plan.repeatedCounts.merging(repeated, uniquingKeysWith: +))
    }

    /// What a late fact comes to.
    func write(_ plan: ReviewPlan) async throws {
        let identities = IdentityRowColumns(plan.identities)
        if !identities.isEmpty { try await session.query(identities.update) }
        try await writeResponses(plan.responses)
        let milestones = try await count(plan.responses)
        try await EventLog.append(events(of: plan.responses) + milestones, in: session)
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
    }

    private func writeIdentities(_ rows: [IdentityRow], _ plan: IntakePlan) async throws {
        let new = IdentityRowColumns(rows.filter { !plan.recalled.contains($0.identity) })
        let inserted = new.isEmpty ? 0 : try await session.query(new.insert).affectedCount
        guard inserted == new.count else { throw IdentityRace() }
        // The bytes of one that waited may be masked; what it said is known from its arrival.
        let changed = IdentityRowColumns(
            rows.filter { plan.recalled.contains($0.identity) }.map { row in
                var row = row
                if !plan.rehashed.contains(row.identity) { row.contentHash = [] }
                return row
            })
        if !changed.isEmpty { try await session.query(changed.update) }
    }

    private func writeResponses(_ responses: [PlannedResponse]) async throws(PostgresError) {
        guard !responses.isEmpty else { return }
        let values = ResponseValueColumns(responses)
        try await session.query(values.insert)
        let retracted = RetractedColumns(responses)
        if !retracted.isEmpty { try await session.query(retracted.delete) }
        // A response and its correction may come in one batch; a statement may touch a row only once.
        let last = Dictionary(responses.map { ($0.accepted.response, $0) }) {
            $0.accepted.version > $1.accepted.version ? $0 : $1
        }
        let columns = ResponseColumns(
            responses.filter { last[$0.accepted.response]?.accepted.version == $0.accepted.version })
        try await session.query(columns.upsert)
    }

    /// - Returns: how many messages lay there already that had no identity of their own, by publisher.
    private func quarantine(_ plan: IntakePlan) async throws(PostgresError) -> [String: Int] {
        let released = plan.releasedPositions
        if !released.isEmpty { try await session.query("delete from quarantine where position = any(\(released))") }
        guard !plan.refusals.isEmpty else { return [:] }
        let rows = try await session.query(QuarantineColumns(plan.refusals).insert)
        let anonymous = plan.refusals.filter { !$0.isRemembered && $0.message.quarantined == nil }
        guard !anonymous.isEmpty else { return [:] }
        var counts: [String: Int] = [:]
        for refusal in anonymous { counts[refusal.message.publisher, default: 0] += 1 }
        for row in rows {
            if try row.get("is_remembered", as: Bool.self) { continue }
            counts[try row.get("publisher"), default: 0] -= 1
        }
        return counts
    }

    private func note(repeated counts: [String: Int]) async throws(PostgresError) {
        for (publisher, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 {
            try await session.query(
                """
                insert into repeated_messages as r (publisher, day, message_count)
                values (\(publisher), (clock_timestamp() at time zone 'UTC')::date, \(count))
                on conflict (publisher, day) do update set message_count = r.message_count + excluded.message_count
                """)
        }
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

    private func events(of responses: [PlannedResponse]) -> [NewEvent] {
        var first: [UUID: [PlannedResponse]] = [:]
        var later: [PlannedResponse] = []
        for response in responses {
            if response.accepted.version == 1 {
                first[response.submission.experiment, default: []].append(response)
            } else {
                later.append(response)
            }
        }
        var events: [NewEvent] = []
        for (experiment, responses) in first.sorted(by: { $0.key.uuidString < $1.key.uuidString }) {
            for range in EventSplit.responses.ranges(byteCounts: responses.map(\.byteCountMax)) {
                let part = responses[range]
                events.append(
                    event(
                        ResponsesRecorded(
                            experiment: experiment, items: part.map(\.item), personal: part.compactMap(\.values)),
                        about: experiment))
            }
        }
        return events + later.map(change)
    }

    private func change(_ response: PlannedResponse) -> NewEvent {
        let experiment = response.submission.experiment
        let item = response.item
        switch response.accepted.standing {
        case .valid:
            return event(
                ResponseAmended(experiment: experiment, item: item, personal: response.values), about: experiment)
        case .retracted: return event(ResponseRetracted(experiment: experiment, item: item), about: experiment)
        case .excluded:
            let reason = if case .fact(let reason) = response.origin { reason } else { "" }
            return event(ResponseExcluded(experiment: experiment, item: item, reason: reason), about: experiment)
        }
    }

    private func event(_ payload: some EventPayload, about experiment: UUID) -> NewEvent {
        NewEvent(
            payload, subject: experiment.lowercase, time: now, actor: EventOwner.feedback.rawValue, cause: cause)
    }
}
