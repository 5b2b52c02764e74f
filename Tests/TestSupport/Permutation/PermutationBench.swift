import FoundationEssentials
import Inbox
import Postgres
import RabbitMQ

/// A service on a database that goes back to the same beginning for every case.
package struct PermutationBench: Sendable {
    /// How a case ended.
    struct Outcome: Sendable, Equatable {
        var state: CanonicalState
        /// What should never be, in the order of finding.
        var violations: [String]
    }

    private static let settlingRoundsMax = 30
    private static let brakeMilliseconds = 3

    private let service: ServiceHarness
    private let handlers: [EventHandler]
    private let known: Set<String>

    /// - Parameter service: in the state from which every case begins.
    package init(_ service: ServiceHarness, _ schema: CanonicalSchema) async throws {
        self.service = service
        handlers = service.handlers.map { handler in
            handler.witnessed { events, transaction in
                try await transaction.query(
                    "insert into permutation.witness (event) select unnest(\(events.map(\.id)))")
            }
        }
        try await schema.install(on: service.pool)
        var known: Set<String> = []
        for row in try await service.pool.query("select line from permutation.state") {
            known.formUnion(CanonicalState.identifiers(in: try row.get("line", as: String.self)))
        }
        self.known = known
    }

    /// What a plan comes to.
    func outcome(of plan: PermutationPlan, in history: History) async throws -> Outcome {
        try await service.pool.query("call permutation.restore()")
        var run = PermutationRun(service: service, handlers: handlers, history: history)
        for step in plan.steps {
            try await setBrake(isOn: step.lanes.count > 1)
            await run.take(step)
            run.note(try await violations())
        }
        try await setBrake(isOn: false)
        try await settle(&run)
        return Outcome(state: try await state(history), violations: run.violations)
    }

    /// Everything is done that can be: what was not possible yet, what failed, and what is parked.
    private func settle(_ run: inout PermutationRun) async throws {
        var before = -1
        for _ in 0..<Self.settlingRoundsMax {
            await run.catchUp()
            await run.take(.sweep)
            let parked = try await service.pool.query("select count(*)::int as n from inbox_parked")
            let left = try parked.first?.get("n", as: Int.self) ?? 0
            guard left + run.owedCount > 0, left + run.owedCount != before else { break }
            before = left + run.owedCount
        }
        run.noteOwed()
        run.note(try await violations())
    }

    private func setBrake(isOn: Bool) async throws {
        let milliseconds = isOn ? Self.brakeMilliseconds : 0
        try await service.pool.query(
            """
            update permutation.brake set milliseconds = \(milliseconds) where milliseconds <> \(milliseconds)
            """)
    }

    private func violations() async throws -> [String] {
        try await service.pool.query("select line from permutation.violations order by line").map {
            try $0.get("line")
        }
    }

    private func state(_ history: History) async throws -> CanonicalState {
        var known = known
        for case .told(let told) in history.items {
            known.formUnion(CanonicalState.identifiers(in: String(decoding: told.message.body, as: UTF8.self)))
        }
        let rows = try await service.pool.query("select line from permutation.state").map {
            try $0.get("line", as: String.self)
        }
        return CanonicalState(rows: rows, known: known)
    }
}
