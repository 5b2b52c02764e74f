import RabbitMQ
import TestSupport

@testable import Outbox

/// Two replicas of the real relay, with writers, a database and a broker that misbehave a few times and then no more.
struct RelaySimulation {
    /// A mistake that only a test makes, around what the relay is given.
    enum Plant: String, Sendable {
        case none
        /// Says that the broker has a message when it was only handed over.
        case deletesBeforeTheConfirm = "delete before ack"
        /// Looks behind the last position only, as polls by `id > last` do.
        case looksBehindTheLastPosition = "a cursor without rescans"
    }

    struct Report: Sendable, Equatable {
        var violations: [String] = []
        var stored: [String] = []
        var committedCount = 0
    }

    private static let patience = Duration.seconds(180)
    private static let subjects = ["a", "b", "c"].map { SubjectKey(stream: "thing", subject: $0) }

    let seed: UInt64
    var plant = Plant.none

    func run() -> Report {
        let world = SimulatedWorld(seed: seed)
        let (outbox, exchange, plant) = (ModelOutbox(world), ModelExchange(), plant)
        do {
            let isEmpty = try world.run { await Self.live(world, outbox, exchange, plant) }
            return Self.report(outbox, exchange, isEmpty: isEmpty)
        } catch {
            var report = Self.report(outbox, exchange, isEmpty: true)
            report.violations.append("\(error)")
            return report
        }
    }

    /// - Returns: whether the outbox became empty in time.
    private static func live(
        _ world: SimulatedWorld, _ outbox: ModelOutbox, _ exchange: ModelExchange, _ plant: Plant
    ) async -> Bool {
        let wakeUps = [RelayWakeUp(), RelayWakeUp()]
        return await withTaskGroup(of: Void.self) { group in
            for wakeUp in wakeUps {
                let publisher = ModelPublisher(world, exchange, faultCount: world.number(0...3))
                group.addTask { await publisher.work() }
                group.addTask { await relay(world, outbox, publisher, (wakeUp, plant)) }
            }
            await withTaskGroup(of: Void.self) { writers in
                for _ in 0..<world.number(2...4) { writers.addTask { await write(world, outbox, wakeUps) } }
                writers.addTask {
                    for _ in 0..<world.number(0...2) {
                        try? await world.sleep(for: .milliseconds(world.number(1...300)))
                        outbox.loseLeader()
                    }
                }
            }
            let deadline = world.elapsed + patience
            while outbox.waitingCount > 0, world.elapsed < deadline { try? await world.sleep(for: .milliseconds(50)) }
            group.cancelAll()
            return outbox.waitingCount == 0
        }
    }

    private static func write(_ world: SimulatedWorld, _ outbox: ModelOutbox, _ wakeUps: [RelayWakeUp]) async {
        for _ in 0..<world.number(1...4) {
            let keys = world.shuffled(subjects).prefix(world.number(1...2))
            await outbox.append(to: Array(keys), commits: !world.happens(onceIn: 6)) {
                guard world.happens(onceIn: 4) else { return }
                try? await world.sleep(for: .milliseconds(world.number(1...400)))
            }
            wakeUps[world.number(0...1)].signal()
            try? await world.sleep(for: .milliseconds(world.number(0...120)))
        }
    }

    private static func relay(
        _ world: SimulatedWorld, _ outbox: ModelOutbox, _ publisher: ModelPublisher,
        _ with: (wakeUp: RelayWakeUp, plant: Plant)
    ) async {
        var settings = RelaySettings()
        settings.batchCountMax = 3
        settings.holdCountMax = 2
        var context = RelayContext(
            settings: settings, metrics: RelayMetrics(), logger: TestBroker.quietLogger)
        context.time = world
        while !Task.isCancelled {
            let connection = outbox.connect()
            if (try? await outbox.becomeLeader(connection)) == true {
                let session = PlantedQueue(
                    session: ModelOutbox.Session(outbox: outbox, connection: connection), plant: with.plant)
                let publisher = PlantedPublisher(publisher: publisher, world: world, plant: with.plant)
                var leader = RelayLeader(
                    store: session, publisher: publisher, wakeUp: with.wakeUp, context: context)
                try? await leader.lead()
            }
            outbox.disconnect(connection)
            try? await world.sleep(for: settings.standbyInterval)
        }
    }

