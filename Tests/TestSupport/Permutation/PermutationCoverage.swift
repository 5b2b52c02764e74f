import Events
import Inbox
import RabbitMQ

/// Whether histories are about all that a service follows.
package enum PermutationCoverage {
    private static let seeds: ClosedRange<UInt64> = 1...50

    /// The types of event that the service handles and none of the generated histories tells.
    package static func untold(
        by generators: [@Sendable (Chance) throws -> History], to service: ServiceHarness
    ) throws -> Set<String> {
        var untold = Set(service.handlers.map(\.type.name))
        for generate in generators {
            for seed in seeds {
                for case .told(let told) in try generate(Chance(seed: seed)).items {
                    if let type = told.message.type { untold.remove(type) }
                }
            }
        }
        return untold
    }
}
