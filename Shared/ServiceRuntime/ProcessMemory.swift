import Glibc

/// How the process asks the system for memory.
enum ProcessMemory {
    /// `M_ARENA_MAX`
    private static let arenaMax: Int32 = -8
    private static let arenaCountMax: Int32 = 2

    /// The C library gives every thread an arena of its own, up to eight per processor, and none of them gives back
    /// what another could use. A service has a thread per connection, most of which wait; it must be told before they
    /// begin.
    static func shareArenas() {
        // Swift's module of the C library lacks <malloc.h>.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        _ = mallopt(arenaMax, arenaCountMax)
    }
}
