import Glibc
import Synchronization

/// The system's secure random numbers, drawn 32 at a time: `SystemRandomNumberGenerator` asks the kernel for every
/// single one, and a response needs six.
package struct SecureRandom: RandomNumberGenerator, Sendable {
    /// What one call gives at most.
    private static let wordCount = 256 / MemoryLayout<UInt64>.size
    private static let words = Mutex<[UInt64]>([])

    package init() {}

    package func next() -> UInt64 {
        Self.words.withLock { words in
            if words.isEmpty { words = Self.draw() }
            return words.removeLast()
        }
    }

    private static func draw() -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: wordCount) { words, count in
            let bytes = UnsafeMutableRawBufferPointer(words)
            let failure = getentropy(bytes.baseAddress, wordCount * MemoryLayout<UInt64>.size)
            precondition(failure == 0, "the system gives no random numbers")
            count = wordCount
        }
    }
}
