import Events
import FoundationEssentials
import Inbox
import Logging
import Migrations
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import ServiceRuntime

/// What was lost behind everybody's back is missed, named and brought back. The broker is the test's own: names of
/// exchanges and queues are fixed.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RepairTests {
    /// Whose events the probe listens to.
    enum FundingProbe: ServiceDefinition {
        static let owner = EventOwner.funding
        static let migrations: [MigrationFile] = []
        static func build(_ context: BuildContext) async throws -> ServiceParts { ServiceParts(routes: { _ in }) }
    }

    @Test func aLostLastEventIsReportedAndBroughtBackByAReplay() async throws {
        try await Lab.with { lab in
            try await ProcessLab.run(FundingProbe.self, lab.ownerSettings) {
                // given: two events took effect, and while nobody listens a third and last one vanishes from the queue
                try await lab.reserve(2)
                try await lab.listen { try await lab.waitUntilApplied(2) }
                try await lab.reserve(1)
                try await lab.steal(GrantReserved.type.name)
                try await lab.listen {
                    // then: the next checkpoint tells
                    try await waitUntil("the loss is seen") {
                        let report = try await lab.report()
                        return report.missingCount == 1 && report.holes.count == 1
                    }
                    let report = try await lab.report()
                    #expect(report.holes.map(\.missingSequence) == [3])
                    let text = Reconciliation(report: report, differences: []).text
                    #expect(text.hasSuffix("applications is not complete: missing events 1, holes 1\n"))
                    // when
                    let replayed = try await EventsReplayCommand<FundingProbe>.replay(
                        EventReplay.Order(listener: .applications, generation: 0), settings: lab.ownerSettings
                    ) { _ in }
                    let absorbed = try await EventsAbsorbCommand<ProbeService>.absorb(
                        settings: lab.listenerSettings, idleTime: .milliseconds(300))
                    // then
                    #expect(replayed.eventCount == 3 && absorbed.messageCount == 3)
                    #expect(absorbed.figures.appliedCount == 1 && absorbed.figures.duplicateCount == 2)
                    try await lab.waitUntilApplied(3)
                    let mended = Reconciliation(report: try await lab.report(), differences: [])
                    #expect(mended.isComplete)
                    #expect(mended.text.hasSuffix("applications: nothing is missing\n"))
                    #expect(try mended.json().contains(#""isComplete":true,"missingCount":0"#))
                }
                // then: nothing is said any more when nothing happens
                try await lab.waitUntilQuiet()
            }
        }
    }
}

/// Two services on a broker and two databases of their own.
private struct Lab {
    let listenerSettings: Settings
    let ownerSettings: Settings
    let listenerPool: PostgresPool
    let ownerPool: PostgresPool
    let broker: RabbitMQConfiguration

    static func with(_ body: (Lab) async throws -> Void) async throws {
        try await PrivateBroker.with { broker in
            try await ProcessLab.withKeyFile { keyFile in
                try await withDatabase(schema: "applications", migrations: ProbeService.allMigrations) { pool, url in
                    try await withDatabase(
                        schema: "funding", migrations: RepairTests.FundingProbe.allMigrations
                    ) { ownerPool, ownerURL in
                        func environment(_ url: String) throws -> [String: String] {
                            [
                                "MAILLAGE_DATABASE_URL": url, "MAILLAGE_BROKER_URL": broker.url,
                                "MAILLAGE_BROKER_ADMIN_URL": broker.url, "MAILLAGE_CHECKPOINT_INTERVAL": "200ms",
                                "MAILLAGE_HTTP_PORT": String(try FreePort.find()),
                            ]
                        }
                        let lab = Lab(
                            listenerSettings: try ProcessLab.settings(
                                ProbeService.self, environment(url), keyFile: keyFile),
                            ownerSettings: try ProcessLab.settings(
                                RepairTests.FundingProbe.self, environment(ownerURL), keyFile: keyFile),
                            listenerPool: pool, ownerPool: ownerPool, broker: try broker.configuration())
                        try await lab.declare()
                        try await body(lab)
                    }
                }
            }
        }
    }

    private func declare() async throws {
        try await TestBroker.administer(broker) { administrator in
            let plans =
                try TopologyDeclaration.plans(of: ProbeService.self, settings: listenerSettings)
                + TopologyDeclaration.plans(of: RepairTests.FundingProbe.self, settings: ownerSettings)
            for plan in plans { try await TopologyDeclaration.apply(plan, with: administrator) }
        }
    }

    func listen(_ body: () async throws -> Void) async throws {
        try await ProcessLab.run(ProbeService.self, listenerSettings, body)
    }

    func reserve(_ count: Int) async throws {
        for _ in 0..<count {
            let event = EventBuilders.new(GrantReserved.probe, subject: "a")
            try await ownerPool.withTransaction { try await EventLog.append([event], in: $0) }
        }
    }

    func waitUntilApplied(_ version: Int) async throws {
        try await waitUntil("\(version) events took effect") {
            let rows = try await listenerPool.query("select version from grants where subject = 'a'")
            return try rows.first?.get("version", as: Int.self) == version
        }
    }

    /// Takes the first message of the type off the listener's queue and puts the others back.
    func steal(_ type: String) async throws {
        let queue = EventCatalogue.queue(of: .applications)
        let others = try await TestBroker.administer(broker) { administrator in
            var others: [OutgoingMessage] = []
            try await waitUntil("there is a \(type)") {
                guard let (delivery, body) = try await administrator.get(queue: queue) else { return false }
                if delivery.type == type { return true }
                others.append(
                    OutgoingMessage(
                        exchange: "", routingKey: queue, body: body, messageID: delivery.messageID ?? "",
                        type: delivery.type, contentType: EventEnvelope.contentType, headers: delivery.headers))
                return false
            }
            return others
        }
        let publisher = RabbitPublisher(configuration: broker, logger: ProcessLab.logger)
        #expect(await publisher.publish(others, deadline: .seconds(10)).allSatisfy { $0 == .confirmed })
        await publisher.close()
    }

    func report() async throws -> CompletenessReport {
        try await Completeness(listener: .applications, pool: listenerPool, holeAge: .zero).report()
    }

    /// The log is summed up to its last event, which is a checkpoint.
    func waitUntilQuiet() async throws {
        try await waitUntil("the log is summed up to its end") {
            let rows = try await ownerPool.query(
                "select position = (select max(position) from events) as is_quiet from log_checkpoint")
            return try rows.first?.get("is_quiet") ?? false
        }
        let rows = try await ownerPool.query("select stream from events order by position desc limit 1")
        #expect(try rows.first?.get("stream", as: String.self) == "log")
    }
}