    /// Cancels a relay while its broker is blocked.
    /// - Returns: whether it ended without publishing.
    static func endsWhenCancelled(_ world: SimulatedWorld, _ outbox: ModelOutbox) async -> Bool {
        await outbox.append(to: [subjects[0]], commits: true)
        let session = ModelOutbox.Session(outbox: outbox, connection: outbox.connect())
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var context = RelayContext(
                    settings: RelaySettings(), metrics: RelayMetrics(), logger: TestBroker.quietLogger)
                context.time = world
                var leader = RelayLeader(
                    store: session, publisher: BlockedPublisher(), wakeUp: RelayWakeUp(), context: context)
                do { try await leader.lead() } catch { return error is CancellationError }
                return false
            }
            try? await world.sleep(for: .milliseconds(300))
            group.cancelAll()
            return await group.next() ?? false
        }
    }

    // MARK: Judging

    private static func report(_ outbox: ModelOutbox, _ exchange: ModelExchange, isEmpty: Bool) -> Report {
        let (committed, stored) = (outbox.committed, exchange.stored)
        var report = Report(stored: stored, committedCount: committed.count)
        if !isEmpty { report.violations.append("\(outbox.waitingCount) events still wait after \(patience)") }
        let known = Set(committed.map(\.id))
        for id in Set(stored).subtracting(known).sorted() {
            report.violations.append("\(id) was published and never committed")
        }
        for id in known.subtracting(stored).sorted() { report.violations.append("\(id) is lost") }
        for subject in subjects where !hasWholeRun(of: subject, committed, stored) {
            report.violations.append("the queue does not have the whole run of \(subject.subject) in its order")
        }
        return report
    }

    /// Whether a listener that parks what comes early and drops what comes again needs no more than this.
    private static func hasWholeRun(of key: SubjectKey, _ committed: [ModelOutbox.Event], _ stored: [String]) -> Bool {
        var rest = committed.filter { $0.key == key }.sorted { $0.sequence < $1.sequence }.map(\.id)[...]
        for id in stored where id == rest.first { rest.removeFirst() }
        return rest.isEmpty
    }
}

extension SimulatedWorld: RelayTime {
    func milliseconds(in range: ClosedRange<Int>) -> Int { number(range) }
}

// MARK: The planted mistakes

private struct PlantedPublisher: MessagePublisher {
    let publisher: ModelPublisher
    let world: SimulatedWorld
    let plant: RelaySimulation.Plant

    var isBlocked: Bool { get async { await publisher.isBlocked } }

    func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        guard plant == .deletesBeforeTheConfirm else {
            return await publisher.publish(messages, deadline: deadline)
        }
        Task(executorPreference: world) { await publisher.publish(messages, deadline: deadline) }
        return messages.map { _ in .confirmed }
    }
}

private struct BlockedPublisher: MessagePublisher {
    let isBlocked = true

    func publish(_ messages: [OutgoingMessage], deadline: Duration) async -> [PublishOutcome] {
        messages.map { _ in .unknown("blocked") }
    }
}

private struct PlantedQueue: OutboxQueue {
    let session: ModelOutbox.Session
    let plant: RelaySimulation.Plant
    private var last: Int64 = 0

    init(session: ModelOutbox.Session, plant: RelaySimulation.Plant) {
        self.session = session
        self.plant = plant
    }

    func prepareSession() async throws { try await session.prepareSession() }

    mutating func look(_ look: OutboxLook) async throws -> [OutboxRow] {
        guard plant == .looksBehindTheLastPosition else { return try await session.look(look) }
        let rows = try await session.look(
            OutboxLook(cursor: max(look.cursor, last), limit: look.limit, missing: [], published: look.published))
        last = max(last, rows.last?.position ?? 0)
        return rows
    }

    mutating func positions(after cursor: Int64, limit: Int) async throws -> [Int64] {
        let from = plant == .looksBehindTheLastPosition ? max(cursor, last) : cursor
        let positions = try await session.positions(after: from, limit: limit)
        last = max(last, positions.last ?? 0)
        return positions
    }

    func queued(_ positions: [Int64]) async throws -> [Int64] { try await session.queued(positions) }
    func snapshot() async throws -> TransactionSnapshot { try await session.snapshot() }
    func rows(at positions: [Int64]) async throws -> [OutboxRow] { try await session.rows(at: positions) }
    func predecessors(of rows: [OutboxRow]) async throws -> [(of: Int64, at: Int64)] {
        try await session.predecessors(of: rows)
    }
    func delete(_ positions: [Int64]) async throws { try await session.delete(positions) }
    func backlog() async throws -> OutboxStore.Backlog { try await session.backlog() }
}
