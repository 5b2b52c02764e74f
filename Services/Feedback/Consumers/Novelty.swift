import RabbitMQ
import Synchronization

/// Whether a publisher's messages come for the first time, as far as its last batches tell. To take repetitions for new
/// is no error: they are found out, and their batch begins again.
final class Novelty: Sendable {
    /// So many batches after the last repetition.
    private static let cautiousBatchCount = 20

    private let cautiousBatches = Atomic<Int>(0)

    func isExpected(of batch: DeliveryBatch) -> Bool {
        cautiousBatches.load(ordering: .relaxed) <= 0 && !batch.deliveries.contains(where: \.isRedelivered)
    }

    func note(_ tally: IntakeTally) {
        if tally.known > 0 {
            cautiousBatches.store(Self.cautiousBatchCount, ordering: .relaxed)
        } else if cautiousBatches.load(ordering: .relaxed) > 0 {
            // Two batches that end together may both take off one, and come below 0.
            cautiousBatches.subtract(1, ordering: .relaxed)
        }
    }
}
