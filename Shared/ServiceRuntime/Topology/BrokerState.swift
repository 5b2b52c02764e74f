/// What a virtual host has, as the management interface tells it.
///
/// The interface also tells which policy a queue is under, but some seconds late (measured), so that is worked out from
/// the policies instead.
struct BrokerState: Sendable {
    struct Exchange: Decodable, Sendable {
        let name: String
        let type: String
        let durable: Bool
    }

    struct Queue: Decodable, Sendable {
        let name: String
        let durable: Bool
        let arguments: PolicyDefinition

        enum CodingKeys: String, CodingKey {
            case name, durable, arguments
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            durable = try container.decode(Bool.self, forKey: .durable)
            // An empty table is an empty list in some answers of the interface.
            arguments = (try? container.decode(PolicyDefinition.self, forKey: .arguments)) ?? PolicyDefinition([:])
        }
    }

    struct Binding: Decodable, Sendable {
        let source: String
        let destination: String
        let kind: String
        let routingKey: String
        /// Its name in the interface's own paths.
        let propertiesKey: String

        enum CodingKeys: String, CodingKey {
            case source, destination
            case kind = "destination_type"
            case routingKey = "routing_key"
            case propertiesKey = "properties_key"
        }
    }

    struct Policy: Codable, Sendable {
        let name: String
        let pattern: String
        let appliesTo: String
        let priority: Int
        let definition: PolicyDefinition

        enum CodingKeys: String, CodingKey {
            case name, pattern, priority, definition
            case appliesTo = "apply-to"
        }
    }

    struct Permission: Decodable, Sendable {
        let user: String
        let configure: String
        let write: String
        let read: String
    }

    let exchanges: [Exchange]
    let queues: [Queue]
    let bindings: [Binding]
    let policies: [Policy]
    /// What bounds the policies; nil when the user may not see them.
    let operatorPolicies: [Policy]?
    /// nil when the user may not see them: RabbitMQ shows them to administrators alone.
    let permissions: [Permission]?

    /// - Throws: ``BrokerManagement/Failure``, also when there is no such virtual host.
    static func read(_ virtualHost: String, from management: BrokerManagement) async throws -> BrokerState {
        let missing = BrokerManagement.Failure(
            status: 404, description: "there is no virtual host \(virtualHost), or the user may not see it")
        guard
            let exchanges = try await management.get(
                [Exchange].self, "exchanges", virtualHost, columns: "name,type,durable"),
            let queues = try await management.get(
                [Queue].self, "queues", virtualHost, columns: "name,durable,arguments"),
            let bindings = try await management.get([Binding].self, "bindings", virtualHost),
            let policies = try await management.get([Policy].self, "policies", virtualHost)
        else { throw missing }
        return BrokerState(
            exchanges: exchanges, queues: queues, bindings: bindings, policies: policies,
            operatorPolicies: try await ifVisible {
                try await management.get([Policy].self, "operator-policies", virtualHost)
            },
            permissions: try await ifVisible {
                try await management.get([Permission].self, "vhosts", virtualHost, "permissions")
            })
    }

    private static func ifVisible<T>(_ read: () async throws -> T?) async throws -> T? {
        do {
            return try await read()
        } catch let failure as BrokerManagement.Failure where [401, 403].contains(failure.status) {
            return nil
        }
    }
}
