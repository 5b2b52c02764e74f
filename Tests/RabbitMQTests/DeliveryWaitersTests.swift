import Testing

@testable import RabbitMQ

@Suite struct DeliveryWaitersTests {
    @Test func whoBeginsToWaitAfterTheEndIsAnsweredThatNothingComes() async throws {
        // given: a consumer that drained between somebody's look at it and their wait
        let waiters = DeliveryWaiters(hasNewWaiter: {})
        waiters.end()
        // when
        let batch = try await waiters.wait()
        // then
        #expect(batch == nil)
    }

    @Test func theEndAnswersEverybodyWhoWaits() async throws {
        // given
        let waiters = DeliveryWaiters(hasNewWaiter: {})
        // when
        async let first = waiters.wait()
        async let second = waiters.wait()
        waiters.end()
        // then
        let answers = try await [first == nil, second == nil]
        #expect(answers == [true, true])
    }

    @Test func aCancelledTaskDoesNotBeginToWait() async {
        let waiters = DeliveryWaiters(hasNewWaiter: {})
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { return try await waiters.wait() != nil } catch { return true }
            }
            group.cancelAll()
            for await wasCancelled in group { #expect(wasCancelled) }
        }
        #expect(waiters.isEmpty)
    }
}
