import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Another transaction took an identity or an answer's place between our look and our insert: begin again and see it.
struct IdentityRace: Error {}

/// Writes a plan with a few statements, whatever the number of messages.
struct IntakeWriter<Session: PostgresSession>: Sendable {
    /// From here on new rows are copied into their tables, which takes a round trip for each table and half of the
    /// server's work for every row.
    private static var loadCountMin: Int { 20 }

    let session: Session
    /// The programme's time.
    let now: Date
    let cause: EventCause

    /// New rows go first; the rest goes out together up to the counts, by which milestones are reached, and what is
    /// left with COMMIT: the counts' rows and the subjects of the log are held for no longer than that.
    func write(_ plan: IntakePlan) async throws {
        let told = ResponseEvents(plan.responses, time: now, cause: cause)
        let answers = AnswerRows(plan.responses, told: told)
        let (new, changed) = Self.identities(of: plan)
        var trip = RoundTrip()
        var checks = RowChecks()
        if new.count + answers.versions.count < Self.loadCountMin {
            checks.insert(new.new, in: &trip)
            if !answers.versions.isEmpty { _ = trip.add(answers.versions.new.insertNew) }
            checks.insert(answers.new.new, in: &trip)
        } else {
            try await load([new.new, answers.versions.new, answers.new.new])
        }
        checks.change(changed, in: &trip)
        checks.change(answers.changed, in: &trip)
        let refused = quarantine(plan, in: &trip)
        addWaits(of: plan, to: &trip)
        let counts = count(plan.responses, in: &trip)
        let results = try await trip.run(in: session)
        try checks.check(results)
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
        let answers = AnswerRows(plan.responses, told: told)
        var trip = RoundTrip()
        var checks = RowChecks()
        checks.change(IdentityRowColumns(plan.identities), in: &trip)
        if !answers.versions.isEmpty { _ = trip.add(answers.versions.new.insertNew) }
        checks.change(answers.changed, in: &trip)
        let counts = count(plan.responses, in: &trip)
        let results = try await trip.run(in: session)
        try checks.check(results)
        let milestones = try await changes(by: counts, results)
        try await EventLog.append(told.events + milestones, in: session)
        try await AnswerErasure(session: session).erase(plan.responses.compactMap(\.erasure))
        try await ReceiptsOutbox.append(plan.receipts, time: now, in: session)
    }

    /// - Throws: ``IdentityRace`` when one of the rows is there.
    private func load(_ tables: [PostgresTableRows]) async throws {
        do throws(PostgresError) {
            try await session.load(tables)
        } catch {
            throw error.isUniqueViolation ? IdentityRace() : error as any Error
        }
    }

    /// Those that nobody knew, and those that are known and say something else now.
    private static func identities(of plan: IntakePlan) -> (new: IdentityRowColumns, changed: IdentityRowColumns) {
        let rows = IdentityRow.rows(of: plan)
        guard !plan.recalled.isEmpty else { return (IdentityRowColumns(rows), IdentityRowColumns([])) }
        let changed = rows.filter { plan.recalled.contains($0.identity) }.map { row in
            var row = row
            // The bytes of one that waited may be masked; what it said is known from its arrival.
            if !plan.rehashed.contains(row.identity) { row.contentHash = [] }
            return row
        }
        return (IdentityRowColumns(rows.filter { !plan.recalled.contains($0.identity) }), IdentityRowColumns(changed))
    }

    /// What has to be there, or must not be, when statements are through.
    private struct RowChecks {
        private var races: [(place: Int, count: Int)] = []
        private var changed: (place: Int, count: Int)?

        mutating func insert(_ rows: PostgresTableRows, in trip: inout RoundTrip) {
            if !rows.isEmpty { races.append((trip.add(rows.insertNew), rows.count)) }
        }

        mutating func change(_ identities: IdentityRowColumns, in trip: inout RoundTrip) {
            if !identities.isEmpty { changed = (trip.add(identities.update), identities.count) }
        }

        mutating func change(_ responses: ResponseColumns, in trip: inout RoundTrip) {
            if !responses.isEmpty { races.append((trip.add(responses.upsert), responses.count)) }
        }

        /// - Throws: ``IdentityRace`` when somebody else's row stands where one of these was to be, or
        ///   ``InternalError`` when an identity that is to be changed is not there: its publisher would be told what
        ///   nobody remembers.
        func check(_ results: [PostgresRows]) throws {
            for race in races where results[race.place].affectedCount != race.count { throw IdentityRace() }
            guard let changed, results[changed.place].affectedCount != changed.count else { return }
            let count = results[changed.place].affectedCount
            throw InternalError(description: "\(changed.count) identities were to be changed, \(count) are there")
        }
    }

    // MARK: Responses

    /// The rows of responses, in one order for all writers.
    private struct AnswerRows {
        let versions: ResponseValueColumns
        /// Of responses that nobody knew.
        let new: ResponseColumns
        let changed: ResponseColumns

        init(_ responses: [PlannedResponse], told: ResponseEvents) {
            let order = responses.enumerated().map { AnswerPlace($1, number: $0) }.sorted()
            versions = ResponseValueColumns(order.lazy.map { responses[$0.number] }, told: told)
            // A response and its correction may come in one batch; a statement may touch a row only once.
            let newest = order.enumerated().filter { place, answer in
                place + 1 == order.count || !order[place + 1].isOf(answer)
            }.map { responses[$1.number] }
            new = ResponseColumns(newest.lazy.filter { $0.accepted.version == 1 })
            changed = ResponseColumns(newest.lazy.filter { $0.accepted.version > 1 })
        }
    }

    /// Where an answer stands, to be sorted by instead of the answers, which are many times as large.
    private struct AnswerPlace: Comparable {
        private let participant: OrderedKey
        private let instrument: String
        private let occasion: String
        private let version: Int
        let number: Int

        init(_ response: PlannedResponse, number: Int) {
            participant = OrderedKey(response.accepted.participant)
            instrument = response.submission.instrument
            occasion = response.submission.occasion
            version = response.accepted.version
            self.number = number
        }

        func isOf(_ other: AnswerPlace) -> Bool {
            participant == other.participant && instrument == other.instrument && occasion == other.occasion
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
