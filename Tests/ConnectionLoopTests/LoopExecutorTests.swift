import Glibc
import Synchronization
import Testing

@testable import ConnectionLoop

/// An actor on a loop, as connections are.
private actor LoopActor {
    nonisolated let loop = LoopExecutor(stackSizeBytes: 512 << 10)
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var count = 0
    private var received: [UInt8] = []
    private var waiter: CheckedContinuation<[UInt8], Never>?
    private let hasEnded: @Sendable () -> Void

    init(hasEnded: @escaping @Sendable () -> Void = {}) { self.hasEnded = hasEnded }

    isolated deinit {
        hasEnded()
        loop.detach()
        loop.stop()
    }

    func thread() -> UInt { UInt(pthread_self()) }

    func increment() -> Int {
        count += 1
        return count
    }

    func tickAlways(_ tick: @escaping @Sendable () -> Int32) { loop.attach(descriptor: -1, tick: tick) }

    func firstBytes(from descriptor: Int32) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            waiter = continuation
            loop.attach(descriptor: descriptor) { [weak self] in self?.assumeIsolated { $0.read(descriptor) } ?? -1 }
        }
    }

    private func read(_ descriptor: Int32) -> Int32 {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        guard count > 0, let waiter else { return -1 }
        self.waiter = nil
        waiter.resume(returning: Array(buffer.prefix(count)))
        return -1
    }
}

@Suite(.timeLimit(.minutes(10)))
struct LoopExecutorTests {
    @Test func everyJobOfAnActorRunsOnTheSameThreadOfItsOwn() async {
        // given
        let (first, second) = (LoopActor(), LoopActor())
        // when
        let threads = await withTaskGroup(of: UInt.self) { group in
            for _ in 0..<100 { group.addTask { await first.thread() } }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        // then
        #expect(threads.count == 1)
        #expect(await !threads.contains(second.thread()))
    }

    @Test func jobsOfManyTasksAreAllRunAndNeverTogether() async {
        // given
        let actor = LoopActor()
        // when
        let counts = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2000 { group.addTask { await actor.increment() } }
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        // then
        #expect(counts == Set(1...2000))
    }

    @Test func bytesOnTheSocketWakeTheLoop() async {
        // given
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let (near, far) = (ends[0], ends[1])
        defer { [near, far].forEach { close($0) } }
        let actor = LoopActor()
        // when
        async let received = actor.firstBytes(from: near)
        #expect(send(far, [1, 2, 3] as [UInt8], 3, 0) == 3)
        // then
        let bytes = await received
        #expect(bytes == [1, 2, 3])
    }

    @Test func wakeUpFromAnyThreadMakesTheLoopTakeATurn() async {
        // given
        let (turns, continuation) = AsyncStream.makeStream(of: Void.self)
        let actor = LoopActor()
        await actor.tickAlways {
            continuation.yield()
            return -1
        }
        var iterator = turns.makeAsyncIterator()
        await iterator.next()
        // when
        actor.loop.wakeUp()
        // then: the time limit is the other outcome
        await iterator.next()
    }

    @Test func theLoopSleepsNoLongerThanItsTickAnswers() async {
        // given
        let (turns, continuation) = AsyncStream.makeStream(of: Int.self)
        let counter = Counter()
        let actor = LoopActor()
        // when
        await actor.tickAlways {
            continuation.yield(counter.next())
            return 1
        }
        // then
        for await turn in turns where turn >= 20 { break }
    }

    @Test func anActorThatIsDroppedEndsItsThread() async {
        // given
        let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
        var actor: LoopActor? = LoopActor { continuation.yield() }
        weak let loop = actor?.loop
        #expect(await actor?.increment() == 1)
        // when
        actor = nil
        var iterator = ends.makeAsyncIterator()
        await iterator.next()
        // then: the thread was the last to hold the loop
        let deadline = ContinuousClock.now + .seconds(20)
        while loop != nil, ContinuousClock.now < deadline { await Task.yield() }
        #expect(loop == nil)
    }

    @Test func aBlockingThreadRunsItsWorkElsewhere() async {
        // given
        let (threads, continuation) = AsyncStream.makeStream(of: UInt.self)
        // when
        let isRunning = BlockingThread.run { continuation.yield(UInt(pthread_self())) }
        // then
        #expect(isRunning)
        var iterator = threads.makeAsyncIterator()
        #expect(await iterator.next() != UInt(pthread_self()))
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
