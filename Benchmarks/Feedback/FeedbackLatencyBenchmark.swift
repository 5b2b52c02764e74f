import Foundation
import Postgres
import RabbitMQ

/// From the instant at which a response is due at the publisher until it stands in reporting's figures, at half of the
/// rate that the chain came to just before with the publisher at work: taking a message from a publisher costs the
/// broker more than all that follows, and a full queue hides that. The figures are read by SQL, every 5 ms or so, and a
/// response counts as visible when the answer is here: at most that much too late.
///
/// The baseline is what cannot be left out: the broker's confirm to the publisher, from the same instant.
struct FeedbackLatencyBenchmark {
    let feedback: FeedbackRun
    /// Of the run that finds the maximum rate.
    let count: Int
    let rounds: Int

    private static let seconds = 20
    /// They find cold caches, unprepared statements and connections to be made.
    private static let warmUpSeconds = 3
    private static let beatsPerSecond = 200
    private static let timeout = Duration.seconds(60)

    func run() async throws -> [BenchmarkResult] {
        var (ours, confirms): ([Percentiles], [Percentiles]) = ([], [])
        var rate = 0
        for round in 1...rounds {
            rate = try await sustainedRate() / 2
            let passage = try await passage(perSecond: rate)
            ours.append(passage.visible)
            confirms.append(passage.confirmed)
            print("feedback-latency at \(rate)/s, round \(round): \(passage.visible); confirmed: \(passage.confirmed)")
        }
        return [
            .latency(
                "feedback-latency", p50: BenchmarkResult.median(ours.map(\.p50)),
                p99: BenchmarkResult.median(ours.map(\.p99)),
                baseline: ("the broker's confirm", BenchmarkResult.median(confirms.map(\.p99))),
                count: rate * (Self.seconds - Self.warmUpSeconds))
        ]
    }

    /// Responses per second from a publisher that sends as fast as the broker confirms into the figures.
    private func sustainedRate() async throws -> Int {
        let workload = FeedbackWorkload(count: count)
        return try await withChain(for: workload) { pool, _ in
            let began = ContinuousClock.now
            async let published: Void = feedback.publisher.publish(workload, from: 1)
            while try await pool.count(FeedbackRun.projectedCount) < workload.count {
                guard ContinuousClock.now < began + Self.timeout * 10 else {
                    throw BenchedSystem.Failure(description: "not all of \(workload.count) became visible")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            let seconds = began.duration(to: .now) / .seconds(1)
            try await published
            return Int(Double(workload.count - 1) / seconds)
        }
    }

    private func passage(perSecond: Int) async throws -> (visible: Percentiles, confirmed: Percentiles) {
        let workload = FeedbackWorkload(count: perSecond * Self.seconds)
        return try await withChain(for: workload) { pool, publisher in
            let beat = Beat(perSecond: perSecond, beatsPerSecond: Self.beatsPerSecond, count: workload.count)
            async let confirmed = publish(workload, on: beat, by: publisher)
            let visible = try await watch(workload, on: beat, pool)
            return (visible: visible, confirmed: try await confirmed)
        }
    }

    /// Both services at work, with the first response of the workload in the figures.
    private func withChain<R>(
        for workload: FeedbackWorkload, _ body: (PostgresPool, RabbitPublisher) async throws -> R
    ) async throws -> R {
        try await feedback.prepare(workload)
        return try await feedback.system.withServices(["feedback": 1, "reporting": 1]) { _ in
            try await feedback.system.withDatabase { pool in
                let publisher = feedback.publisher.connect()
                // One response goes ahead: once it is visible, all connections stand.
                try await feedback.publisher.send(0..<1, of: workload, by: publisher)
                while try await pool.count(FeedbackRun.projectedCount) == 0 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                let result = try await body(pool, publisher)
                await publisher.close()
                return result
            }
        }
    }

    /// Sends what is due at each beat, and does not wait for what was due before.
    private func publish(
        _ workload: FeedbackWorkload, on beat: Beat, by publisher: RabbitPublisher
    ) async throws -> Percentiles {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for number in 0..<beat.beatCount {
                let (due, numbers) = (beat.due(number), beat.messages(number))
                if due > .now { try await Task.sleep(until: due, tolerance: .zero) }
                group.addTask { [feedback] in
                    try await feedback.publisher.send(numbers, of: workload, by: publisher)
                    let took = (ContinuousClock.now - due) / .milliseconds(1)
                    return number < Self.warmUpSeconds * Self.beatsPerSecond ? [] : numbers.map { _ in took }
                }
            }
            return Percentiles(of: try await group.reduce(into: []) { $0 += $1 })
        }
    }

    /// Responses of an experiment become visible in the order in which they were sent, so a count tells which.
    private func watch(_ workload: FeedbackWorkload, on beat: Beat, _ pool: PostgresPool) async throws -> Percentiles {
        let places = Dictionary(uniqueKeysWithValues: workload.experiments.enumerated().map { ($1, $0) })
        var (seen, seenCount) = (places.mapValues { _ in 0 }, 0)
        var milliseconds: [Double] = []
        let deadline = beat.due(beat.beatCount) + Self.timeout
        while seenCount < workload.count {
            guard ContinuousClock.now < deadline else {
                throw BenchedSystem.Failure(description: "only \(seenCount) of \(workload.count) became visible")
            }
            let rows = try await pool.query(Self.visible)
            let now = ContinuousClock.now
            for row in rows {
                let experiment: UUID = try row.get("experiment")
                let count = Int(try row.get("n", as: Int64.self))
                guard let place = places[experiment], let before = seen[experiment] else { continue }
                for index in before..<count {
                    let number = place + index * workload.experiments.count
                    guard number >= Self.warmUpSeconds * beat.perSecond else { continue }
                    milliseconds.append((now - beat.due(beat.number(of: number))) / .milliseconds(1))
                }
                seen[experiment] = count
                seenCount += count - before
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return Percentiles(of: milliseconds)
    }

    private static let visible: PostgresQuery =
        "select experiment, sum(responses_count)::bigint as n from reporting.response_cells group by experiment"
}

/// When which messages of a workload are due. The first message of all has gone ahead.
private struct Beat: Sendable {
    let perSecond: Int
    let beatsPerSecond: Int
    let count: Int
    private let began = ContinuousClock.now

    init(perSecond: Int, beatsPerSecond: Int, count: Int) {
        self.perSecond = perSecond
        self.beatsPerSecond = beatsPerSecond
        self.count = count
    }

    var beatCount: Int { (count * beatsPerSecond + perSecond - 1) / perSecond }

    func due(_ beat: Int) -> ContinuousClock.Instant { began + .seconds(1) * beat / beatsPerSecond }

    func messages(_ beat: Int) -> Range<Int> { max(1, first(beat))..<max(1, min(count, first(beat + 1))) }

    /// The beat of a message.
    func number(of message: Int) -> Int { ((message + 1) * beatsPerSecond - 1) / perSecond }

    /// How many messages are due before it.
    private func first(_ beat: Int) -> Int { beat * perSecond / beatsPerSecond }
}
