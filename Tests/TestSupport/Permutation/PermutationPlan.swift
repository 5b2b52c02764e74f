/// In which order, cut and repetition a service gets the items of a history, by their numbers.
package struct PermutationPlan: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        /// Events as one batch; an action stands between two.
        case run([Int])
        /// Two replicas at once, with their transactions held open over each other.
        case together([Int], [Int])
        /// Time passes, and a replica tries what is parked.
        case sweep

        var lanes: [[Int]] {
            switch self {
            case .run(let items): [items]
            case .together(let left, let right): [left, right]
            case .sweep: []
            }
        }

        /// nil when nothing of it is left.
        init?(_ lanes: [[Int]]) {
            let filled = lanes.filter { !$0.isEmpty }
            guard let first = filled.first else { return nil }
            self = filled.count == 2 ? .together(first, filled[1]) : .run(first)
        }
    }

    private(set) var steps: [Step]

    init(_ steps: [Step]) { self.steps = steps }

    /// One after the other as they happened.
    static func natural(_ items: [Int]) -> PermutationPlan { PermutationPlan(items.map { .run([$0]) }) }

    /// Every item at least once; a batch that was processed and not acknowledged comes again, whole or in part, at once
    /// or much later.
    static func random(_ items: [Int], _ chance: inout Chance) -> PermutationPlan {
        var queue = order(items, &chance)
        for item in items where chance.happens(onceIn: 5) { queue.insert(item, at: chance.number(0...queue.count)) }
        var batches: [[Int]] = []
        let sizeMax = chance.pick([1, 3, 8])
        while !queue.isEmpty {
            let batch = Array(queue.prefix(chance.number(1...sizeMax)))
            queue.removeFirst(batch.count)
            batches.append(batch)
            if chance.happens(onceIn: 6) { batches.insert(batch, at: chance.number(0...batches.count)) }
        }
        var steps: [Step] = []
        while let batch = batches.popLast() {
            if chance.happens(onceIn: 8) {
                steps.append(.together(batch, batch))
            } else if let other = batches.last, chance.happens(onceIn: 2) {
                batches.removeLast()
                steps.append(.together(batch, other))
            } else {
                steps.append(.run(batch))
            }
            if chance.happens(onceIn: 5) { steps.append(.sweep) }
        }
        return PermutationPlan(steps)
    }

    /// Anything, the natural order with neighbours exchanged, or everything backwards.
    private static func order(_ items: [Int], _ chance: inout Chance) -> [Int] {
        switch chance.number(1...4) {
        case 1:
            var order = items
            for index in order.indices.dropLast() where chance.happens(onceIn: 2) { order.swapAt(index, index + 1) }
            return order
        case 2: return items.reversed()
        default: return chance.shuffled(items)
        }
    }

    // MARK: Shrinking

    func without(_ dropped: Set<Int>) -> PermutationPlan {
        PermutationPlan(
            steps.compactMap { step in
                if case .sweep = step { return step }
                return Step(step.lanes.map { $0.filter { !dropped.contains($0) } })
            })
    }

    /// Plans that say a little less, the boldest first.
    var simpler: [PermutationPlan] {
        var plans: [PermutationPlan] = []
        let deliveries = steps.flatMap { $0.lanes.flatMap(\.self) }
        let counts = Dictionary(deliveries.map { ($0, 1) }, uniquingKeysWith: +)
        for (index, step) in steps.enumerated() {
            let inside = Dictionary(step.lanes.flatMap(\.self).map { ($0, 1) }, uniquingKeysWith: +)
            if inside.allSatisfy({ counts[$0.key, default: 0] > $0.value }) { plans.append(replacing(index, by: [])) }
        }
        for (index, step) in steps.enumerated() {
            for (lane, items) in step.lanes.enumerated() {
                for (place, item) in items.enumerated() where counts[item, default: 0] > 1 {
                    var lanes = step.lanes
                    lanes[lane].remove(at: place)
                    plans.append(replacing(index, by: Step(lanes).map { [$0] } ?? []))
                }
            }
            if case .together(let left, let right) = step {
                plans.append(replacing(index, by: [.run(left), .run(right)]))
            }
        }
        return plans + inOrder
    }

    /// Plans that are nearer to the natural one.
    private var inOrder: [PermutationPlan] {
        var plans: [PermutationPlan] = []
        for (index, step) in steps.enumerated() {
            let sorted = step.lanes.map { $0.sorted() }
            if sorted != step.lanes, let step = Step(sorted) { plans.append(replacing(index, by: [step])) }
            guard index + 1 < steps.count, let first = step.lanes.first?.first,
                let next = steps[index + 1].lanes.first?.first, first > next
            else { continue }
            var swapped = steps
            swapped.swapAt(index, index + 1)
            plans.append(PermutationPlan(swapped))
        }
        return plans
    }

    private func replacing(_ index: Int, by replacement: [Step]) -> PermutationPlan {
        var steps = steps
        steps.replaceSubrange(index...index, with: replacement)
        return PermutationPlan(steps)
    }
}

extension PermutationPlan: CustomStringConvertible {
    package var description: String {
        steps.map { step in
            switch step {
            case .run(let items): "\(items)"
            case .together(let left, let right): "\(left) at once with \(right)"
            case .sweep: "sweep"
            }
        }.joined(separator: ", ")
    }
}
