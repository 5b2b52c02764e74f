import Events
import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import Inbox
import Migrations
import Outbox
import Postgres
import RabbitMQ
import ServiceRuntime
import Synchronization

/// A service as small as one can be: a command that appends an event, a listener that counts, an append-only table.
enum ProbeService: ServiceDefinition {
    static let owner = EventOwner.applications
    static let appendOnlyTables = ["trail"]
    static let settings = [SettingKey("probe.limit", .count(1...10), default: "3", unit: "probes", about: "test")]
    static let openAPI = "openapi: 3.1.0\n"
    static let migrations = [
        MigrationFile(
            component: "probe", name: "0001-probe",
            sql: """
                create table probes (id uuid primary key, at timestamptz not null);
                create table grants (subject text primary key, version bigint not null);
                create table trail (at timestamptz not null) partition by range (at);
                create table trail_2026 partition of trail for values from ('2026-01-01') to ('2027-01-01');
                """)
    ]

    struct Probe: Codable, Sendable, Equatable {
        let id: UUID
        let at: Date
        let limit: Int
    }

    static func build(_ context: BuildContext) async throws -> ServiceParts {
        let limit = context.settings.count(settings[0])
        return ServiceParts(
            routes: { router in
                router.post("/v1/probes") { request, http in
                    _ = try http.require(.operator)
                    let command = try await IdempotentCommand(request, http)
                    return try await command.run(on: context.pool) { transaction in
                        let probe = Probe(id: EventID.next(), at: context.clock.now(), limit: limit)
                        try await transaction.query("insert into probes values (\(probe.id), \(probe.at))")
                        let event = NewEvent(
                            CallPublished.probe, subject: probe.id.lowercase, time: probe.at, actor: http.actor,
                            cause: http.cause)
                        try await EventLog.append([event], in: transaction)
                        return try .created(probe, at: "/v1/probes/\(probe.id.lowercase)", version: 1)
                    }
                }
            },
            handlers: [
                .on(GrantReserved.self) { _, event, transaction in
                    try await transaction.query(
                        """
                        insert into grants values (\(event.subject), \(event.sequence))
                        on conflict (subject) do update set version = excluded.version
                        """)
                    return .applied
                }
            ],
            readiness: [ReadinessCheck("probe") { nil }])
    }
}
