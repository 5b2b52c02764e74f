import Testing

@testable import RabbitMQ

/// The rule alone, over a model of a queue that counts as a quorum queue does: whatever is out when its consumer dies
/// returns in its order, counted once more, before what was never delivered and behind what returned before.
@Suite struct CrashIsolationTests {
    private struct Message {
        let number: Int
        var count = 0
    }

    /// A process that dies whenever it handles the poison, and is started again.
    private struct Model {
        let poison: Int
        let limit: Int
        var queue: [Message]
        /// How many of the queue have returned: they are its first.
        var returnedCount = 0
        var dead: [Message] = []
        var handled: [Int] = []
        var countMax = 0
        var lives = 0
        var batches = 0

        init(count: Int, poison: Int, limit: Int = 100, startCount: Int = 0) {
            self.poison = poison
            self.limit = limit
            queue = (0..<count).map { Message(number: $0, count: startCount) }
        }

        mutating func live(batch: Int, prefetch: Int) {
            lives += 1
            var isolation = CrashIsolation(batchCountMax: batch, prefetchMax: prefetch)
            var (room, tag) = (Int(CrashIsolation.firstPrefetch), UInt64(0))
            var out: [Message] = []
            while true {
                while out.count < room, !queue.isEmpty {
                    tag += 1
                    out.append(queue.removeFirst())
                    returnedCount = max(0, returnedCount - 1)
                    isolation.deliver(tag: tag, isSuspect: out[out.count - 1].count > 0)
                }
                while let step = isolation.nextStep() {
                    switch step {
                    case .cancel:
                        room = 0
                        isolation.cancelled()
                    case .subscribe(let prefetch): room = Int(prefetch)
                    }
                }
                if out.isEmpty {
                    if queue.isEmpty { return }
                    continue
                }
                batches += 1
                let size =
                    isolation.isCautious && out[0].count == 0
                    ? out.prefix { $0.count == 0 }.count : min(isolation.batchCount, out.count)
                let inHands = out.prefix(size)
                guard !inHands.contains(where: { $0.number == poison }) else { return die(out) }
                handled += inHands.map(\.number)
                out.removeFirst(size)
                isolation.settle(upTo: tag - UInt64(out.count))
            }
        }

        private mutating func die(_ out: [Message]) {
            for var message in out {
                message.count += 1
                if message.count > limit {
                    dead.append(message)
                } else {
                    queue.insert(message, at: returnedCount)
                    returnedCount += 1
                }
                if message.number != poison { countMax = max(countMax, message.count) }
            }
        }
    }

    @Test func whereverThePoisonLiesItDiesAloneAndItsNeighboursAreHardlyCounted() {
        for poison in 0..<1_200 {
            // given
            var model = Model(count: 1_200, poison: poison)

            // when
            while model.dead.isEmpty, model.lives < 200 { model.live(batch: 500, prefetch: 1_000) }
            model.live(batch: 500, prefetch: 1_000)

            // then
            #expect(model.dead.map(\.number) == [poison])
            #expect(model.handled.sorted() == (0..<1_200).filter { $0 != poison })
            #expect(model.countMax <= 14, "the poison at \(poison)")
            #expect(model.lives == 102)
        }
    }

    @Test func aBacklogThatWasMerelyDeliveredBeforeTakesTenSmallBatchesMore() {
        // given
        var model = Model(count: 10_000, poison: -1, startCount: 3)

        // when
        model.live(batch: 500, prefetch: 1_000)

        // then
        #expect(model.handled == Array(0..<10_000))
        #expect(model.batches <= 10_000 / 500 + 11)
    }

    @Test func freshMessagesAreSubscribedToInFullAfterTheFirst() {
        // given
        var isolation = CrashIsolation(batchCountMax: 500, prefetchMax: 1_000)
        #expect(isolation.nextStep() == nil)

        // when
        isolation.deliver(tag: 1, isSuspect: false)

        // then
        #expect(isolation.nextStep() == .cancel)
        #expect(isolation.nextStep() == nil, "the broker has not answered yet")
        isolation.cancelled()
        #expect(isolation.nextStep() == .subscribe(prefetch: 1_000))
        #expect(isolation.nextStep() == nil)
    }

    @Test func aSuspectAmongFreshMessagesIsAloneUntilItIsSettled() {
        // given
        var isolation = CrashIsolation(batchCountMax: 500, prefetchMax: 1_000)
        isolation.deliver(tag: 1, isSuspect: false)
        _ = isolation.nextStep()
        isolation.cancelled()
        _ = isolation.nextStep()
        for tag in 2...300 { isolation.deliver(tag: UInt64(tag), isSuspect: false) }

        // when
        isolation.deliver(tag: 301, isSuspect: true)
        isolation.deliver(tag: 302, isSuspect: false)

        // then
        #expect(isolation.batchCount == 1)
        isolation.settle(upTo: 300)
        #expect(isolation.batchCount == 1, "what came before it proves nothing")
        isolation.settle(upTo: 301)
        #expect(isolation.batchCount == 500)
        #expect(isolation.nextStep() == nil, "the subscription stays as it is")
    }

    /// A broker takes back what is on its way to a subscription that is cancelled, and nothing is when it is full.
    @Test func aWindowIsCancelledWhenItIsFullAndNotBefore() {
        // given
        var isolation = CrashIsolation(batchCountMax: 500, prefetchMax: 1_000)
        isolation.deliver(tag: 1, isSuspect: true)
        #expect(isolation.nextStep() == .cancel)
        isolation.cancelled()
        #expect(isolation.nextStep() == nil, "a suspect is out")
        isolation.settle(upTo: 1)
        #expect(isolation.nextStep() == .subscribe(prefetch: 2))

        // when
        isolation.deliver(tag: 2, isSuspect: true)
        #expect(isolation.nextStep() == nil)
        isolation.settle(upTo: 2)
        isolation.deliver(tag: 3, isSuspect: true)

        // then
        #expect(isolation.nextStep() == nil, "three came in all, but one is out")
        isolation.deliver(tag: 4, isSuspect: true)
        #expect(isolation.nextStep() == .cancel)
        isolation.cancelled()
        isolation.settle(upTo: 4)
        #expect(isolation.nextStep() == .subscribe(prefetch: 5))
    }
}
