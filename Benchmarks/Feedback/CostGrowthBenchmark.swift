import Postgres

/// What an event costs with a large past in feedback's tables, beside the same with a small one.
struct CostGrowthBenchmark {
    let feedback: FeedbackRun
    let count: Int
    let rounds: Int
    /// Responses of the large past.
    let storedCount: Int

    private static let storedCountSmall = 10_000
    private static let fillTimeout = Duration.seconds(7_200)

    func run() async throws -> [BenchmarkResult] {
        var (small, large): ([FeedbackRun.Passage], [FeedbackRun.Passage]) = ([], [])
        for round in 1...rounds {
            small.append(try await passage(after: Self.storedCountSmall))
            large.append(try await passage(after: storedCount))
            print("cost-growth, round \(round), \(Self.storedCountSmall) stored: \(small[round - 1].pace)")
            print("    \(storedCount) stored: \(large[round - 1].pace)")
        }
        var result = BenchmarkResult.comparison(
            "cost-growth", unit: "µs/event", ours: BenchmarkResult.median(large.map(\.pace.cost.total)),
            baseline: ("\(Self.storedCountSmall) stored", BenchmarkResult.median(small.map(\.pace.cost.total))),
            count: count, seconds: BenchmarkResult.median(large.map(\.seconds)))
        result.rssMiB = BenchmarkResult.rounded(large.map { $0.peakMiB("feedback") }.max() ?? 0)
        result.cost = .median(large.map(\.pace.cost))
        result.baselineCost = .median(small.map(\.pace.cost))
        return [result]
    }

    private func passage(after past: Int) async throws -> FeedbackRun.Passage {
        let workload = FeedbackWorkload(count: count)
        try await feedback.prepare(workload)
        try await feedback.system.withDatabase { pool in
            try await pool.withConnection { lease in
                let stored = StoredPast(count: past, publisher: feedback.publisher.name)
                try await lease.executeScript(stored.script, timeout: Self.fillTimeout)
                // Or it would run while we measure.
                try await lease.executeScript("vacuum (analyze)", timeout: Self.fillTimeout)
            }
        }
        try await feedback.prefill(workload)
        let passage = try await feedback.passage(of: workload, to: .stored, replicas: ["feedback": 1])
        try await feedback.check(workload, at: .stored, past: past)
        return passage
    }
}
