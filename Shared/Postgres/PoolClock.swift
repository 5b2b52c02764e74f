import ConnectionLoop

/// A loop without a socket that ends waits in time. One for the pool is cheaper than a timer task for every waiter.
actor PoolClock {
    nonisolated let loop = LoopExecutor(stackSizeBytes: 512 << 10)
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var isStarted = false

    /// - Parameter tick: answers how many milliseconds it does not need to be called, -1 for ever.
    func start(_ tick: @escaping @Sendable () -> Int32) {
        guard !isStarted else { return }
        isStarted = true
        loop.attach(descriptor: -1, tick: tick)
    }

    isolated deinit {
        loop.detach()
        loop.stop()
    }
}
