/// A full queue → every response judged, scored, stored, logged and answered, with relays and checks at work. Beside it
/// what others would write, on the same servers: they store a response and check nothing.
struct FeedbackIntakeBenchmark {
    let feedback: FeedbackRun
    let peers: Peers
    let count: Int
    let rounds: Int

    /// A slow one gets its share of the messages, so that all take about as long.
    private static let baselines = [
        Baseline("feedback-intake", program: "peer", mode: "batch", share: 1),
        Baseline("feedback-intake-tx", program: "peer", mode: "tx", share: 5),
        Baseline("feedback-intake-faststream", program: "faststream", mode: nil, share: 20),
    ]

    func run() async throws -> [BenchmarkResult] {
        var ours: [FeedbackRun.Passage] = []
        var theirs: [[Pace]] = Self.baselines.map { _ in [] }
        var payloadBytes = 0
        for round in 1...rounds {
            let workload = FeedbackWorkload(count: count)
            payloadBytes = workload.message(0).body.count
            ours.append(try await feedback.stored(workload))
            print("feedback-intake, round \(round): ours \(ours[round - 1].pace)")
            for (index, baseline) in Self.baselines.enumerated() {
                theirs[index].append(try await baseline.run(count, peers, on: feedback.machine))
                print("    \(baseline.command(count)): \(theirs[index][round - 1])")
            }
        }
        return zip(Self.baselines, theirs).map { baseline, paces in
            .pace(
                baseline.name, ours: ours.map(\.pace), rssMiB: ours.map { $0.peakMiB("feedback") }.max() ?? 0,
                baseline: (baseline.command(count), paces),
                workload: .init(count: count, payloadBytes: payloadBytes))
        }
    }
}

extension FeedbackRun {
    /// One round of the intake alone, from making everything anew to the checks.
    func stored(_ workload: FeedbackWorkload, replicas: Int = 1) async throws -> Passage {
        try await prepare(workload)
        try await prefill(workload)
        let passage = try await passage(of: workload, to: .stored, replicas: ["feedback": replicas])
        try await check(workload, at: .stored)
        return passage
    }

    /// One round of the whole chain.
    func projected(_ workload: FeedbackWorkload) async throws -> Passage {
        try await prepare(workload)
        try await prefill(workload)
        let passage = try await passage(of: workload, to: .projected, replicas: ["feedback": 1, "reporting": 1])
        try await check(workload, at: .projected)
        return passage
    }
}

/// A peer that a figure stands beside.
struct Baseline: Sendable {
    /// Of the figure.
    let name: String
    private let program: String
    private let mode: String?
    private let share: Int

    /// - Parameter share: it gets one of so many of our messages.
    init(_ name: String, program: String, mode: String?, share: Int) {
        self.name = name
        self.program = program
        self.mode = mode
        self.share = share
    }

    func command(_ count: Int) -> String {
        ([program] + (mode.map { [$0] } ?? []) + ["\(messages(count))"]).joined(separator: " ")
    }

    func run(_ count: Int, _ peers: Peers, on machine: Machine) async throws -> Pace {
        try await peers.consume(program, mode.map { [$0] } ?? [], count: messages(count), on: machine)
    }

    private func messages(_ count: Int) -> Int { max(1_000, count / share) }
}
