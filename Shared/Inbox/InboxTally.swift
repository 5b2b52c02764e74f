import Synchronization

/// What became of the messages that a processor was given.
package final class InboxTally: Sendable {
    package struct Figures: Sendable, Equatable {
        package fileprivate(set) var appliedCount = 0
        package fileprivate(set) var ignoredCount = 0
        package fileprivate(set) var duplicateCount = 0
        package fileprivate(set) var parkedCount = 0
        package fileprivate(set) var buriedCount = 0
    }

    private let state = Mutex(Figures())

    var figures: Figures { state.withLock { $0 } }

    func record(_ effects: InboxEffects) {
        let appliedCount = effects.applied.values.reduce(0, +)
        state.withLock { figures in
            figures.appliedCount += appliedCount
            figures.ignoredCount += effects.ignoredCount
            figures.duplicateCount += effects.duplicateCount
            figures.parkedCount += effects.parkings.count
        }
    }

    func repeats(_ count: Int) { state.withLock { $0.duplicateCount += count } }
    func buried() { state.withLock { $0.buriedCount += 1 } }
}
