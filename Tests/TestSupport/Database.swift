import Foundation
import Logging
package import Migrations
package import Postgres

/// Lends a database of its own to a test: freshly migrated, reached through a pool, dropped afterwards even when the
/// test throws or is cancelled. At most six exist at a time in one process.
/// - Parameters:
///   - schema: the pool's search path, created in the database.
///   - migrations: applied to that schema once per set of files; the test gets a copy of the result.
///   - body: receives the pool and the database's own connection string.
@discardableResult
package func withDatabase<R>(
    schema: String, migrations: [MigrationFile] = [], connectionCountMax: Int = 8,
    _ body: (PostgresPool, String) async throws -> R
) async throws -> R {
    let server = try DatabaseServer.fromEnvironment()
    await DatabaseSlots.shared.take()
    let name: String
    do {
        name = try await server.create(from: DatabaseTemplate(schema: schema, files: migrations))
    } catch {
        await DatabaseSlots.shared.giveBack()
        throw error
    }
    let url = server.url(of: name)
    // Tests that only compute may hold both cores for longer than a caller would wait elsewhere.
    let configuration = PostgresConfiguration(
        connectionString: url, schema: schema, applicationName: name, connectionCountMax: connectionCountMax,
        acquireTimeout: .seconds(60))
    let pool = PostgresPool(configuration: configuration, logger: Logger(label: name))
    let result: Result<R, any Error>
    do {
        result = .success(try await body(pool, url))
    } catch {
        result = .failure(error)
    }
    // A task of its own: a test that ran out of time is cancelled, and its database must go all the same.
    let dropping = Task {
        try await server.drop(name)
        await pool.close()
    }
    let dropped = await dropping.result
    await DatabaseSlots.shared.giveBack()
    let value = try result.get()
    try dropped.get()
    return value
}

/// How many databases of tests exist at once.
private actor DatabaseSlots {
    static let shared = DatabaseSlots(count: 6)
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) { free = count }

    func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().resume()
    }
}
