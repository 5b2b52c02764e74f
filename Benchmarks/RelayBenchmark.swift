import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ

/// Committed rows → confirmed by the broker → deleted, beside the same in a bare loop of C: the same servers, tables,
/// message size, batch and window. Ours also keeps the order of subjects, looks for rows that were committed late, and
/// makes the envelope and its headers.
struct RelayBenchmark {
    let servers: Servers
    let peers: Peers
    let count: Int
    let rounds: Int

    private static let subjectCount = 10
    /// A response's event, without values about persons.
    private static let data =
        #"{"experiment":"019a2b7d-1e00-7000-8000-000000000001","items":["#
        + #""\#(String(repeating: "3f9a6c0d", count: 45))"]}"#

    func run() async throws -> [BenchmarkResult] {
        var (ours, bare): ([Double], [Double]) = ([], [])
        for round in 1...rounds {
            ours.append(try await relay())
            bare.append(try await bareLoop())
            print("relay, round \(round): ours \(Int(ours[round - 1]))/s, C \(Int(bare[round - 1]))/s")
        }
        return [
            .rate(
                "relay", unit: "rows/s", ours: ours, baseline: ("Benchmarks/peers/relay.c", bare),
                workload: .init(count: count, payloadBytes: Self.messageBytes))
        ]
    }

    private func relay() async throws -> Double {
        var seconds = 0.0
        try await servers.withDatabase(schema: "feedback", migrations: OutboxSchema.migrations) { pool, _ in
            try await prefill(pool)
            try await servers.withQueue { queue in
                let publisher = RabbitPublisher(
                    configuration: servers.broker, windowMax: 200, logger: Servers.quietLogger)
                let confirmed = ItemCount()
                let redirected = RedirectedPublisher(publisher: publisher, exchange: queue) { confirmed.add($0.count) }
                let relay = OutboxRelay(
                    owner: .feedback, pool: pool, publisher: redirected, wakeUp: RelayWakeUp(),
                    logger: Servers.quietLogger)
                let start = ContinuousClock.now
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await relay.run() }
                    // Asking an outbox that is being emptied is work for the database: only when it is due.
                    while true {
                        let isDue = confirmed.value >= count
                        if isDue, try await pool.query("select from outbox limit 1").isEmpty { break }
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    seconds = start.duration(to: .now) / .seconds(1)
                    group.cancelAll()
                    try await group.waitForAll()
                }
                await publisher.close()
                try await servers.waitForMessages(count, in: queue)
            }
        }
        return Double(count) / seconds
    }

    private func bareLoop() async throws -> Double {
        var rate = 0.0
        try await servers.withDatabase(schema: "public", migrations: []) { pool, url in
            try await pool.withConnection { lease in
                try await lease.executeScript(
                    """
                    create table peer_events (position bigint primary key, id uuid not null unique, body text not null);
                    create table peer_outbox (position bigint primary key)
                    """)
                try await lease.query(
                    """
                    insert into peer_events
                    select n, gen_random_uuid(),
                        rpad('{"specversion":"1.0","data":"', \(Self.messageBytes - 2)::int, md5(n::text)) || '"}'
                    from generate_series(1, \(count)) as n
                    """)
                try await lease.query("insert into peer_outbox select position from peer_events")
                try await lease.executeScript("analyze; checkpoint")
            }
            try await servers.withQueue { queue in
                rate = try peers.rate(
                    "relay", ["\(count)", queue, "feedback.responses.recorded.v1"], database: url)
                try await servers.waitForMessages(count, in: queue)
            }
        }
        return rate
    }

    private func prefill(_ pool: PostgresPool) async throws {
        try await pool.withConnection { lease in
            try await lease.query(
                """
                insert into events (id, type, stream, subject, sequence, actor, time, correlation, data)
                select gen_random_uuid(), 'feedback.responses.recorded.v1', 'responses',
                    's' || n % \(Self.subjectCount), (n - 1) / \(Self.subjectCount) + 1,
                    'feedback', now(), gen_random_uuid()::text, \(Self.data)
                from generate_series(1, \(count)) as n order by n
                """)
            try await lease.query("insert into outbox select position from events")
            try await lease.executeScript("analyze; checkpoint")
        }
    }

    /// The size of one of our messages.
    private static var messageBytes: Int {
        let id = UUID()
        return EventEnvelope(
            id: id, type: ResponsesRecorded.type, subject: "s1", time: Date(), sequence: 1234,
            correlationID: id.lowercase, data: Array(data.utf8)
        ).encoded().count
    }
}
