import Events
package import FoundationEssentials

/// What a generator of test cases draws from; a seed repeats all of it.
package struct Chance: Sendable {
    package let seed: UInt64
    private var generator: SeededGenerator

    package init(seed: UInt64) {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
    }

    package mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
    package mutating func cents(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &generator) }

    /// True once in so many times.
    package mutating func happens(onceIn count: Int) -> Bool { number(1...count) == 1 }

    package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] { elements.shuffled(using: &generator) }

    /// - Parameter elements: not empty.
    package mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[number(0...(elements.count - 1))]
    }

    package mutating func uuid() -> UUID {
        UUID(high: generator.next() & ~0xF000 | 0x7000, low: generator.next() >> 2 | 1 << 63)
    }
}
