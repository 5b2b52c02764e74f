import Events
import Foundation
import Inbox
import Outbox
import Postgres
import RabbitMQ

/// Events from a real queue, applied by a trivial batch handler that stores what the peer stores. Beside it the peer's
/// batch consumer from its own queue, and the bare statement: the peer's SQL on prepared columns, without broker,
/// envelope and decoding.
struct InboxBenchmark {
    let servers: Servers
    let peers: Peers
    let machine: Machine
    let count: Int
    let rounds: Int

    /// The peer's payload, to the byte.
    private static let data =
        #"{"id":"019a2b7d-1e00-7000-8000-000000000000","experiment":"5f2b7d1e-0000-4000-8000-000000000001","#
        + #""instrument":"SUS","answers":[4,2,5,1,4,2,5,1,4,2],"#
        + #""comment":"rapide et clair, mais la connexion est lente en chambre","score":4}"#
    private static let type = EventType(.feedback, "responses", "recorded")
    private static let schema = """
        create table fb (
            id uuid primary key, experiment uuid not null, at timestamptz not null default now(), score int,
            payload jsonb not null)
        """

    func run() async throws -> [BenchmarkResult] {
        var (ours, peer, bare): ([Double], [Double], [Double]) = ([], [], [])
        for round in 1...rounds {
            ours.append(try await inbox())
            peer.append(try await peers.consume("peer", ["batch"], count: count, on: machine).rate)
            bare.append(try await bareStatement())
            let rates = [ours, peer, bare].map { "\(Int($0[round - 1]))/s" }
            print("inbox, round \(round): ours \(rates[0]), peer batch \(rates[1]), bare statement \(rates[2])")
        }
        let workload = BenchmarkResult.Workload(count: count, payloadBytes: Self.data.utf8.count)
        return [
            .rate("inbox", unit: "events/s", ours: ours, baseline: ("peer batch \(count)", peer), workload: workload),
            .rate(
                "inbox-statement", unit: "events/s", ours: ours, baseline: ("the statement of peer batch", bare),
                workload: workload),
        ]
    }

    // MARK: Ours

    private func inbox() async throws -> Double {
        var seconds = 0.0
        let migrations = OutboxSchema.migrations + InboxSchema.migrations
        try await servers.withDatabase(schema: "reporting", migrations: migrations) { pool, _ in
            try await pool.withConnection { try await $0.executeScript(Self.schema) }
            try await servers.withQueue { queue in
                let first = try await publish(to: queue)
                seconds = try await consume(queue, pool)
                // The same ids once more are refused.
                try await servers.publish(first)
                _ = try await consume(queue, pool, expecting: 0)
                let rows = try await pool.query("select count(*) as n from fb")
                guard try rows.first?.get("n") == count else {
                    throw Peers.Failure(description: "events were lost or doubled")
                }
            }
        }
        return Double(count) / seconds
    }

    /// - Returns: the first thousand.
    private func publish(to queue: String) async throws -> [OutgoingMessage] {
        var first: [OutgoingMessage] = []
        for chunk in 0..<count / 1_000 {
            let messages = (0..<1_000).map { Self.message(chunk * 1_000 + $0, queue: queue) }
            if chunk == 0 { first = messages }
            try await servers.publish(messages)
        }
        try await servers.waitForMessages(count, in: queue)
        return first
    }

    private static func message(_ number: Int, queue: String) -> OutgoingMessage {
        let id = EventID.next()
        let envelope = EventEnvelope(
            id: id, type: type, subject: "5f2b7d1e-0000-4000-8000-00000000000\(number % 10)", time: Date(),
            sequence: Int64(number / 10 + 1), correlationID: id.lowercase, data: Array(data.utf8))
        return OutgoingMessage(
            exchange: queue, routingKey: type.routingKey, body: envelope.encoded(), messageID: id.lowercase,
            type: type.name, contentType: EventEnvelope.contentType, headers: [("ce-id", .string(id.lowercase))])
    }

    /// - Returns: the seconds until every expected event was applied, or the queue is empty when none is expected.
    private func consume(_ queue: String, _ pool: PostgresPool, expecting expected: Int? = nil) async throws -> Double {
        let applied = ItemCount()
        let handler = EventHandler.batch(of: Self.type) { events, transaction in
            try await Self.store(events, transaction)
            applied.add(events.count)
        }
        let consumer = RabbitConsumer(
            configuration: servers.broker, queue: queue, batchCountMax: 500, logger: Servers.quietLogger)
        let inbox = InboxConsumer(
            listener: .reporting, pool: pool, consumer: consumer, handlers: [handler], logger: Servers.quietLogger)
        let start = ContinuousClock.now
        var seconds = 0.0
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await inbox.run() }
            while applied.value < expected ?? count { try await Task.sleep(for: .milliseconds(5)) }
            seconds = start.duration(to: .now) / .seconds(1)
            // What was applied last is acknowledged a moment later.
            try await servers.waitForMessages(0, in: queue)
            await consumer.drain()
            group.cancelAll()
            try await group.waitForAll()
        }
        return seconds
    }

    private static func store(_ events: [InboundEvent], _ transaction: PostgresTransaction) async throws {
        var ids = PostgresArray(.uuid, reserving: events.count)
        var experiments = PostgresArray(.text, reserving: events.count)
        var scores = PostgresArray(.int8, reserving: events.count)
        var payloads = PostgresArray(.text, reserving: events.count)
        for event in events {
            ids.append(uuid: event.id)
            experiments.append(text: event.subject)
            scores.append(int8: event.sequence)
            payloads.append(utf8: event.data.span)
        }
        try await transaction.enqueue(
            """
            insert into fb (id, experiment, score, payload)
            select id, experiment::uuid, score::int, payload::jsonb
            from unnest(\(ids), \(experiments), \(scores), \(payloads)) as v (id, experiment, score, payload)
            """)
    }

    // MARK: Baselines

    /// One connection, one round trip and one commit per 500 rows.
    private func bareStatement() async throws -> Double {
        var seconds = 0.0
        try await servers.withDatabase(schema: "reporting", migrations: []) { pool, _ in
            try await pool.withConnection { lease in
                try await lease.executeScript(
                    "create table inbox (id uuid primary key, at timestamptz not null default now());" + Self.schema)
                let start = ContinuousClock.now
                for chunk in 0..<count / 500 { try await Self.insert(chunk, lease) }
                seconds = start.duration(to: .now) / .seconds(1)
            }
        }
        return Double(count) / seconds
    }

    private static func insert(_ chunk: Int, _ lease: PostgresLease) async throws {
        var ids = PostgresArray(.uuid, reserving: 500)
        var experiments = PostgresArray(.text, reserving: 500)
        var scores = PostgresArray(.int8, reserving: 500)
        var payloads = PostgresArray(.text, reserving: 500)
        for number in chunk * 500..<(chunk + 1) * 500 {
            ids.append(uuid: EventID.next())
            experiments.append(text: "5f2b7d1e-0000-4000-8000-00000000000\(number % 10)")
            scores.append(int8: Int64(number))
            payloads.append(text: data)
        }
        try await lease.query(
            """
            with fresh as (insert into inbox (id) select unnest(\(ids)) on conflict do nothing returning id)
            insert into fb (id, experiment, score, payload)
            select v.id, v.experiment::uuid, v.score::int, v.payload::jsonb
            from unnest(\(ids), \(experiments), \(scores), \(payloads)) as v (id, experiment, score, payload)
            join fresh on fresh.id = v.id
            """)
    }
}
