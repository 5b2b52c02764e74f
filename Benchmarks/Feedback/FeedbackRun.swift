import Foundation
import Postgres
import RabbitMQ

/// A system with experiments under way that takes in a workload of responses.
struct FeedbackRun: Sendable {
    /// How far a response has come.
    enum Stage: Sendable {
        /// Committed by feedback with its logged event and its receipt, which are one transaction.
        case stored
        /// In reporting's figures, and everything that feedback had to tell has left it.
        case projected
    }

    /// What was seen while a workload went through.
    struct Passage: Sendable {
        let pace: Pace
        let seconds: Double
        /// By service, in MiB and in the order of time; of several replicas the one that holds most.
        let memory: [String: [Double]]

        func peakMiB(_ service: String) -> Double { memory[service]?.max() ?? 0 }
    }

    private static let stallTimeout = Duration.seconds(60)
    private static let memoryInterval = Duration.milliseconds(250)

    let system: BenchedSystem
    let machine: Machine
    let publisher: OutsidePublisher

    init(servers: Servers) async throws {
        system = try BenchedSystem.fromEnvironment(servers)
        machine = try await Machine(of: servers)
        publisher = try OutsidePublisher.registered(in: system)
    }

    /// Makes everything anew and lets the services know what the workload's responses are about.
    func prepare(_ workload: FeedbackWorkload) async throws {
        try await system.reset(publisher)
        try await system.withServices(["feedback": 1]) { services in
            try await system.inside.publish(try workload.facts())
            for start in stride(from: 0, to: workload.participantCount, by: 1_000) {
                let participants = start..<min(start + 1_000, workload.participantCount)
                try await system.inside.publish(try workload.enrolments(participants))
            }
            let expected = workload.experiments.count * (workload.participantCount + 1)
            try await system.withDatabase { pool in
                try await wait(for: expected, in: services) { try await pool.count(Self.factsKnown) }
            }
        }
        // Reporting is not asked about experiments here: only about responses.
        try await system.inside.administer { try await $0.purge(queue: "maillage.reporting.inbox") }
    }

    /// Puts the whole workload into the publisher's queue.
    func prefill(_ workload: FeedbackWorkload) async throws {
        try await publisher.publish(workload)
        try await system.outside.waitForMessages(workload.count, in: publisher.queue)
    }

    /// Starts services on a full queue and waits until all of it has come to the stage. The clock runs from the first
    /// response that got there, so that the start of processes is left out, as it is for the peers.
    func passage(
        of workload: FeedbackWorkload, to stage: Stage, replicas: [String: Int]
    ) async throws -> Passage {
        try await system.withDatabase { pool in
            try await pool.withConnection { try await $0.executeScript("analyze; checkpoint") }
            return try await system.withServices(replicas) { services in
                let passage = try await watch(services, workload.count, to: stage, pool)
                try await wait(for: 0, in: services) { try await pool.count(Self.untold) }
                return passage
            }
        }
    }

    private func watch(
        _ services: [RunningService], _ count: Int, to stage: Stage, _ pool: PostgresPool
    ) async throws -> Passage {
        var machine = machine
        machine.services = Dictionary(grouping: services, by: \.name).mapValues { $0.map(\.identifier) }
        var began: (count: Int, at: ContinuousClock.Instant, times: ProcessorTimes)?
        var memory = MemorySamples(services: services, interval: Self.memoryInterval)
        try await wait(for: count, in: services) {
            let arrived = try await pool.count(stage == .stored ? Self.storedCount : Self.projectedCount)
            if began == nil, arrived > 0 { began = (arrived, .now, try machine.times()) }
            try memory.takeIfDue()
            guard arrived >= count, stage == .projected else { return arrived }
            return try await pool.count(Self.untold) == 0 ? count : count - 1
        }
        guard let began, began.count < count else {
            throw BenchedSystem.Failure(description: "\(count) responses are too few to be measured")
        }
        let (seconds, measured) = (began.at.duration(to: .now) / .seconds(1), count - began.count)
        return Passage(
            pace: Pace(
                rate: Double(measured) / seconds, cost: try machine.times().since(began.times).cost(per: measured)),
            seconds: seconds, memory: memory.byService)
    }

    /// Waits until a count arrives at its end. Asking takes at most a twentieth of the time: it is work for the
    /// database too.
    private func wait(
        for end: Int, in services: [RunningService], _ count: () async throws -> Int
    ) async throws {
        var (last, changedAt) = (-1, ContinuousClock.now)
        while true {
            let asked = ContinuousClock.now
            let now = try await count()
            if now == end { return }
            if now != last { (last, changedAt) = (now, .now) }
            for service in services { try service.checkIsRunning() }
            guard ContinuousClock.now < changedAt + Self.stallTimeout else {
                throw BenchedSystem.Failure(
                    description: "it stays at \(now) instead of \(end); logs: \(system.instance)/logs")
            }
            try await Task.sleep(for: max(.milliseconds(20), asked.duration(to: .now) * 20))
        }
    }

    // MARK: What the services' tables tell

    private static let factsKnown: PostgresQuery = """
        select (select count(*) from feedback.participants)
            + (select count(*) from feedback.experiments where started_at is not null and protocol_version is not null)
            as n
        """
    private static let storedCount: PostgresQuery =
        "select coalesce(sum(responses_count), 0)::bigint as n from feedback.experiments"
    static let projectedCount: PostgresQuery =
        "select coalesce(sum(responses_count), 0)::bigint as n from reporting.response_cells"
    private static let untold: PostgresQuery = """
        select ((select count(*) from (select from feedback.outbox limit 1) as o)
            + (select count(*) from (select from feedback.receipts_outbox limit 1) as r)) as n
        """
}

extension PostgresPool {
    /// The whole number `n` of a statement's only row.
    func count(_ query: PostgresQuery) async throws -> Int {
        guard let row = try await self.query(query).first else { return 0 }
        return Int(try row.get("n", as: Int64.self))
    }
}
