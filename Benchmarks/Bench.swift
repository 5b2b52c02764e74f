import ArgumentParser
import Foundation

/// Measures ourselves beside baselines in the same run, on the same servers. Ratios count; absolute rates are context.
///
/// Servers: `MAILLAGE_BENCH_DATABASE_URL` and `MAILLAGE_BENCH_BROKER_URL`, and the instance that they belong to
/// (``BenchedSystem``). They must be on this machine: databases and queues are made and dropped.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Figures beside their baselines, as .local/bench.json and as a table.")

    /// What can be named with `--only`.
    enum Benchmark: String, CaseIterable, ExpressibleByArgument {
        case relay, inbox
        case relayLag = "relay-lag"
        case feedbackIntake = "feedback-intake"
        case feedbackChain = "feedback-chain"
        case feedbackLatency = "feedback-latency"
        case feedbackReplicas = "feedback-replicas"
        case memory
        case costGrowth = "cost-growth"
        case feedbackBacklog = "feedback-backlog"
        case fundingReserve = "funding-reserve"

        /// Only when it is named: it takes half an hour and some ten gigabytes.
        var isLong: Bool { self == .costGrowth || self == .feedbackBacklog }

        /// So that a round of ours takes long enough to be measured.
        var count: Int {
            switch self {
            case .relay, .inbox, .relayLag: 50_000
            case .feedbackIntake, .feedbackChain, .feedbackReplicas: 500_000
            case .feedbackLatency, .costGrowth: 200_000
            case .memory: 1_000_000
            case .feedbackBacklog: 2_000_000
            case .fundingReserve: 60_000
            }
        }
    }

    @Option(
        help: "one of \(Benchmark.allCases.map(\.rawValue).joined(separator: ", ")); all that are not long if left out")
    var only: Benchmark?

    @Option(help: "rows or messages per round, instead of the benchmark's own")
    var count: Int?

    @Option(help: "rounds, ours and the baselines in turns; the median counts")
    var rounds = 3

    @Option(help: "cost-growth: responses of the large past")
    var stored = 10_000_000

    @Option(help: "where the results go; figures of other benchmarks stay in it")
    var output = ".local/bench.json"

    func validate() throws {
        if let count, !(1_000...10_000_000).contains(count) || !count.isMultiple(of: 1_000) {
            throw ValidationError("--count must be a multiple of 1,000 up to 10,000,000")
        }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds must be 1 … 100") }
        guard (10_000...100_000_000).contains(stored) else {
            throw ValidationError("--stored must be 10,000 … 100,000,000")
        }
    }

    func run() async throws {
        let servers = try Servers.fromEnvironment()
        let peers = try Peers.build(for: servers)
        var results: [BenchmarkResult] = []
        for benchmark in only.map({ [$0] }) ?? Benchmark.allCases.filter({ !$0.isLong }) {
            let more = try await self.results(of: benchmark, servers, peers)
            // A later one that fails takes no figure away.
            try BenchmarkResult.merge(more, into: output)
            results += more
        }
        print(BenchmarkResult.table(results))
    }

    private func results(
        of benchmark: Benchmark, _ servers: Servers, _ peers: Peers
    ) async throws -> [BenchmarkResult] {
        let count = count ?? benchmark.count
        func feedback() async throws -> FeedbackRun { try await FeedbackRun(servers: servers) }
        switch benchmark {
        case .relay:
            return try await RelayBenchmark(servers: servers, peers: peers, count: count, rounds: rounds).run()
        case .inbox:
            return try await InboxBenchmark(
                servers: servers, peers: peers, machine: Machine(of: servers), count: count, rounds: rounds
            ).run()
        case .relayLag: return try await RelayLagBenchmark(servers: servers, rounds: rounds).run()
        case .feedbackIntake:
            return try await FeedbackIntakeBenchmark(feedback: feedback(), peers: peers, count: count, rounds: rounds)
                .run()
        case .feedbackChain:
            return try await FeedbackChainBenchmark(feedback: feedback(), peers: peers, count: count, rounds: rounds)
                .run()
        case .feedbackLatency:
            return try await FeedbackLatencyBenchmark(feedback: feedback(), count: count, rounds: rounds).run()
        case .feedbackReplicas:
            return try await FeedbackReplicasBenchmark(feedback: feedback(), count: count, rounds: rounds).run()
        case .memory: return try await MemoryBenchmark(feedback: feedback(), count: count).run()
        case .feedbackBacklog: return try await FeedbackBacklogBenchmark(feedback: feedback(), count: count).run()
        case .fundingReserve:
            return try await FundingReserveBenchmark(servers: servers, count: count, rounds: rounds).run()
        case .costGrowth:
            return try await CostGrowthBenchmark(
                feedback: feedback(), count: count, rounds: rounds, storedCount: stored
            ).run()
        }
    }
}
