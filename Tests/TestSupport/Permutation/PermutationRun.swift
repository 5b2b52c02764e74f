import Inbox
import Postgres
import RabbitMQ

/// A plan while it is carried out.
struct PermutationRun {
    private let service: ServiceHarness
    private let handlers: [EventHandler]
    private let history: History
    private(set) var violations: [String] = []
    private var deliveryCounts: [Int: Int] = [:]
    private var begunActions: Set<Int> = []
    /// Events whose batch failed: the broker would deliver them again.
    private var failed: [(items: [Int], error: String)] = []
    private var pendingActions: [Int] = []

    /// - Parameter handlers: the service's own, with a witness.
    init(service: ServiceHarness, handlers: [EventHandler], history: History) {
        self.service = service
        self.handlers = handlers
        self.history = history
    }

    /// What is still to be done.
    var owedCount: Int { failed.count + pendingActions.count }

    mutating func take(_ step: PermutationPlan.Step) async {
        guard case .sweep = step else { return await take(step.lanes) }
        do {
            try await service.pool.query(
                """
                update inbox_parked set next_attempt_at = now() - interval '1 second'
                where next_attempt_at < 'infinity'
                """)
            try await service.processor(of: handlers).sweep()
        } catch {
            violations.append("a sweep failed: \(error)")
        }
    }

    /// Tries again what could not be done.
    mutating func catchUp() async {
        let (batches, actions) = (failed, pendingActions)
        (failed, pendingActions) = ([], [])
        begunActions.subtract(actions + batches.flatMap(\.items))
        for batch in batches { await take([batch.items]) }
        for action in actions { await take([[action]]) }
    }

    /// A batch that fails whenever it comes would go round for ever.
    mutating func noteOwed() {
        for batch in failed { violations.append("\(batch.items) is never settled: \(batch.error)") }
    }

    mutating func note(_ found: [String]) {
        for line in found where !violations.contains(line) { violations.append(line) }
    }

    private enum Work: Sendable {
        case deliver([Int], DeliveryBatch)
        case act(Int, History.Action)
    }

    private enum Report: Sendable {
        case fine
        case notYet(Int)
        case failed([Int], String)
    }

    private mutating func take(_ lanes: [[Int]]) async {
        let plans = lanes.map { self.work(of: $0) }
        let (service, handlers) = (service, handlers)
        let reports = await withTaskGroup(of: [Report].self) { group in
            for lane in plans {
                group.addTask {
                    var reports: [Report] = []
                    // Nothing outlives a step but the database: as after a restart.
                    let processor = service.processor(of: handlers)
                    for work in lane { reports.append(await Self.perform(work, by: processor)) }
                    return reports
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        for report in reports {
            switch report {
            case .fine: break
            case .notYet(let item): pendingActions.append(item)
            case .failed(let items, let error): failed.append((items, error))
            }
        }
    }

    private mutating func work(of items: [Int]) -> [Work] {
        var work: [Work] = []
        var batch: [Int] = []
        for item in items {
            switch history.items[item] {
            case .told: batch.append(item)
            case .action(let action):
                if !batch.isEmpty { work.append(.deliver(batch, deliver(batch))) }
                batch = []
                // Users do not repeat themselves, whatever the plan says.
                if begunActions.insert(item).inserted { work.append(.act(item, action)) }
            }
        }
        if !batch.isEmpty { work.append(.deliver(batch, deliver(batch))) }
        return work
    }

    /// The batch as the broker hands it over: what was delivered before says so.
    private mutating func deliver(_ items: [Int]) -> DeliveryBatch {
        let messages = items.compactMap { item in
            if case .told(let told) = history.items[item] { told.message } else { nil }
        }
        let counts = items.map { item in
            defer { deliveryCounts[item, default: 0] += 1 }
            return deliveryCounts[item, default: 0]
        }
        return EventBuilders.batch(messages, deliveryCounts: counts)
    }

    private static func perform(_ work: Work, by processor: InboxProcessor) async -> Report {
        switch work {
        case .deliver(let items, let batch):
            do {
                try await processor.process(batch)
                return .fine
            } catch {
                return .failed(items, "\(error)")
            }
        case .act(let item, let action):
            do {
                return try await action.perform() ? .fine : .notYet(item)
            } catch {
                return .failed([item], "\(action.label): \(error)")
            }
        }
    }
}
