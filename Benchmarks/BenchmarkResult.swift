import Foundation

/// One figure beside its baseline, medians over the rounds; what does not apply is left out.
struct BenchmarkResult: Codable {
    var name: String
    var unit: String
    var ours: Double
    var baseline: Double?
    var baselineCommand: String?
    var ratio: Double?
    /// Per round.
    var count: Int
    /// Of our median round.
    var seconds: Double
    var payloadBytes: Int?
    var p50Milliseconds: Double?
    var p99Milliseconds: Double?
    var rssMiB: Double?
    /// Microseconds of processor time per item, by groups of processes.
    var cost: ProcessorCost?
    var baselineCost: ProcessorCost?
    var commit: String?

    enum CodingKeys: String, CodingKey {
        case name, unit, ours, baseline, ratio, count, seconds, commit
        case baselineCommand = "baseline_command"
        case payloadBytes = "payload_bytes"
        case p50Milliseconds = "p50_ms"
        case p99Milliseconds = "p99_ms"
        case rssMiB = "rss_mib"
        case cost = "cpu_us"
        case baselineCost = "baseline_cpu_us"
    }

    /// Rates of items per second.
    /// - Parameters:
    ///   - ours: one per round.
    ///   - baseline: of the same rounds.
    static func rate(
        _ name: String, unit: String, ours: [Double], baseline: (command: String, rates: [Double]), workload: Workload
    ) -> BenchmarkResult {
        let (mine, theirs) = (median(ours), median(baseline.rates))
        return BenchmarkResult(
            name: name, unit: unit, ours: mine.rounded(), baseline: theirs.rounded(), baselineCommand: baseline.command,
            ratio: (mine / theirs * 100).rounded() / 100, count: workload.count,
            seconds: (Double(workload.count) / mine * 1000).rounded() / 1000, payloadBytes: workload.payloadBytes,
            rssMiB: Machine.peakMiB(), commit: currentCommit())
    }

    /// Rates with what they cost.
    static func pace(
        _ name: String, ours: [Pace], rssMiB: Double, baseline: (command: String, paces: [Pace]), workload: Workload
    ) -> BenchmarkResult {
        var result = rate(
            name, unit: "events/s", ours: ours.map(\.rate), baseline: (baseline.command, baseline.paces.map(\.rate)),
            workload: workload)
        result.rssMiB = rounded(rssMiB)
        result.cost = .median(ours.map(\.cost))
        result.baselineCost = .median(baseline.paces.map(\.cost))
        return result
    }

    /// One figure that is compared with itself under other circumstances.
    static func comparison(
        _ name: String, unit: String, ours: Double, baseline: (command: String, value: Double), count: Int,
        seconds: Double
    ) -> BenchmarkResult {
        BenchmarkResult(
            name: name, unit: unit, ours: rounded(ours), baseline: rounded(baseline.value),
            baselineCommand: baseline.command, ratio: (ours / baseline.value * 100).rounded() / 100, count: count,
            seconds: rounded(seconds), commit: currentCommit())
    }

    static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    /// The 99th percentile of a latency, with the median beside it.
    /// - Parameters:
    ///   - p50, p99: in milliseconds.
    ///   - baseline: its 99th percentile.
    static func latency(
        _ name: String, p50: Double, p99: Double, baseline: (command: String, p99: Double), count: Int
    ) -> BenchmarkResult {
        BenchmarkResult(
            name: name, unit: "ms p99", ours: p99, baseline: baseline.p99, baselineCommand: baseline.command,
            ratio: (p99 / baseline.p99 * 100).rounded() / 100, count: count, seconds: 0, p50Milliseconds: p50,
            p99Milliseconds: p99, rssMiB: Machine.peakMiB(), commit: currentCommit())
    }

    /// What one round works on.
    struct Workload {
        let count: Int
        let payloadBytes: Int
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard let middle = sorted.dropFirst(sorted.count / 2).first else { return 0 }
        return sorted.count.isMultiple(of: 2) ? (sorted[sorted.count / 2 - 1] + middle) / 2 : middle
    }

    /// The figures of this run replace those of the same name.
    static func merge(_ results: [BenchmarkResult], into path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let known = (try? JSONDecoder().decode([BenchmarkResult].self, from: Data(contentsOf: url))) ?? []
        let names = Set(results.map(\.name))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(known.filter { !names.contains($0.name) } + results).write(to: url, options: .atomic)
    }

    static func table(_ results: [BenchmarkResult]) -> String {
        var lines = [row(["name", "ours", "baseline", "ratio", "unit", "rss MiB", "baseline command"])]
        for result in results {
            lines.append(
                row([
                    result.name, number(result.ours), result.baseline.map(number) ?? "",
                    result.ratio.map { "\($0)" } ?? "",
                    result.unit, result.rssMiB.map { "\($0)" } ?? "", result.baselineCommand ?? "",
                ]))
        }
        for result in results {
            guard let cost = result.cost else { continue }
            lines.append("\(result.name), per event: \(cost)")
            if let baseline = result.baselineCost { lines.append("    \(result.baselineCommand ?? ""): \(baseline)") }
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ cells: [String]) -> String {
        zip(cells, [34, 10, 10, 7, 10, 9, 0]).map { cell, width in
            cell + String(repeating: " ", count: max(0, width - cell.count))
        }.joined(separator: " ")
    }

    private static func number(_ value: Double) -> String {
        value < 1000 ? "\(rounded(value))" : "\(Int(value))"
    }

    static func currentCommit() -> String? {
        try? Command.output(of: "/usr/bin/env", ["git", "rev-parse", "--short", "HEAD"])
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
