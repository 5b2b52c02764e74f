import Events
import FoundationEssentials
import RabbitMQ
import TestSupport

@testable import Inbox

/// Replicas of a listener with the real rules of the inbox (batch contents, receipts, order, parking, resuming) and of
/// acknowledging, on a database and a queue that misbehave a few times and then no more.
struct InboxSimulation {
    /// A mistake that only a test makes, around what the inbox is given.
    enum Plant: String, Sendable {
        case none
        /// Reads how far a subject is without its lock.
        case losesWakeUps = "lost wake-up"
        /// Acknowledges everything up to a batch, whatever became of those before it.
        case acknowledgesTooMuch = "multiple over an uncommitted batch"
        /// Takes every receipt for the first.
        case forgetsReceipts = "no dedupe"
        /// Takes one receipt of a batch for its commit, when nobody knows whether it was committed.
        case trustsOneReceipt = "commit unknown by one receipt"
    }

    struct Report: Sendable, Equatable {
        var violations: [String] = []
        /// What was applied, subject by subject.
        var applied: [String] = []
    }

    private static let patience = Duration.seconds(1_800)
    /// Milliseconds between two looks at an empty queue.
    private static let idleTimes = 10...2_000
    private static let subjects = ["a", "b", "c"]
    private static let sequences: ClosedRange<Int64> = 1...4
    /// Every event as its owner publishes it; made once, for encoding costs more than a schedule.
    private static let messages = Result { try all() }
    private static let handlers = HandlerTable([.on(MilestoneReached.self) { _, _, _ in .applied }])

    let seed: UInt64
    var plant = Plant.none

    func run() throws -> Report {
        let (world, messages, plant) = (SimulatedWorld(seed: seed), try Self.messages.get(), plant)
        let inbox = ModelInbox(world, faultCount: world.number(0...4)) { event, tables in
            // The second event of `b` refers to the second of `a`.
            guard event.subject == "b", event.sequence == 2 else { return true }
            return tables.applied.contains { $0.key.subject == "a" && $0.value.contains(2) }
        }
        let queue = ModelQueue<OutgoingMessage>(deliveryLimit: 100)
        do {
            let lost = try world.run { await Self.live((world, inbox, queue), messages, plant) }
            return Self.report(inbox.tables, lost, deadCount: queue.dead.count)
        } catch {
            var report = Self.report(inbox.tables, [], deadCount: queue.dead.count)
            report.violations.append("\(error)")
            return report
        }
    }

    private typealias Stage = (world: SimulatedWorld, inbox: ModelInbox, queue: ModelQueue<OutgoingMessage>)

    /// - Returns: the wake-ups that were lost.
    private static func live(_ stage: Stage, _ messages: [OutgoingMessage], _ plant: Plant) async -> [String] {
        let (world, inbox, queue) = stage
        return await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                let consumer = ModelConsumer(queue, prefetch: 6, isHasty: plant == .acknowledgesTooMuch)
                for _ in 0..<2 { group.addTask { await work(stage, consumer, plant) } }
                group.addTask { await sweep(stage, plant) }
                group.addTask {
                    for _ in 0..<world.number(0...2) {
                        try? await world.sleep(for: .milliseconds(world.number(1...60)))
                        await consumer.renew()
                    }
                }
            }
            await publish(messages, stage)
            var lost: [String] = []
            let deadline = world.elapsed + patience
            while world.elapsed < deadline {
                if queue.count == 0, inbox.openCount == 0 {
                    lost += lostWakeUps(inbox.tables).filter { !lost.contains($0) }
                    if inbox.tables.parked.isEmpty { break }
                }
                try? await world.sleep(for: .milliseconds(world.elapsed < .seconds(10) ? 20 : 2_000))
            }
            group.cancelAll()
            return lost
        }
    }

    /// Relays repeat themselves, and a subject's events may come the wrong way round.
    private static func publish(_ messages: [OutgoingMessage], _ stage: Stage) async {
        let world = stage.world
        var order = world.happens(onceIn: 2) ? messages : world.shuffled(messages)
        for index in order.indices where world.happens(onceIn: 6) { order.append(order[index]) }
        for message in order {
            stage.queue.publish(message)
            if world.happens(onceIn: 4) { try? await world.sleep(for: .milliseconds(world.number(0...20))) }
        }
    }

    private static func work(_ stage: Stage, _ consumer: ModelConsumer<OutgoingMessage>, _ plant: Plant) async {
        let world = stage.world
        var idle = Self.idleTimes.lowerBound
        while !Task.isCancelled {
            guard let batch = await consumer.next(atMost: world.number(1...4)) else {
                // Ever less often: most of a schedule is waiting for what is parked.
                try? await world.sleep(for: .milliseconds(world.number(1...idle)))
                idle = min(idle * 2, Self.idleTimes.upperBound)
                continue
            }
            idle = Self.idleTimes.lowerBound
            do {
                try await process(batch, stage.inbox, plant)
                await consumer.acknowledge(batch)
            } catch {
                await consumer.abandon(batch)
            }
        }
    }

    private static func process(
        _ batch: ModelConsumer<OutgoingMessage>.Batch, _ inbox: ModelInbox, _ plant: Plant
    ) async throws {
        let contents = BatchContents(DeliveryBatch(batch.deliveries.map(\.message)), handlers)
        while true {
            do {
                _ = try await PlantedDatabase(inbox: inbox, plant: plant).apply(contents.messages[...], handlers)
                return
            } catch {
                // At once, or after the queue has had it back.
                if inbox.world.happens(onceIn: 2) { throw error }
            }
        }
    }

    private static func sweep(_ stage: Stage, _ plant: Plant) async {
        while !Task.isCancelled {
            try? await stage.world.sleep(for: .milliseconds(500))
            var keys: Set<OrderKey> = []
            for (key, _) in stage.inbox.candidates() where keys.insert(key).inserted {
                try? await PlantedDatabase(inbox: stage.inbox, plant: plant).withTransaction { planted in
                    guard let place = try await planted.session.lockIfFree(key) else { return }
                    var work = InboxTransaction(planted, handlers)
                    _ = try await work.resume(key, place)
                }
            }
        }
    }

    // MARK: Judging

    private static func report(_ tables: ModelInbox.Tables, _ lost: [String], deadCount: Int) -> Report {
        var report = Report(violations: lost)
        if deadCount > 0 { report.violations.append("\(deadCount) messages are dead") }
        for subject in subjects {
            let applied = tables.applied.first { $0.key.subject == subject }?.value ?? []
            report.applied.append("\(subject): \(applied)")
            guard applied != Array(sequences) else { continue }
            report.violations.append("\(subject) was applied as \(applied)")
        }
        return report
    }

    private static func lostWakeUps(_ tables: ModelInbox.Tables) -> [String] {
        tables.parked.values.compactMap { row in
            let event = row.message.event
            let last = tables.places[event.key]?.last ?? 0
            guard row.waitsFor == .predecessor, event.sequence <= last + 1 else { return nil }
            return "a wake-up was lost: \(event.subject) #\(event.sequence) waits for #\(last), which is applied"
        }.sorted()
    }

    private static func all() throws -> [OutgoingMessage] {
        var generator = Chance(seed: 7)
        var messages: [OutgoingMessage] = []
        for sequence in sequences {
            for subject in subjects {
                messages.append(
                    try EventBuilders.message(
                        EventBuilders.milestoneReached(experiment: generator.uuid()), subject: subject,
                        sequence: sequence, id: generator.uuid()))
            }
        }
        return messages
    }
}

