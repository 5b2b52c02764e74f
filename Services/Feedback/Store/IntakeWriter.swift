import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Another transaction took an identity or an answer's place between our look and our insert: begin again and see it.
struct IdentityRace: Error {}

/// Writes a plan with a few statements, whatever the number of messages.
struct IntakeWriter<Session: PostgresSession>: Sendable {
    let session: Session
    /// The programme's time.
    let now: Date
    let cause: EventCause

    /// Everything goes out together up to the counts, by which milestones are reached, and the rest with COMMIT: the
    /// counts' rows and the subjects of the log are held for no longer than that.
    func write(_ plan: IntakePlan) async throws {
        let told = ResponseEvents(plan.responses, time: now, cause: cause)
        var trip = RoundTrip()
        let identities = IdentityPlaces(plan, in: &trip)
        let responses = ResponsePlaces(plan.responses, told: told, in: &trip)
        let refused = quarantine(plan, in: &trip)
        addWaits(of: plan, to: &trip)
        let counts = count(plan.responses, in: &trip)
        let results = try await trip.run(in: session)
        try identities.check(results)
        try responses.check(results)
        let repeated = try refused.map { try alreadyThere(results[$0], of: plan) } ?? [:]
        let milestones = try await changes(by: counts, results)
        try await EventLog.append(told.events + milestones, in: session)
        // Last, since an answer and its end may come in one batch.
        try await AnswerErasure(session: session).erase(plan.erasures)
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
        // Last, because batches of one publisher wait for each other here.
        try await note(repeated: plan.repeatedCounts.merging(repeated, uniquingKeysWith: +))
    }

    /// What a late fact comes to.
    func write(_ plan: ReviewPlan) async throws {
        let told = ResponseEvents(plan.responses, time: now, cause: cause)
        var trip = RoundTrip()
        let identities = IdentityPlaces(changing: IdentityRowColumns(plan.identities), in: &trip)
        let responses = ResponsePlaces(plan.responses, told: told, in: &trip)
        let counts = count(plan.responses, in: &trip)
        let results = try await trip.run(in: session)
        try identities.check(results)
        try responses.check(results)
        let milestones = try await changes(by: counts, results)
        try await EventLog.append(told.events + milestones, in: session)
        try await AnswerErasure(session: session).erase(plan.responses.compactMap(\.erasure))
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
    }

    // MARK: Identities

    private struct IdentityPlaces {
        private var inserted: (place: Int, count: Int)?
        private var changed: (place: Int, count: Int)?

        init(_ plan: IntakePlan, in trip: inout RoundTrip) {
            let rows = IdentityRow.rows(of: plan)
            let new = IdentityRowColumns(rows.filter { !plan.recalled.contains($0.identity) })
            if !new.isEmpty { inserted = (trip.add(new.insert), new.count) }
            // The bytes of one that waited may be masked; what it said is known from its arrival.
            let changed = rows.filter { plan.recalled.contains($0.identity) }.map { row in
                var row = row
                if !plan.rehashed.contains(row.identity) { row.contentHash = [] }
                return row
            }
            change(IdentityRowColumns(changed), in: &trip)
        }

        init(changing identities: IdentityRowColumns, in trip: inout RoundTrip) { change(identities, in: &trip) }

        private mutating func change(_ identities: IdentityRowColumns, in trip: inout RoundTrip) {
            if !identities.isEmpty { changed = (trip.add(identities.update), identities.count) }
        }

        /// - Throws: ``IdentityRace``, or ``InternalError`` when one that is to be changed is not there: its publisher
        ///   would be told what nobody remembers.
        func check(_ results: [PostgresRows]) throws {
            if let inserted, results[inserted.place].affectedCount != inserted.count { throw IdentityRace() }
            guard let changed, results[changed.place].affectedCount != changed.count else { return }
            let count = results[changed.place].affectedCount
            throw InternalError(description: "\(changed.count) identities were to be changed, \(count) are there")
        }
    }

    // MARK: Responses

    private struct ResponsePlaces {
        private var upserted: (place: Int, count: Int)?

        init(_ responses: [PlannedResponse], told: ResponseEvents, in trip: inout RoundTrip) {
            guard !responses.isEmpty else { return }
            // In one order for all writers, as the identities.
            let responses = responses.enumerated().map { AnswerPlace($1, number: $0) }.sorted()
                .map { responses[$0.number] }
            _ = trip.add(ResponseValueColumns(responses, told: told).insert)
            // A response and its correction may come in one batch; a statement may touch a row only once.
            var versions: [UUID: Int] = [:]
            for response in responses {
                versions[response.accepted.response] = max(
                    versions[response.accepted.response] ?? 0, response.accepted.version)
            }
            let newest = responses.filter { versions[$0.accepted.response] == $0.accepted.version }
            upserted = (trip.add(ResponseColumns(newest).upsert), newest.count)
        }

