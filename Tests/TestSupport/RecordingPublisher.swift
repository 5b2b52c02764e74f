import Outbox
package import RabbitMQ
import Synchronization

/// A broker as tests of the relay want it: it notes what it is given, answers as it is told, and can hold its answers
/// back.
package final class RecordingPublisher: MessagePublisher, Sendable {
    package typealias Answer = @Sendable ([OutgoingMessage]) async -> [PublishOutcome]

    private struct State {
        var answer: Answer
        var messages: [OutgoingMessage] = []
        var callCount = 0
        var isBlocked = false
        var isHolding = false
        var held: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter answer: for the messages of one call, in their order; by default all are confirmed.
    package init(answer: @escaping Answer = { messages in messages.map { _ in .confirmed } }) {
        state = Mutex(State(answer: answer))
    }

    /// Everything that was handed over, whatever the answer, in the order of handing over.
    package var messages: [OutgoingMessage] { state.withLock { $0.messages } }
    package var callCount: Int { state.withLock { $0.callCount } }
    package var isBlocked: Bool { state.withLock { $0.isBlocked } }

    package func setBlocked(_ isBlocked: Bool) { state.withLock { $0.isBlocked = isBlocked } }
    package func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// From now on no call is answered.
    package func hold() { state.withLock { $0.isHolding = true } }

    /// Answers the calls that were held, and the later ones at once.
    package func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [:] }
            return state.held
        }
        for continuation in held.values { continuation.resume() }
    }

    package func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        let (number, answer) = state.withLock { state in
            state.messages += messages
            state.callCount += 1
            return (state.callCount, state.answer)
        }
        await waitWhileHolding(number)
        guard !Task.isCancelled else { return messages.map { _ in .unknown("cancelled") } }
        return await answer(messages)
    }

    private func waitWhileHolding(_ number: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.isHolding, !Task.isCancelled else { return false }
                    state.held[number] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.held.removeValue(forKey: number) }?.resume()
        }
    }
}