// MARK: The planted mistakes

private struct PlantedDatabase: InboxDatabase {
    let inbox: ModelInbox
    let plant: InboxSimulation.Plant

    func withTransaction<R>(_ body: (PlantedSession) async throws -> R) async throws -> R {
        try await inbox.withTransaction { try await body(PlantedSession(session: $0, plant: plant)) }
    }

    func receiptCount(of ids: Set<UUID>) async throws -> Int {
        guard plant == .trustsOneReceipt, let first = ids.min() else { return try await inbox.receiptCount(of: ids) }
        return try await inbox.receiptCount(of: [first]) * ids.count
    }
}

private struct PlantedSession: InboxSession {
    let session: ModelInbox.Session
    let plant: InboxSimulation.Plant

    func insert(_ events: [InboundEvent]) async throws -> Set<UUID> {
        let fresh = try await session.insert(events)
        return plant == .forgetsReceipts ? Set(events.map(\.id)) : fresh
    }

    func lock(_ keys: [OrderKey]) async throws -> [OrderKey: InboxStore.Place] {
        guard plant == .losesWakeUps else { return try await session.lock(keys) }
        return session.read(keys)
    }

    func lockAndLook(
        _ keys: [OrderKey]
    ) async throws -> (
        places: [OrderKey: InboxStore.Place], firstParked: [OrderKey: Int64]
    ) {
        guard plant == .losesWakeUps else { return try await session.lockAndLook(keys) }
        let places = session.read(keys)
        return (places, try await firstSequences(behind: places.map { (key: $0.key, last: $0.value.last) }))
    }

    func advance(_ places: [(key: OrderKey, last: Int64)]) async throws { try await session.advance(places) }
    func firstSequences(behind places: [(key: OrderKey, last: Int64)]) async throws -> [OrderKey: Int64] {
        try await session.firstSequences(behind: places)
    }
    func run(of key: OrderKey, behind last: Int64) async throws -> [ParkedStore.Parked] {
        try await session.run(of: key, behind: last)
    }
    func park(_ parkings: [InboxEffects.Parking]) async throws { try await session.park(parkings) }
    func remove(_ ids: [UUID]) async throws { try await session.remove(ids) }
    func postpone(_ postponed: [(id: UUID, reason: String)]) async throws { try await session.postpone(postponed) }
    func removePast(of key: OrderKey, last: Int64) async throws -> Int {
        try await session.removePast(of: key, last: last)
    }
    func postponeGap(of key: OrderKey) async throws { try await session.postponeGap(of: key) }
    func apply(_ event: InboundEvent) async throws -> HandlerOutcome { try await session.apply(event) }
    func apply(_ events: [InboundEvent]) async throws { try await session.apply(events) }
}
