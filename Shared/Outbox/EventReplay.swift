package import Events
package import Postgres
import RabbitMQ

/// Publishes old events of a log once more, to one listener's queue of replays and nowhere else, as the relay made
/// them; values about persons only where they still exist.
package struct EventReplay: Sendable {
    package struct Order: Sendable {
        package var listener: EventOwner
        package var generation: Int
        /// The first position.
        package var from: Int64 = 1
        /// All that the listener follows, or some of it.
        package var types: Set<EventType>?
        /// Events per second at most.
        package var rate: Int?
        /// Counts and publishes nothing.
        package var isDryRun = false

        package init(listener: EventOwner, generation: Int) {
            self.listener = listener
            self.generation = generation
        }
    }

    package struct Progress: Sendable, Equatable {
        /// Everything up to here is done.
        package fileprivate(set) var position: Int64
        /// Where it ends.
        package let end: Int64
        package fileprivate(set) var eventCount = 0
    }

    /// Why a replay did not reach its end; starting again behind `position` goes on with it.
    package struct Failure: Error, CustomStringConvertible {
        package let position: Int64
        package let reason: String
        package var description: String { "\(reason); go on with --from-position \(position + 1)" }
    }

    /// Positions that are looked at together: how many of them are wanted is not known before.
    private static let rangeMax: Int64 = 5_000
    private static let batchCountMax = 500
    private static let attemptCountMax = 5
    private static let publishDeadline = Duration.seconds(30)

    private let owner: EventOwner
    private let pool: PostgresPool
    private let publisher: any MessagePublisher
    private let order: Order
    private let types: [String]

    /// - Parameter publisher: as a user who may write to the default exchange.
    package init(owner: EventOwner, pool: PostgresPool, publisher: any MessagePublisher, order: Order) {
        self.owner = owner
        self.pool = pool
        self.publisher = publisher
        self.order = order
        types = EventCatalogue.entries.map(\.type).filter {
            $0.owner == owner && $0.noun != CheckpointSlice.noun && EventCatalogue.follows(order.listener, $0)
                && (order.types?.contains($0) ?? true)
        }.map(\.name)
    }

    /// Whether there is anything that the listener would get.
    package var hasTypes: Bool { !types.isEmpty }

    /// Publishes up to the position that is the last when it begins; what commits later comes through the relay.
    /// - Parameter report: called after each part.
    /// - Throws: ``Failure`` with the position to go on from; `CancellationError`.
    package func run(report: (Progress) -> Void) async throws -> Progress {
        var progress = Progress(position: max(0, order.from - 1), end: try await end())
        var factory = MessageFactory(owner: owner)
        let startedAt = ContinuousClock.now
        while progress.position < progress.end {
            try Task.checkCancellation()
            let part = try await next(behind: progress)
            for start in stride(from: 0, to: part.positions.count, by: batchCount) {
                let positions = Array(part.positions[start..<min(start + batchCount, part.positions.count)])
                try await publish(positions, &factory, behind: progress.position)
                progress.eventCount += positions.count
                progress.position = positions[positions.count - 1]
                report(progress)
                try await keepPace(progress.eventCount, since: startedAt)
            }
            progress.position = part.end
        }
        report(progress)
        return progress
    }

    private var batchCount: Int { min(Self.batchCountMax, max(1, order.rate ?? Self.batchCountMax)) }

    private func end() async throws(PostgresError) -> Int64 {
        try await pool.query("select coalesce(max(position), 0) as last from events").first?.get("last") ?? 0
    }

    /// The wanted positions of the next range, and where that ends.
    private func next(behind progress: Progress) async throws(PostgresError) -> (positions: [Int64], end: Int64) {
        let end = min(progress.end, progress.position + Self.rangeMax)
        let rows = try await pool.query(
            """
            select position from events
            where position > \(progress.position) and position <= \(end) and type = any(\(types)) order by position
            """)
        var positions: [Int64] = []
        positions.reserveCapacity(rows.count)
        for row in rows { positions.append(try row.get("position")) }
        return (positions, end)
    }

    private func publish(_ positions: [Int64], _ factory: inout MessageFactory, behind last: Int64) async throws {
        guard !order.isDryRun else { return }
        let queue = EventCatalogue.replayQueue(of: order.listener, generation: order.generation)
        var left = try await OutboxStore.rows(at: positions, &factory, in: pool).compactMap { row in
            row.message.map { message in
                var message = message
                message.exchange = ""
                message.routingKey = queue
                return message
            }
        }
        for attempt in 1...Self.attemptCountMax {
            let outcomes = await publisher.publish(left, deadline: Self.publishDeadline)
            let failed = zip(left, outcomes).filter { $0.1 != .confirmed }
            guard let first = failed.first else { return }
            if case .returned(_, let reason) = first.1 {
                throw Failure(position: last, reason: "the broker has no queue \(queue) (\(reason))")
            }
            guard attempt < Self.attemptCountMax else {
                throw Failure(position: last, reason: "\(failed.count) events were not confirmed (\(first.1))")
            }
            // Those that were confirmed are not sent again; the order between subjects' events may change by this,
            // which the listener mends as it does for every delivery.
            left = failed.map(\.0)
            try await Task.sleep(for: .milliseconds(100 << attempt))
        }
    }

    private func keepPace(_ count: Int, since start: ContinuousClock.Instant) async throws {
        guard let rate = order.rate, rate > 0 else { return }
        try await Task.sleep(until: start + .seconds(1) * (Double(count) / Double(rate)), clock: .continuous)
    }
}
