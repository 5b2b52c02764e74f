import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Postgres

/// Operators who reserve money of one envelope at the same time, over HTTP, until each has its answer; beside pgbench
/// with the same statements one by one, at the same number of clients. The envelope's row is what all of them need.
///
/// Its latency is taken twice: of the clients that all wait at once, where it is their number over the rate and says
/// nothing of its own, and at half of that rate, from the instant at which each reservation is due.
struct FundingReserveBenchmark {
    private static let clientCount = 200
    private static let port = 18_882
    /// More than one programme has ever had, so that nobody is refused.
    private static let envelopeCents: Int64 = 100_000_000_000
    private static let body = #"{"beneficiarySiren":"200034528","amountCents":1,"purpose":"Recours en instruction"}"#

    let servers: Servers
    let count: Int
    let rounds: Int

    func run() async throws -> [BenchmarkResult] {
        let system = try BenchedSystem.fromEnvironment(servers)
        try await system.reset(nil)
        let token = try Command.output(
            of: "/usr/bin/env",
            ["python3", "-m", "driver.tokens", "--instance", system.instance, "--role", "operator"],
            environment: ["PYTHONPATH": "Tests/SystemTests"]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        // Entries are sealed several times within each measurement.
        let settings = [
            "MAILLAGE_HTTP_PORT": "\(Self.port)", "MAILLAGE_HTTP_RATE": "100000", "MAILLAGE_CHECKPOINT_INTERVAL": "3s",
        ]
        return try await system.withServices(["funding": 1], settings: settings) { services in
            let api = API(address: "http://127.0.0.1:\(Self.port)", token: token)
            let results = try await measure(system, api, services[0])
            try await api.close()
            return results
        }
    }

    private func measure(
        _ system: BenchedSystem, _ api: API, _ service: RunningService
    ) async throws -> [BenchmarkResult] {
        let envelopes = try await openEnvelopes(system, api)
        _ = try await load(api, of: envelopes.ours, count: min(count, 2_000))
        var (ours, alone, latencies): ([Double], [Double], [Double]) = ([], [], [])
        for round in 1...rounds {
            let passage = try await load(api, of: envelopes.ours, count: count)
            ours.append(passage.rate)
            latencies += passage.milliseconds
            alone.append(try oneByOne(system, of: envelopes.theirs))
            print("funding-reserve, round \(round): ours \(Int(ours[round - 1]))/s, pgbench \(Int(alone[round - 1]))/s")
        }
        try await settle(system)
        let paced = try await load(
            api, of: envelopes.ours, count: count / 2, perSecond: BenchmarkResult.median(ours) / 2)
        try service.checkIsRunning()
        try await checkBooked(system, envelopes.ours)
        latencies.sort()
        let waiting = [latencies[latencies.count / 2], latencies[latencies.count * 99 / 100]]
            .map { BenchmarkResult.rounded($0) }
        print("funding-reserve, \(Self.clientCount) that wait at once: p50 \(waiting[0]) ms, p99 \(waiting[1]) ms")
        var result = BenchmarkResult.rate(
            "funding-reserve", unit: "reservations/s", ours: ours,
            baseline: ("pgbench -c \(Self.clientCount), one by one", alone),
            workload: .init(count: count, payloadBytes: Self.body.utf8.count))
        result.p50Milliseconds = BenchmarkResult.rounded(paced[paced.count / 2])
        result.p99Milliseconds = BenchmarkResult.rounded(paced[paced.count * 99 / 100])
        result.rssMiB = BenchmarkResult.rounded(try Machine.residentMiB(of: service.identifier))
        print(
            "funding-reserve, at half of the rate: p50 \(result.p50Milliseconds ?? 0) ms,"
                + " p99 \(result.p99Milliseconds ?? 0) ms")
        return [result]
    }

    // MARK: Ours

    private struct Passage {
        let rate: Double
        let milliseconds: [Double]
    }

    private func load(_ api: API, of envelope: String, count: Int) async throws -> Passage {
        let start = ContinuousClock.now
        let milliseconds = try await withThrowingTaskGroup(of: [Double].self) { group in
            for _ in 0..<Self.clientCount {
                group.addTask {
                    var latencies: [Double] = []
                    for _ in 0..<(count / Self.clientCount) {
                        let began = ContinuousClock.now
                        let path = "/v1/envelopes/\(envelope)/reservations"
                        let (status, text) = try await api.post(path, Self.body)
                        guard status == 201 else {
                            throw BenchedSystem.Failure(description: "a reservation was answered \(status): \(text)")
                        }
                        latencies.append(began.duration(to: .now) / .milliseconds(1))
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return Passage(
            rate: Double(milliseconds.count) / (start.duration(to: .now) / .seconds(1)), milliseconds: milliseconds)
    }

    /// The events of the rounds are with the broker: what they take of the processors belongs to the rounds. And the
    /// database has files to write its log into, as one that has run for a while does: in a new one everybody waits for
    /// each file of 16 MiB to be made.
    private func settle(_ system: BenchedSystem) async throws {
        try await system.withDatabase { pool in
            for _ in 0..<600 {
                let rows = try await pool.query("select count(*) as n from funding.outbox")
                if try rows.first?.get("n", as: Int64.self) == 0 {
                    try await pool.query("checkpoint")
                    return
                }
                try await Task.sleep(for: .milliseconds(200))
            }
            throw BenchedSystem.Failure(description: "two minutes after the rounds not all events are told")
        }
    }

    /// Reservations that each come at their own instant, answered or not.
    /// - Returns: in milliseconds, sorted.
    private func load(
        _ api: API, of envelope: String, count: Int, perSecond rate: Double
    ) async throws -> [Double] {
        // All are made before the first is due: what that takes is nobody's latency.
        let start = ContinuousClock.now + .seconds(1)
        let path = "/v1/envelopes/\(envelope)/reservations"
        return try await withThrowingTaskGroup(of: Double.self) { group in
            for number in 0..<count {
                group.addTask {
                    let due = start + .seconds(Double(number) / rate)
                    try await Task.sleep(until: due)
                    let (status, text) = try await api.post(path, Self.body)
                    guard status == 201 else {
                        throw BenchedSystem.Failure(description: "a reservation was answered \(status): \(text)")
                    }
                    return due.duration(to: .now) / .milliseconds(1)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted()
        }
    }

    /// What was answered is booked, and nothing else.
    private func checkBooked(_ system: BenchedSystem, _ envelope: String) async throws {
        try await system.withDatabase { pool in
            let rows = try await pool.query(
                """
                select count(*) as n from funding.reservations r
                where r.envelope = \(UUID(uuidString: envelope)) and exists (
                    select from funding.accounts a where a.owner = r.id and a.kind = 'held' and a.credited_cents = 1)
                """)
            let found = try rows.first?.get("n", as: Int64.self) ?? 0
            let expected = Int64(
                min(count, 2_000) + rounds * (count / Self.clientCount * Self.clientCount) + count / 2)
            guard found == expected else {
                throw BenchedSystem.Failure(description: "\(found) reservations are booked, \(expected) were answered")
            }
        }
    }

    // MARK: pgbench

    private func oneByOne(_ system: BenchedSystem, of envelope: String) throws -> Double {
        // A tenth of ours takes longer than all of ours.
        let transactions = max(1, count / 10 / Self.clientCount)
        let text = try Command.output(
            of: "/usr/bin/env",
            [
                "pgbench", "--no-vacuum", "--protocol=prepared", "--client=\(Self.clientCount)", "--jobs=2",
                "--transactions=\(transactions)", "--define=envelope=\(envelope)",
                "--file=Benchmarks/peers/funding_reserve.sql", servers.databaseURL(of: "maillage"),
            ],
            environment: ["PGOPTIONS": "-c search_path=funding"])
        let line = text.split(separator: "\n").last { $0.hasPrefix("tps = ") }
        guard let rate = line?.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
            throw BenchedSystem.Failure(description: "pgbench printed no rate: \(text)")
        }
        return rate
    }

    // MARK: Setting up

    private func openEnvelopes(_ system: BenchedSystem, _ api: API) async throws -> (ours: String, theirs: String) {
        try await api.waitUntilReady()
        let programme = """
            {"name": "Banc d'essai", "amountCents": \(Self.envelopeCents * 2), "animationCents": \(Self.envelopeCents),
             "experimentsCents": \(Self.envelopeCents)}
            """
        _ = try await api.create("/v1/budget", programme)
        let call = UUID()
        _ = try await system.withDatabase { pool in
            try await pool.query(
                """
                insert into funding.calls (call, animation_cents, experiments_cents)
                values (\(call), \(Self.envelopeCents), \(Self.envelopeCents))
                """)
        }
        func open(_ kind: String) async throws -> String {
            let body = #"{"call": "\#(call.uuidString)", "kind": "\#(kind)", "amountCents": \#(Self.envelopeCents)}"#
            return try await api.create("/v1/envelopes", body)
        }
        return (ours: try await open("animation"), theirs: try await open("experiments"))
    }
}

/// The service's HTTP interface, for one operator.
private struct API: Sendable {
    private struct Created: Decodable {
        let id: String
    }

    private static let timeout = TimeAmount.seconds(30)

    private let address: String
    private let token: String
    private let client: HTTPClient

    init(address: String, token: String) {
        self.address = address
        self.token = token
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 200
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func close() async throws { try await client.shutdown() }

    func post(_ path: String, _ body: String) async throws -> (status: UInt, text: String) {
        var request = HTTPClientRequest(url: address + path)
        request.method = .POST
        request.headers = [
            "Authorization": "Bearer \(token)", "Content-Type": "application/json",
            "Idempotency-Key": UUID().uuidString,
        ]
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await client.execute(request, timeout: Self.timeout)
        let text = try await response.body.collect(upTo: 1 << 20)
        return (response.status.code, String(buffer: text))
    }

    /// - Returns: the id of what was made.
    func create(_ path: String, _ body: String) async throws -> String {
        let (status, text) = try await post(path, body)
        guard status == 201 else {
            throw BenchedSystem.Failure(description: "POST \(path) was answered \(status): \(text)")
        }
        return try JSONDecoder().decode(Created.self, from: Data(text.utf8)).id
    }

    func waitUntilReady() async throws {
        for _ in 0..<200 {
            let request = HTTPClientRequest(url: "\(address)/health/ready")
            if let response = try? await client.execute(request, timeout: .seconds(1)), response.status == .ok {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchedSystem.Failure(description: "funding is not ready after ten seconds")
    }
}
