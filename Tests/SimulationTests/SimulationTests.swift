import Foundation
import Testing

/// The real relay and the real rules of the inbox on models whose every step a seed orders.
///
/// `MAILLAGE_SIMULATION_SEED` and `MAILLAGE_SIMULATION_SCHEDULES` choose the first seed and the number of schedules.
@Suite(.timeLimit(.minutes(60))) struct Simulations {
    private static let plantScheduleMax: UInt64 = 10_000
    private static let environment = ProcessInfo.processInfo.environment
    private static let firstSeed = environment["MAILLAGE_SIMULATION_SEED"].flatMap { UInt64($0) } ?? 1
    private static let scheduleCount = environment["MAILLAGE_SIMULATION_SCHEDULES"].flatMap { UInt64($0) } ?? 100

    @Test func relayLosesAndReordersNothing() {
        for seed in Self.firstSeed..<Self.firstSeed + Self.scheduleCount {
            let report = RelaySimulation(seed: seed).run()
            guard report.violations.isEmpty else {
                Issue.record("MAILLAGE_SIMULATION_SEED=\(seed): \(report.violations.joined(separator: "; "))")
                return
            }
        }
    }

    @Test func inboxAppliesEachEventOnceAndInItsOrder() throws {
        for seed in Self.firstSeed..<Self.firstSeed + Self.scheduleCount {
            let report = try InboxSimulation(seed: seed).run()
            guard report.violations.isEmpty else {
                Issue.record("MAILLAGE_SIMULATION_SEED=\(seed): \(report.violations.joined(separator: "; "))")
                return
            }
        }
    }

    /// A wait of a cancelled task is over at once, and a blocked broker is asked nothing: it would go round for ever.
    @Test func cancelledRelayEndsBehindABlockedBroker() throws {
        let world = SimulatedWorld(seed: 1)
        let outbox = ModelOutbox(world)
        let isEnded = try world.run { await RelaySimulation.endsWhenCancelled(world, outbox) }
        #expect(isEnded && outbox.waitingCount == 1)
    }

    @Test func seedRepeatsItsSchedule() throws {
        for seed: UInt64 in 1...5 {
            #expect(RelaySimulation(seed: seed).run() == RelaySimulation(seed: seed).run())
            #expect(try InboxSimulation(seed: seed).run() == InboxSimulation(seed: seed).run())
        }
    }

    @Test(arguments: [RelaySimulation.Plant.deletesBeforeTheConfirm, .looksBehindTheLastPosition])
    func mistakePlantedInTheRelayIsFound(plant: RelaySimulation.Plant) {
        let found = (1...Self.plantScheduleMax).lazy.compactMap { seed in
            RelaySimulation(seed: seed, plant: plant).run().violations.first.map { (seed, $0) }
        }.first
        Self.expect(found, plant.rawValue)
    }

    @Test(arguments: [InboxSimulation.Plant.losesWakeUps, .acknowledgesTooMuch, .forgetsReceipts, .trustsOneReceipt])
    func mistakePlantedInTheInboxIsFound(plant: InboxSimulation.Plant) throws {
        for seed in 1...Self.plantScheduleMax {
            let report = try InboxSimulation(seed: seed, plant: plant).run()
            if let violation = report.violations.first { return Self.expect((seed, violation), plant.rawValue) }
        }
        Self.expect(nil, plant.rawValue)
    }

    private static func expect(_ found: (seed: UInt64, violation: String)?, _ plant: String) {
        guard let found else {
            Issue.record("\(plant): not found in \(plantScheduleMax) schedules")
            return
        }
        print("simulation: \(plant) is found by schedule \(found.seed): \(found.violation)")
    }
}
