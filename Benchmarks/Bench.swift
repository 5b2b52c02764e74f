import ArgumentParser
import Foundation

/// Measures ourselves beside baselines in the same run, on the same servers. Ratios count; absolute rates are context.
///
/// Servers: `MAILLAGE_BENCH_DATABASE_URL` and `MAILLAGE_BENCH_BROKER_URL`, or those of the tests. They must be on this
/// machine: databases and queues are made and dropped.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Figures beside their baselines, as .local/bench.json and as a table.")

    /// What can be named with `--only`.
    enum Benchmark: String, CaseIterable, ExpressibleByArgument {
        case relay, inbox
        case relayLag = "relay-lag"
    }

    @Option(help: "relay, inbox or relay-lag; all if left out")
    var only: Benchmark?

    @Option(help: "rows or messages per round")
    var count = 50_000

    @Option(help: "rounds, ours and the baselines in turns; the median counts")
    var rounds = 3

    @Option(help: "where the results go; figures of other benchmarks stay in it")
    var output = ".local/bench.json"

    func validate() throws {
        guard (1_000...10_000_000).contains(count), count.isMultiple(of: 1_000) else {
            throw ValidationError("--count must be a multiple of 1,000 up to 10,000,000")
        }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds must be 1 … 100") }
    }

    func run() async throws {
        let servers = try Servers.fromEnvironment()
        let peers = try Peers.build(for: servers)
        var results: [BenchmarkResult] = []
        for benchmark in only.map({ [$0] }) ?? Benchmark.allCases {
            switch benchmark {
            case .relay:
                results += try await RelayBenchmark(servers: servers, peers: peers, count: count, rounds: rounds).run()
            case .inbox:
                results += try await InboxBenchmark(servers: servers, peers: peers, count: count, rounds: rounds).run()
            case .relayLag:
                results += try await RelayLagBenchmark(servers: servers, rounds: rounds).run()
            }
        }
        try BenchmarkResult.merge(results, into: output)
        print(BenchmarkResult.table(results))
    }
}
