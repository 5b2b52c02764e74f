import Outbox
import Synchronization

@testable import RabbitMQ

/// What a broker stored, over all connections of all publishers.
final class ModelExchange: Sendable {
    private let state = Mutex<[String]>([])

    var stored: [String] { state.withLock { $0 } }

    func store(_ id: String) { state.withLock { $0.append(id) } }
}

/// A connection to a broker that confirms in any order and in bulk, returns before it confirms, refuses, stops and
/// breaks. The window of unconfirmed messages is the real publisher's.
actor ModelPublisher: MessagePublisher {
    private enum Answer {
        case acknowledged
        case refused
    }

    private enum Move: CaseIterable {
        case write, take, confirm, lose, block
    }

    private static let windowMax = 6

    private let world: SimulatedWorld
    private let exchange: ModelExchange
    private var window = PublishWindow(countMax: windowMax)
    private var calls: [(call: PublishCall, expiresAt: Duration)] = []
    /// Written and not read by the broker.
    private var socket: [(tag: UInt64, id: String)] = []
    /// Settled by the broker and not told yet.
    private var answers: [UInt64: Answer] = [:]
    private var lastTag: UInt64 = 0
    private var downUntil = Duration.zero
    private var faultsLeft: Int
    private(set) var isBlocked = false

    init(_ world: SimulatedWorld, _ exchange: ModelExchange, faultCount: Int) {
        self.world = world
        self.exchange = exchange
        faultsLeft = faultCount
    }

    func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        let expiresAt = world.elapsed + deadline
        return await withCheckedContinuation { continuation in
            calls.append((PublishCall(messages, deadline: .distantFuture, continuation: continuation), expiresAt))
        }
    }

    /// Lets broker and network do their work until the task is cancelled.
    func work() async {
        while !Task.isCancelled {
            expire()
            if move() { await world.pause() } else { try? await world.sleep(for: .milliseconds(1)) }
        }
        // Nobody waits for an answer any more.
        for (call, _) in calls { _ = call.expire(unsent: "the end") }
    }

    private func expire() {
        calls.removeAll { call, expiresAt in
            if !call.isFinished && world.elapsed >= expiresAt { _ = call.expire(unsent: "the deadline is over") }
            return call.isFinished
        }
    }

    /// - Returns: whether something happened.
    private func move() -> Bool {
        for move in world.shuffled(Move.allCases) where make(move) { return true }
        return false
    }

    private func make(_ move: Move) -> Bool {
        switch move {
        case .write: write()
        case .take: take()
        case .confirm: confirm()
        case .lose: lose()
        case .block: block()
        }
    }

    private func write() -> Bool {
        guard !isBlocked, world.elapsed >= downUntil, window.room > 0,
            let call = calls.first(where: { $0.call.hasUnsent && !$0.call.isFinished })?.call
        else { return false }
        lastTag += 1
        socket.append((lastTag, call.messages[call.next].messageID))
        window.append(call, call.next)
        call.next += 1
        return true
    }

    private func take() -> Bool {
        guard !socket.isEmpty else { return false }
        let (tag, id) = socket.removeFirst()
        guard takesFault(onceIn: 30) else {
            exchange.store(id)
            answers[tag] = .acknowledged
            return true
        }
        if world.happens(onceIn: 2) {
            // No queue took it: the return comes first, and then an acknowledgement as for any other.
            _ = window.markReturned(messageID: id, code: 312, reason: "NO_ROUTE")
            answers[tag] = .acknowledged
        } else {
            // Refused by one queue, perhaps stored by another.
            if world.happens(onceIn: 2) { exchange.store(id) }
            answers[tag] = .refused
        }
        return true
    }

    private func confirm() -> Bool {
        guard let tag = world.shuffled(answers.keys.sorted()).first, let answer = answers[tag] else { return false }
        let upTo = (1...tag).filter { answers[$0] != nil }
        let isRun = answer == .acknowledged && upTo.allSatisfy { answers[$0] == .acknowledged }
        let isMultiple = isRun && !socket.contains { $0.tag < tag } && world.happens(onceIn: 2)
        for tag in isMultiple ? upTo : [tag] { answers[tag] = nil }
        window.settle(tag, multiple: isMultiple) { slot in
            let outcome = answer == .refused ? PublishOutcome.nacked : slot.returned ?? .confirmed
            _ = slot.call.settle(slot.index, outcome)
        }
        return true
    }

    /// What was written may be stored or not; its publisher cannot know.
    private func lose() -> Bool {
        guard lastTag > 0, takesFault(onceIn: 60) else { return false }
        for (_, id) in socket.prefix(world.number(0...socket.count)) { exchange.store(id) }
        (socket, answers, lastTag) = ([], [:], 0)
        window.reset { slot in _ = slot.call.settle(slot.index, .unknown("the connection was lost")) }
        downUntil = world.elapsed + .milliseconds(world.number(0...2_000))
        return true
    }

    private func block() -> Bool {
        if isBlocked {
            isBlocked = !world.happens(onceIn: 20)
            return !isBlocked
        }
        guard takesFault(onceIn: 100) else { return false }
        isBlocked = true
        return true
    }

    private func takesFault(onceIn count: Int) -> Bool {
        guard faultsLeft > 0, world.happens(onceIn: count) else { return false }
        faultsLeft -= 1
        return true
    }
}