        /// - Throws: ``IdentityRace`` when somebody else's answer stands where one of these was to be.
        func check(_ results: [PostgresRows]) throws(IdentityRace) {
            guard let upserted, results[upserted.place].affectedCount != upserted.count else { return }
            throw IdentityRace()
        }
    }

    /// Where an answer stands, to be sorted by instead of the answers, which are many times as large.
    private struct AnswerPlace: Comparable {
        private let participant: UUID
        private let instrument: String
        private let occasion: String
        private let version: Int
        let number: Int

        init(_ response: PlannedResponse, number: Int) {
            participant = response.accepted.participant
            instrument = response.submission.instrument
            occasion = response.submission.occasion
            version = response.accepted.version
            self.number = number
        }

        /// A participant is of one experiment.
        static func < (left: AnswerPlace, right: AnswerPlace) -> Bool {
            if left.participant != right.participant { return left.participant < right.participant }
            return (left.instrument, left.occasion, left.version)
                < (right.instrument, right.occasion, right.version)
        }
    }

    // MARK: What does not count yet

    /// - Returns: the place of the statement that tells which were kept; nil when nothing was refused.
    private func quarantine(_ plan: IntakePlan, in trip: inout RoundTrip) -> Int? {
        let released = plan.releasedPositions
        if !released.isEmpty { _ = trip.add("delete from quarantine where position = any(\(released))") }
        return plan.refusals.isEmpty ? nil : trip.add(QuarantineColumns(plan.refusals).insert)
    }

    /// How many messages lay there already that had no identity of their own, by publisher.
    private func alreadyThere(_ kept: PostgresRows, of plan: IntakePlan) throws(PostgresError) -> [String: Int] {
        let anonymous = plan.refusals.filter { !$0.isRemembered && $0.message.quarantined == nil }
        guard !anonymous.isEmpty else { return [:] }
        var counts: [String: Int] = [:]
        for refusal in anonymous { counts[refusal.message.publisher, default: 0] += 1 }
        for row in kept {
            if try row.get("is_remembered", as: Bool.self) { continue }
            counts[try row.get("publisher"), default: 0] -= 1
        }
        return counts
    }

    private func note(repeated counts: [String: Int]) async throws(PostgresError) {
        for (publisher, count) in counts.sorted(by: { $0.key < $1.key }) where count > 0 {
            try await session.enqueue(
                """
                insert into repeated_messages as r (publisher, day, message_count)
                values (\(publisher), (clock_timestamp() at time zone 'UTC')::date, \(count))
                on conflict (publisher, day) do update set message_count = r.message_count + excluded.message_count
                """)
        }
    }

    private func addWaits(of plan: IntakePlan, to trip: inout RoundTrip) {
        let settled = plan.settledPositions
        if !settled.isEmpty { _ = trip.add("delete from waiting where position = any(\(settled))") }
        let new = WaitColumns(plan.waits.filter { $0.message.waiting == nil })
        if !new.isEmpty { _ = trip.add(new.insert) }
        let still = plan.waits.filter { $0.message.waiting != nil }
        guard !still.isEmpty else { return }
        let positions = still.compactMap(\.message.waiting?.position)
        let keys = still.map(\.dependency.key)
        _ = trip.add(
            """
            update waiting as w set waits_for = k.waits_for, is_due = false
            from unnest(\(positions), \(keys)) as k (position, waits_for) where w.position = k.position
            """)
    }

    // MARK: Counts

    private typealias CountPlaces = (experiments: [UUID], milestones: Int)

    /// Changes the experiments' counts, in one order for everybody, and looks at their milestones behind that. Who has
    /// the rows of the counts decides alone which milestones are reached.
    private func count(_ responses: [PlannedResponse], in trip: inout RoundTrip) -> CountPlaces? {
        var counts: [UUID: Int] = [:]
        for response in responses where response.accepted.countChange != 0 {
            counts[response.submission.experiment, default: 0] += response.accepted.countChange
        }
        let experiments = counts.filter { $0.value != 0 }.keys.sorted { $0.uuidString < $1.uuidString }
        guard !experiments.isEmpty else { return nil }
        let increments = experiments.map { counts[$0, default: 0] }
        _ = trip.add(
            """
            update experiments as e set responses_count = e.responses_count + k.increment
            from (
                select e.experiment, k.increment
                from unnest(\(experiments), \(increments)) as k (experiment, increment)
                join experiments as e on e.experiment = k.experiment
                order by e.experiment for no key update of e
            ) as k where e.experiment = k.experiment
            """)
        return (experiments, trip.add(MilestoneStatements.state(of: experiments)))
    }

    private func changes(by counts: CountPlaces?, _ results: [PostgresRows]) async throws(PostgresError) -> [NewEvent] {
        guard let counts else { return [] }
        return try await MilestoneStore(session: session).settle(results[counts.milestones], now: now, cause: cause)
    }
}
