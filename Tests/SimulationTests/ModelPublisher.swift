import Outbox
import Synchronization

@testable import RabbitMQ

/// What a broker stored, over all connections of all publishers.
final class ModelExchange: Sendable {
    private let state = Mutex<[String]>([])
    /// The routing keys that have a queue behind them.
    private let hasRoute: @Sendable (String) -> Bool
    /// A queue with so many messages refuses more.
    private let countMax: Int

    init(countMax: Int = .max, hasRoute: @escaping @Sendable (String) -> Bool = { _ in true }) {
        self.countMax = countMax
        self.hasRoute = hasRoute
    }

    var stored: [String] { state.withLock { $0 } }
    var isFull: Bool { stored.count >= countMax }

    func takes(_ routingKey: String) -> Bool { hasRoute(routingKey) }

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
    /// Milliseconds between two looks at nothing to do.
    private static let idleMax = 32

    private let world: SimulatedWorld
    private let exchange: ModelExchange
    private var window = PublishWindow(countMax: windowMax)
    private var calls: [(call: PublishCall, expiresAt: Duration)] = []
    /// Written and not read by the broker.
    private var socket: [(tag: UInt64, message: OutgoingMessage)] = []
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
        var idle = 1
        while !Task.isCancelled {
            expire()
            if move() {
                idle = 1
                await world.pause()
            } else {
                // Ever less often: most of a schedule is waiting.
                try? await world.sleep(for: .milliseconds(idle))
                idle = min(idle * 2, Self.idleMax)
            }
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
        socket.append((lastTag, call.messages[call.next]))
        window.append(call, call.next)
        call.next += 1
        return true
    }

    private func take() -> Bool {
        guard !socket.isEmpty else { return false }
        let (tag, message) = socket.removeFirst()
        let isFault = takesFault(onceIn: 30)
        if !exchange.takes(message.routingKey) || isFault && world.happens(onceIn: 2) {
            // No queue took it: the return comes first, and then an acknowledgement as for any other.
            _ = window.markReturned(messageID: message.messageID, code: 312, reason: "NO_ROUTE")
            answers[tag] = .acknowledged
        } else if isFault || exchange.isFull {
            // Refused by one queue, perhaps stored by another.
            if isFault, world.happens(onceIn: 2) { exchange.store(message.messageID) }
            answers[tag] = .refused
        } else {
            exchange.store(message.messageID)
            answers[tag] = .acknowledged
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
        for (_, message) in socket.prefix(world.number(0...socket.count)) { exchange.store(message.messageID) }
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
