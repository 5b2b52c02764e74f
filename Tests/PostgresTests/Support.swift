import Logging
import Postgres
import Synchronization
import TestSupport
import Testing

/// A lease of an empty database: a pool with the limits that the test names.
@discardableResult
func withPool<R>(
    connectionCountMax: Int = 4, acquireTimeout: Duration = .seconds(20), statementTimeout: Duration = .seconds(20),
    idleTransactionTimeout: Duration = .seconds(60), through proxy: CuttingProxy? = nil,
    _ body: (PostgresPool) async throws -> R
) async throws -> R {
    try await withDatabase(schema: "tests") { _, url in
        let configuration = PostgresConfiguration(
            connectionString: proxy.map { url.replacingPort(with: $0.port) } ?? url, schema: "tests",
            applicationName: "under test", connectionCountMax: connectionCountMax, acquireTimeout: acquireTimeout,
            statementTimeout: statementTimeout, idleTransactionTimeout: idleTransactionTimeout)
        return try await body(PostgresPool(configuration: configuration, logger: Logger(label: "tests")))
    }
}

/// The proxy in front of the tests' server.
func makeProxy() throws -> CuttingProxy {
    let url = try DatabaseServer.fromEnvironment().url(of: "postgres")
    return try CuttingProxy(to: #require(Int(url.portDigits)))
}

extension String {
    /// `postgresql://user@host:port/database`
    fileprivate var portDigits: Substring {
        let afterScheme = self[(range(of: "://")?.upperBound ?? startIndex)...]
        let authority = afterScheme.prefix { $0 != "/" }
        return authority.split(separator: ":").last ?? ""
    }

    fileprivate func replacingPort(with port: Int) -> String {
        let digits = portDigits
        return String(self[..<digits.startIndex]) + String(port) + String(self[digits.endIndex...])
    }

    private func range(of needle: String) -> Range<Index>? {
        indices.lazy.compactMap { self[$0...].starts(with: needle) ? $0 : nil }.first.map {
            $0..<self.index($0, offsetBy: needle.count)
        }
    }
}

/// Asks again until the answer is yes; records an issue when the time is over.
func eventually(
    within limit: Duration = .seconds(20), _ what: Comment, location: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record(what, sourceLocation: location)
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// The error that a closure throws.
func failure(
    location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    Issue.record("nothing was thrown", sourceLocation: location)
    throw NothingThrown()
}

private struct NothingThrown: Error {}

/// A gate that tests open when the others have arrived.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private(set) var arrivedCount = 0

    func pass() async {
        arrivedCount += 1
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }
}

/// What concurrent tasks note, in the order of noting.
final class Journal<Entry: Sendable>: Sendable {
    private let list = Mutex<[Entry]>([])
    var entries: [Entry] { list.withLock { $0 } }
    func note(_ entry: Entry) { list.withLock { $0.append(entry) } }
}
