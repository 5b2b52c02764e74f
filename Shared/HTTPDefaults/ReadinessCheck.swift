import Synchronization

/// One thing without which the service should get no requests.
package struct ReadinessCheck: Sendable {
    package let name: String
    private let timeout: Duration
    private let check: @Sendable () async throws -> String?

    /// - Parameters:
    ///   - timeout: after which the check is cancelled and counts as failed.
    ///   - check: nil when ready, else the reason, which anyone may read: no host, no credential.
    package init(
        _ name: String, timeout: Duration = .seconds(2), _ check: @escaping @Sendable () async throws -> String?
    ) {
        self.name = name
        self.timeout = timeout
        self.check = check
    }

    /// nil when ready, else why not.
    package func run() async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { [check] in
                do { return try await check() } catch { return "the check failed" }
            }
            group.addTask { [timeout] in
                do { try await Task.sleep(for: timeout) } catch { return nil }
                return "no answer within \(timeout)"
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
