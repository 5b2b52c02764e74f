/// The intake by one, two and four replicas, which share the publisher's queue: what an event costs should not depend
/// on how many there are. The checks after each round say that none was counted twice.
struct FeedbackReplicasBenchmark {
    let feedback: FeedbackRun
    let count: Int
    let rounds: Int

    private static let replicaCounts = [1, 2, 4]

    func run() async throws -> [BenchmarkResult] {
        var passages: [[FeedbackRun.Passage]] = Self.replicaCounts.map { _ in [] }
        for round in 1...rounds {
            for (index, replicas) in Self.replicaCounts.enumerated() {
                let passage = try await feedback.stored(FeedbackWorkload(count: count), replicas: replicas)
                passages[index].append(passage)
                print("feedback-replicas, round \(round), \(replicas): \(passage.pace)")
            }
        }
        let alone = BenchmarkResult.median(passages[0].map(\.pace.cost.total))
        return zip(Self.replicaCounts, passages).map { replicas, passages in
            var result = BenchmarkResult.comparison(
                "feedback-replicas-\(replicas)", unit: "µs/event",
                ours: BenchmarkResult.median(passages.map(\.pace.cost.total)), baseline: ("1 replica", alone),
                count: count, seconds: BenchmarkResult.median(passages.map(\.seconds)))
            result.rssMiB = BenchmarkResult.rounded(passages.map { $0.peakMiB("feedback") }.max() ?? 0)
            result.cost = .median(passages.map(\.pace.cost))
            return result
        }
    }
}
