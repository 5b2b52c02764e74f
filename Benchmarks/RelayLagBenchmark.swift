import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import Synchronization

/// How long an event is on its way from its commit to the broker's confirm while 1,000 and then 2,000 commands a second
/// commit one each. The beat does not wait for slow ones; how many a second it came to is printed: on two processors,
/// which clients, database, relay and broker share, 2,000 are about all that there is room for.
/// The baseline is what cannot be left out: messages of the same size at the same rate from a publisher, one by one,
/// without database and relay.
struct RelayLagBenchmark {
    let servers: Servers
    let rounds: Int

    private static let seconds = 20
    /// A replica's pool has as many connections.
    private static let workerCount = 8

    func run() async throws -> [BenchmarkResult] {
        [try await run(perSecond: 1_000), try await run(perSecond: 2_000)]
    }

    private func run(perSecond: Int) async throws -> BenchmarkResult {
        var (ours, bare): ([Percentiles], [Percentiles]) = ([], [])
        for round in 1...rounds {
            ours.append(try await relayed(perSecond))
            bare.append(try await published(perSecond))
            print(
                "relay-lag at \(perSecond)/s, round \(round): ours \(ours[round - 1]), "
                    + "publisher alone \(bare[round - 1])")
        }
        return .latency(
            "relay-lag-\(perSecond)", p50: BenchmarkResult.median(ours.map(\.p50)),
            p99: BenchmarkResult.median(ours.map(\.p99)),
            baseline: ("publisher alone", BenchmarkResult.median(bare.map(\.p99))),
            count: (Self.seconds - 1) * perSecond)
    }

    private func relayed(_ perSecond: Int) async throws -> Percentiles {
        let stopwatch = Stopwatch()
        try await servers.withDatabase(
            schema: "feedback", migrations: OutboxSchema.migrations, connectionCountMax: Self.workerCount + 8
        ) { pool, _ in
            try await servers.withQueue { queue in
                let publisher = RabbitPublisher(
                    configuration: servers.broker, windowMax: 500, logger: Servers.quietLogger)
                let timed = RedirectedPublisher(publisher: publisher, exchange: queue) { stopwatch.stop($0) }
                let wakeUp = RelayWakeUp()
                let relay = OutboxRelay(
                    owner: .feedback, pool: pool, publisher: timed, wakeUp: wakeUp, logger: Servers.quietLogger)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await relay.run() }
                    let seconds = try await onABeat(perSecond) { number, _ in
                        let event = Self.event(number)
                        try await pool.withTransaction { try await EventLog.append([event], in: $0) }
                        stopwatch.start(event.id.lowercase, number: number, at: .now)
                        wakeUp.signal()
                    }
                    let count = Self.seconds * perSecond
                    print("relay-lag: \(Int(Double(count) / seconds)) commands/s")
                    try await stopwatch.waitForAll(count)
                    group.cancelAll()
                    try await group.waitForAll()
                }
                await publisher.close()
            }
        }
        // The first second finds cold caches and unprepared statements.
        return stopwatch.percentiles(from: perSecond)
    }

    private func published(_ perSecond: Int) async throws -> Percentiles {
        let stopwatch = Stopwatch()
        try await servers.withQueue { queue in
            let publisher = RabbitPublisher(
                configuration: servers.broker, windowMax: 500, logger: Servers.quietLogger)
            let timed = RedirectedPublisher(publisher: publisher, exchange: queue) { stopwatch.stop($0) }
            _ = try await onABeat(perSecond) { number, due in
                let id = UUID().lowercase
                stopwatch.start(id, number: number, at: due)
                let message = OutgoingMessage(
                    exchange: queue, routingKey: MilestoneReached.type.name,
                    body: Array(repeating: 0x20, count: Self.messageBytes),
                    messageID: id, contentType: "application/octet-stream")
                _ = await timed.publish([message], deadline: .seconds(30))
            }
            try await stopwatch.waitForAll(Self.seconds * perSecond)
            await publisher.close()
        }
        return stopwatch.percentiles(from: perSecond)
    }

    private static var messageBytes: Int {
        EventEnvelope(
            id: UUID(), type: MilestoneReached.type, subject: UUID().lowercase, time: Date(), sequence: 1,
            correlationID: UUID().lowercase, data: Array(repeating: 0x20, count: 200)
        ).encoded().count
    }

    private static func event(_ number: Int) -> NewEvent {
        let now = Date()
        let payload = MilestoneReached(
            experiment: UUID(), milestone: "mi-parcours", responsesCountMin: number, responsesCount: number,
            reachedAt: now)
        return NewEvent(
            payload, subject: payload.experiment.lowercase, time: now, actor: "bench",
            cause: EventCause(correlationID: payload.experiment.lowercase))
    }

    /// Runs every command at its instant, on whichever worker is free.
    /// - Returns: seconds until the last had ended.
    private func onABeat(
        _ perSecond: Int,
        _ command: @escaping @Sendable (_ number: Int, _ due: ContinuousClock.Instant) async throws -> Void
    ) async throws -> Double {
        let began = ContinuousClock.now
        let begun = ItemCount()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.workerCount {
                group.addTask {
                    while true {
                        let number = begun.next()
                        guard number < Self.seconds * perSecond else { return }
                        let due = began + .seconds(Double(number) / Double(perSecond))
                        if due > .now { try await Task.sleep(until: due, tolerance: .zero) }
                        try await command(number, due)
                    }
                }
            }
            try await group.waitForAll()
        }
        return began.duration(to: .now) / .seconds(1)
    }
}

/// In milliseconds.
struct Percentiles: CustomStringConvertible {
    let p50: Double
    let p99: Double

    init(of values: [Double]) {
        let sorted = values.sorted()
        p50 = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        p99 = sorted.isEmpty ? 0 : sorted[sorted.count * 99 / 100]
    }

    var description: String { "p50 \(rounded(p50)) ms, p99 \(rounded(p99)) ms" }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

/// Begins and ends by message id; an end may come before its beginning, when the broker confirms before the commit's
/// caller goes on.
private final class Stopwatch: Sendable {
    private struct State {
        var began: [String: (number: Int, at: ContinuousClock.Instant)] = [:]
        var ended: [String: ContinuousClock.Instant] = [:]
        var milliseconds: [(number: Int, took: Double)] = []
    }

    private let state = Mutex(State())

    func start(_ id: String, number: Int, at instant: ContinuousClock.Instant) {
        state.withLock { state in
            if state.ended.removeValue(forKey: id) != nil {
                state.milliseconds.append((number, 0))
            } else {
                state.began[id] = (number, instant)
            }
        }
    }

    func stop(_ ids: [String]) {
        let now = ContinuousClock.now
        state.withLock { state in
            for id in ids {
                if let (number, began) = state.began.removeValue(forKey: id) {
                    state.milliseconds.append((number, (now - began) / .milliseconds(1)))
                } else {
                    state.ended[id] = now
                }
            }
        }
    }

    func waitForAll(_ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while state.withLock({ $0.milliseconds.count }) < count {
            guard ContinuousClock.now < deadline else {
                throw Servers.Unusable(description: "not every event was confirmed within a minute")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func percentiles(from first: Int) -> Percentiles {
        Percentiles(of: state.withLock { $0.milliseconds.filter { $0.number >= first }.map(\.took) })
    }
}
