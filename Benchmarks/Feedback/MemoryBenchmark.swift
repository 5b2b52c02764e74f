/// What each service holds in memory: all five idle, then feedback and reporting while the chain runs as fast as it
/// can. It is flat where the last quarter of the load holds no more than the second; the first warms up.
struct MemoryBenchmark {
    let feedback: FeedbackRun
    let count: Int

    private static let idleSeconds = 10

    func run() async throws -> [BenchmarkResult] {
        let workload = FeedbackWorkload(count: count)
        try await feedback.prepare(workload)
        let idle = try await self.idle().map { name, resident in
            BenchmarkResult(
                name: "memory-idle-\(name)", unit: "MiB", ours: BenchmarkResult.rounded(resident), count: 1,
                seconds: Double(Self.idleSeconds), rssMiB: BenchmarkResult.rounded(resident),
                commit: BenchmarkResult.currentCommit())
        }
        try await feedback.prefill(workload)
        let passage = try await feedback.passage(
            of: workload, to: .projected, replicas: ["feedback": 1, "reporting": 1])
        try await feedback.check(workload, at: .projected)
        return idle + passage.growth("memory", count: count)
    }

    private func idle() async throws -> [(String, Double)] {
        let names = ["applications", "experimentation", "feedback", "funding", "reporting"]
        let replicas = Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })
        return try await feedback.system.withServices(replicas) { services in
            try await Task.sleep(for: .seconds(Self.idleSeconds))
            return try services.map { service in
                try service.checkIsRunning()
                return (service.name, try Machine.residentMiB(of: service.identifier))
            }
        }
    }
}

/// A backlog of millions, drained by the whole chain with flat memory.
struct FeedbackBacklogBenchmark {
    let feedback: FeedbackRun
    let count: Int

    func run() async throws -> [BenchmarkResult] {
        let passage = try await feedback.projected(FeedbackWorkload(count: count))
        let drained = BenchmarkResult(
            name: "feedback-backlog", unit: "events/s", ours: passage.pace.rate.rounded(), count: count,
            seconds: BenchmarkResult.rounded(passage.seconds),
            rssMiB: BenchmarkResult.rounded(passage.peakMiB("feedback")), cost: .median([passage.pace.cost]),
            commit: BenchmarkResult.currentCommit())
        return [drained] + passage.growth("feedback-backlog-memory", count: count)
    }
}

extension FeedbackRun.Passage {
    /// For each service, the median of the last quarter beside that of the second.
    func growth(_ name: String, count: Int) -> [BenchmarkResult] {
        memory.sorted { $0.key < $1.key }.map { service, samples in
            let quarter = max(1, samples.count / 4)
            let (second, last) = (samples.dropFirst(quarter).prefix(quarter), samples.suffix(quarter))
            var result = BenchmarkResult.comparison(
                "\(name)-\(service)", unit: "MiB", ours: BenchmarkResult.median(Array(last)),
                baseline: ("its second quarter", BenchmarkResult.median(Array(second))), count: count, seconds: seconds)
            result.rssMiB = BenchmarkResult.rounded(samples.max() ?? 0)
            return result
        }
    }
}
