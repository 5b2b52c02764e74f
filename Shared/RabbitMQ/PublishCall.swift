/// One call of `publish`: its messages, what became of them, and who waits. Used by the publisher's actor alone.
final class PublishCall {
    let messages: [OutgoingMessage]
    let deadline: Moment
    /// The next message to write.
    var next = 0
    private(set) var isFinished = false
    private var outcomes: [PublishOutcome]
    private var unsettled: Int
    private let continuation: CheckedContinuation<[PublishOutcome], Never>

    init(
        _ messages: [OutgoingMessage], deadline: Moment, continuation: CheckedContinuation<[PublishOutcome], Never>
    ) {
        self.messages = messages
        self.deadline = deadline
        self.continuation = continuation
        unsettled = messages.count
        outcomes = Array(repeating: .unknown("no confirm came before the deadline"), count: messages.count)
    }

    var hasUnsent: Bool { next < messages.count }

    /// - Returns: whether the call had still waited for it.
    func settle(_ index: Int, _ outcome: PublishOutcome) -> Bool {
        guard !isFinished else { return false }
        outcomes[index] = outcome
        unsettled -= 1
        if unsettled == 0 { finish() }
        return true
    }

    /// Answers now: what was not written gets the reason, what was written and not confirmed stays unknown.
    /// - Returns: how many messages had no outcome.
    func expire(unsent reason: String) -> Int {
        guard !isFinished else { return 0 }
        for index in next..<messages.count { outcomes[index] = .unknown(reason) }
        finish()
        return unsettled
    }

    private func finish() {
        isFinished = true
        continuation.resume(returning: outcomes)
    }
}
