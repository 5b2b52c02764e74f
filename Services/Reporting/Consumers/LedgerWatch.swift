import Logging
import Metrics
import Observability
import Postgres
import ReportingDomain
import ServiceLifecycle

/// Tells by how much the money of the facts differs from funding's ledger: `ledger_difference_cents{account}`, 0 for
/// every class of accounts once the events up to the ledger's word are here.
struct LedgerWatch: Service {
    private static let interval = Duration.seconds(10)

    let pool: PostgresPool
    let logger: Logger

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            while true {
                await look()
                try await Task.sleep(for: Self.interval)
            }
        }
    }

    private func look() async {
        do {
            for difference in try await LedgerCheckStore.compared(in: pool) {
                Gauge(label: "ledger_difference_cents", dimensions: [("account", difference.account)])
                    .record(difference.factsCents - difference.ledgerCents)
            }
        } catch {
            logger.warning("the facts were not held against the ledger", error: error)
        }
    }
}
