import Synchronization

/// What the connections of one pool learn about the servers that its connection string names, so that none of them has
/// to learn it again.
final class ServerMemory: Sendable {
    private let lastAnswered = Atomic<Int>(0)
    private let currentGeneration = Atomic<UInt64>(0)
    private let mustWriteFlag = Atomic(false)

    /// Connections of an older one are not lent again.
    var generation: UInt64 { currentGeneration.load(ordering: .acquiring) }

    /// The pool asked for a server that writes (`target_session_attrs`).
    var mustWrite: Bool { mustWriteFlag.load(ordering: .relaxed) }

    func remember(_ candidates: [ConnectionParameters]) {
        mustWriteFlag.store(candidates.contains(where: \.mustWrite), ordering: .relaxed)
    }

    /// The places of the candidates in the order to try them.
    func order(of candidates: [ConnectionParameters]) -> [Int] {
        // Standbys first means standbys first each time.
        guard !candidates.contains(where: \.isSecondChoice) else { return Array(candidates.indices) }
        let first = lastAnswered.load(ordering: .relaxed)
        return candidates.indices.map { ($0 + first) % candidates.count }
    }

    func answered(_ place: Int) { lastAnswered.store(place, ordering: .relaxed) }

    /// A server of this generation does not write any more. Of the many connections that notice it the first counts.
    func distrust(_ generation: UInt64) {
        _ = currentGeneration.compareExchange(
            expected: generation, desired: generation + 1, ordering: .acquiringAndReleasing)
    }
}
