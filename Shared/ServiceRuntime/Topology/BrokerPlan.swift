package import RabbitMQ

/// What one virtual host must hold for a service: what `topology apply` brings about and `topology check` compares.
/// Queues are quorum queues and everything is durable, so neither is said again. Whatever may change in a queue's life
/// is a policy, not an argument: a queue with other arguments cannot be declared again.
package struct BrokerPlan: Sendable {
    package struct Exchange: Sendable, Hashable {
        package let name: String
        package let type: ExchangeType

        package init(_ name: String, _ type: ExchangeType) {
            self.name = name
            self.type = type
        }
    }

    package struct Binding: Sendable, Hashable {
        package let queue: String
        package let exchange: String
        package let routingKey: String

        package init(queue: String, exchange: String, routingKey: String) {
            self.queue = queue
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    /// Applies to the queues whose names fit the pattern. Of several policies the broker takes the one of the highest
    /// priority, so these have one above the usual 0.
    package struct Policy: Sendable {
        package static let priority = 10

        package let name: String
        package let pattern: String
        package let definition: PolicyDefinition

        package init(_ name: String, pattern: String, _ definition: PolicyDefinition) {
            self.name = name
            self.pattern = pattern
            self.definition = definition
        }
    }

    /// Patterns over names. They end in `\z`, because `$` lets a name pass that ends in a line feed, and begin with
    /// `^`, because the broker anchors nothing.
    package struct Permission: Sendable {
        package static let nothing = "^$"

        package let user: String
        package let write: String
        package let read: String

        /// Nobody but an administrator may configure.
        package init(user: String, write: String, read: String) {
            self.user = user
            self.write = write
            self.read = read
        }
    }

    /// Where the virtual host is, as somebody who may declare there.
    package let brokerURL: SettingKey
    /// The same broker's management interface.
    package let managementURL: SettingKey
    package var exchanges: [Exchange] = []
    package var queues: [String] = []
    package var bindings: [Binding] = []
    package var policies: [Policy] = []
    package var permissions: [Permission] = []

    package init(brokerURL: SettingKey, managementURL: SettingKey) {
        self.brokerURL = brokerURL
        self.managementURL = managementURL
    }
}

/// A policy's keys and their values, which are texts or whole numbers.
package struct PolicyDefinition: Sendable, Hashable, Codable {
    package enum Value: Sendable, Hashable {
        case text(String)
        case number(Int)
    }

    package var values: [String: Value]

    package init(_ values: [String: Value]) { self.values = values }

    /// How often a message may come again before it goes to the dead letters: the last net below what a service
    /// retries and buries by itself.
    package static let deliveryLimit = 100
    /// Where nothing may ever go to the dead letters. Not left out: RabbitMQ 4 takes 20 then, and drops. A number that
    /// is not reached, because 3.10 knows no other way to say it; and with a limit, what returns stays in order.
    package static let noDeliveryLimit = 1_000_000_000

    /// A work queue. A message that exceeds the limit is kept until its copy is confirmed, which needs
    /// `reject-publish`; without a maximum length nothing is ever rejected.
    package static func work(deadLettersTo exchange: String, as routingKey: String) -> PolicyDefinition {
        PolicyDefinition([
            "delivery-limit": .number(deliveryLimit), "dead-letter-exchange": .text(exchange),
            "dead-letter-routing-key": .text(routingKey), "dead-letter-strategy": .text("at-least-once"),
            "overflow": .text("reject-publish"),
        ])
    }

    /// A queue that keeps what it has until somebody takes it.
    package static let keeping = PolicyDefinition(["delivery-limit": .number(noDeliveryLimit)])

    package func adding(_ key: String, _ value: Value) -> PolicyDefinition {
        PolicyDefinition(values.merging([key: value]) { $1 })
    }

    package init(from decoder: any Decoder) throws {
        values = try decoder.singleValueContainer().decode([String: Value].self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }

    /// `delivery-limit=100, overflow=reject-publish`
    package var description: String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.description)" }.joined(separator: ", ")
    }
}

extension PolicyDefinition.Value: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            self = .number(number)
        } else if let flag = try? container.decode(Bool.self) {
            self = .text(String(flag))
        } else {
            // Other people's policies may hold lists; they only need to be told from ours.
            self = .text((try? container.decode(String.self)) ?? "…")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        }
    }

    package var description: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        }
    }
}
