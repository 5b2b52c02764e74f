import Synchronization

/// Counted by the work, read by the clock.
final class ItemCount: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .acquiring) }
    /// What it was, and one more.
    func next() -> Int { count.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue }
    func add(_ more: Int) { count.add(more, ordering: .acquiringAndReleasing) }
}
