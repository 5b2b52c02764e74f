import Foundation

/// Tries many orders of many histories against a service, and shrinks the first that fails.
///
/// `MAILLAGE_PERMUTATION_SEED` and `MAILLAGE_PERMUTATION_CASES` choose the first seed and the number of histories.
package struct PermutationProof: Sendable {
    /// A case that ended otherwise than the natural order, reduced as far as it still does.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// A history with the part of it that happens.
    private struct Case {
        let history: History
        var items: Set<Int>
        var plan: PermutationPlan

        mutating func drop(_ dropped: some Sequence<Int>) {
            let dropped = Set(dropped)
            items.subtract(dropped)
            plan = plan.without(dropped)
        }
    }

    private static let plansPerHistory = 3
    private static let shrinkingAttemptsMax = 400
    /// A race that was lost once need not be lost at the first repetition.
    private static let raceAttempts = 4

    private let bench: PermutationBench
    private let firstSeed: UInt64
    private let caseCount: Int
    private let generate: @Sendable (Chance) throws -> History

    /// - Parameters:
    ///   - caseCount: unless the environment says otherwise.
    ///   - generate: a valid history, complete in its natural order.
    package init(
        _ bench: PermutationBench, caseCount: Int = 3, generate: @escaping @Sendable (Chance) throws -> History
    ) {
        let environment = ProcessInfo.processInfo.environment
        self.bench = bench
        self.generate = generate
        firstSeed = environment["MAILLAGE_PERMUTATION_SEED"].flatMap { UInt64($0) } ?? 1
        self.caseCount = environment["MAILLAGE_PERMUTATION_CASES"].flatMap { Int($0) } ?? caseCount
    }

    /// - Throws: ``Failure`` for the first case that fails.
    package func run() async throws {
        for number in 0..<UInt64(caseCount) {
            var history = try generate(Chance(seed: firstSeed &+ number))
            try history.tellCheckpoints()
            let items = Array(history.items.indices)
            let expected = try await bench.outcome(of: .natural(items), in: history)
            let flaws = expected.violations + expected.state.lines.filter { $0.hasPrefix("inbox_parked ") }
            guard flaws.isEmpty else {
                throw Failure(description: "seed \(firstSeed &+ number), natural order: \(flaws)")
            }
            var chance = history.chance
            for _ in 0..<Self.plansPerHistory {
                let plan = PermutationPlan.random(items, &chance)
                let outcome = try await bench.outcome(of: plan, in: history)
                if outcome == expected { continue }
                throw try await shrunk(Case(history: history, items: Set(items), plan: plan))
            }
        }
    }

    // MARK: Shrinking

    private func shrunk(_ failing: Case) async throws -> Failure {
        var best = failing
        var reason = try await reason(of: failing) ?? ["it does not fail again: a race"]
        var attemptsLeft = Self.shrinkingAttemptsMax
        var candidates = simpler(best)
        while attemptsLeft > 0, let candidate = candidates.popFirst() {
            attemptsLeft -= 1
            guard let found = try await self.reason(of: candidate) else { continue }
            (best, reason) = (candidate, found)
            candidates = simpler(best)
        }
        return Failure(description: report(best, from: failing, reason, Self.shrinkingAttemptsMax - attemptsLeft))
    }

    /// Fewer events first, then a simpler order.
    private func simpler(_ best: Case) -> ArraySlice<Case> {
        let groups = best.history.groups.map { $0.filter { best.items.contains($0) } }.filter { !$0.isEmpty }
        var drops: [[Int]] = []
        var size = groups.count / 2
        while size > 0 {
            for start in stride(from: 0, to: groups.count, by: size) {
                drops.append(groups[start..<min(start + size, groups.count)].flatMap(\.self))
            }
            size /= 2
        }
        // The last of a stream, and then the last before it: what is left is a case that could be.
        drops += groups.filter { $0.count > 1 }.map { Array($0.suffix(1)) }
        var cases = drops.filter { $0.count < best.items.count }.map { drop in
            var smaller = best
            smaller.drop(drop)
            return smaller
        }
        for plan in best.plan.simpler {
            var simpler = best
            simpler.plan = plan
            cases.append(simpler)
        }
        return cases[...]
    }

    /// How the case differs from the natural order of the same events; nil when it does not.
    private func reason(of candidate: Case) async throws -> [String]? {
        let natural = PermutationPlan.natural(candidate.items.sorted())
        let expected = try await bench.outcome(of: natural, in: candidate.history)
        let isRace = candidate.plan.steps.contains { $0.lanes.count > 1 }
        for _ in 0..<(isRace ? Self.raceAttempts : 1) {
            let outcome = try await bench.outcome(of: candidate.plan, in: candidate.history)
            guard outcome == expected else {
                let new = outcome.violations.filter { !expected.violations.contains($0) }
                return new + expected.state.differences(to: outcome.state)
            }
        }
        return nil
    }

    private func report(_ best: Case, from failing: Case, _ reason: [String], _ attempts: Int) -> String {
        let seed = best.history.chance.seed
        let events = best.items.sorted().map { "  \($0): \(best.history.items[$0].label)" }
        return """
            seed \(seed): \(failing.items.count) items in \(failing.plan.steps.count) steps, shrunk to \
            \(best.items.count) in \(best.plan.steps.count) after \(attempts) attempts
            \(events.joined(separator: "\n"))
              order: \(best.plan)
              \(reason.prefix(12).joined(separator: "\n  "))
            again: MAILLAGE_PERMUTATION_SEED=\(seed) MAILLAGE_PERMUTATION_CASES=1
            """
    }
}
