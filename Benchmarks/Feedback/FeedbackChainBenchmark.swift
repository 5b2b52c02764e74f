/// A full queue → intake → relay → reporting's figures, receipts included. Beside it a chain of two consumers and a
/// relay as others would write it, message by message and in batches.
///
/// An event of ours carries all responses of a batch and an experiment. That aggregation is most of the ratio, so it is
/// also measured without: with so many experiments that every response is an event of its own, as the peers' are.
struct FeedbackChainBenchmark {
    let feedback: FeedbackRun
    let peers: Peers
    let count: Int
    let rounds: Int

    /// Two batches of the intake, so that no batch meets an experiment twice.
    private static let experimentCountAlone = 1_000
    private static let transactions = Baseline("feedback-chain", program: "peer", mode: "chain-tx", share: 20)
    private static let batches = Baseline("feedback-chain-batch", program: "peer", mode: "chain-batch", share: 4)

    func run() async throws -> [BenchmarkResult] {
        var (ours, alone): ([FeedbackRun.Passage], [FeedbackRun.Passage]) = ([], [])
        var (transactions, batches): ([Pace], [Pace]) = ([], [])
        let countAlone = max(1_000, count / 4)
        for round in 1...rounds {
            ours.append(try await feedback.projected(FeedbackWorkload(count: count)))
            print("feedback-chain, round \(round): ours \(ours[round - 1].pace)")
            alone.append(
                try await feedback.projected(
                    FeedbackWorkload(count: countAlone, experimentCount: Self.experimentCountAlone)))
            print("    ours, an event per response: \(alone[round - 1].pace)")
            transactions.append(try await Self.transactions.run(count, peers, on: feedback.machine))
            batches.append(try await Self.batches.run(count, peers, on: feedback.machine))
            print("    \(Self.transactions.command(count)): \(transactions[round - 1])")
            print("    \(Self.batches.command(count)): \(batches[round - 1])")
        }
        let command = Self.batches.command(count)
        return [
            result(Self.transactions.name, ours, count, beside: (Self.transactions.command(count), transactions)),
            result(Self.batches.name, ours, count, beside: (command, batches)),
            result("feedback-chain-single", alone, countAlone, beside: (command, batches)),
        ]
    }

    private func result(
        _ name: String, _ ours: [FeedbackRun.Passage], _ count: Int, beside baseline: (command: String, paces: [Pace])
    ) -> BenchmarkResult {
        .pace(
            name, ours: ours.map(\.pace), rssMiB: ours.map { $0.peakMiB("feedback") }.max() ?? 0, baseline: baseline,
            workload: .init(count: count, payloadBytes: FeedbackWorkload(count: count).message(0).body.count))
    }
}
