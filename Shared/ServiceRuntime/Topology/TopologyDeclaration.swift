import Events
import Logging
package import RabbitMQ

/// A service's part of the broker: its exchange, its queue and what the queue listens to, the queue of its dead
/// letters, the policies of both, and what its user may do.
package enum TopologyDeclaration {
    private static let deadExchange = "maillage.dead"

    /// One plan per virtual host.
    package static func plans<Definition: ServiceDefinition>(
        of _: Definition.Type, settings: Settings
    ) throws -> [BrokerPlan] {
        try [inside(Definition.owner)] + Definition.outsidePlans(settings)
    }

    private static func inside(_ owner: EventOwner) -> BrokerPlan {
        var plan = BrokerPlan(brokerURL: .brokerAdminURL, managementURL: .brokerManagementURL)
        let name = owner.rawValue
        let (queue, dead) = (EventCatalogue.queue(of: owner), EventCatalogue.deadQueue(of: owner))
        let followed = EventCatalogue.bindings(of: owner)
        // The other owners' exchanges too: services are set up in any order, and a binding needs its exchange.
        let exchanges = Set(followed.map(\.exchange)).union([EventCatalogue.exchange(of: owner)])
        plan.exchanges = exchanges.sorted().map { .init($0, .topic) } + [.init(deadExchange, .direct)]
        plan.queues = [queue, dead]
        plan.bindings =
            followed.map { .init(queue: queue, exchange: $0.exchange, routingKey: $0.routingKey) }
            + [.init(queue: dead, exchange: deadExchange, routingKey: name)]
        plan.policies = [
            // Queues of replays come and go, and are worked off as the queue itself is.
            .init(
                "inbox-\(name)", pattern: "^maillage\\.\(name)\\.(inbox|replay\\.[0-9]+)\\z",
                .work(deadLettersTo: deadExchange, as: name)),
            .init("dead-\(name)", pattern: pattern(dead), .keeping),
        ]
        plan.permissions = [
            .init(
                user: "maillage-\(name)", write: pattern(EventCatalogue.exchange(of: owner)),
                read: "^maillage\\.\(name)\\.(inbox|dead)\\z")
        ]
        return plan
    }

    /// The pattern that this name alone fits.
    package static func pattern(_ name: String) -> String {
        "^" + name.replacing(".", with: "\\.") + "\\z"
    }

    /// Brings about all plans of a service, as the broker's administrator. Repeating it changes nothing.
    /// - Returns: what was done, one line per virtual host.
    static func apply<Definition: ServiceDefinition>(
        _: Definition.Type, settings: Settings
    ) async throws -> [String] {
        var lines: [String] = []
        for plan in try plans(of: Definition.self, settings: settings) {
            try settings.require([plan.brokerURL])
            let broker = try settings.brokerConfiguration(url: plan.brokerURL)
            try await RabbitAdministrator.withConnection(broker, logger: Logger(label: "topology")) { administrator in
                try await apply(plan, with: administrator)
            }
            if let management = try settings.management(plan) {
                try await apply(plan, virtualHost: broker.virtualHost, through: management)
                lines.append("\(broker.virtualHost): declared, policies and permissions set")
            } else {
                let key = plan.managementURL.environmentName
                lines.append("\(broker.virtualHost): declared; no policies, because \(key) is not set")
            }
        }
        return lines
    }

    /// Declares what the plan names. Repeating it changes nothing; what exists otherwise is an error that says so.
    package static func apply(_ plan: BrokerPlan, with administrator: RabbitAdministrator) async throws {
        for exchange in plan.exchanges {
            try await administrator.declareExchange(exchange.name, type: exchange.type)
        }
        for queue in plan.queues {
            try await administrator.declareQueue(queue, arguments: [("x-queue-type", .string("quorum"))])
        }
        for binding in plan.bindings {
            try await administrator.bind(
                queue: binding.queue, exchange: binding.exchange, routingKey: binding.routingKey)
        }
    }

    /// Sets policies and permissions, which AMQP cannot.
    static func apply(_ plan: BrokerPlan, virtualHost: String, through management: BrokerManagement) async throws {
        for policy in plan.policies {
            try await management.put("policies", virtualHost, policy.name, body: BrokerState.Policy(policy))
        }
        for permission in plan.permissions {
            try await management.put(
                "permissions", virtualHost, permission.user,
                body: [
                    "configure": BrokerPlan.Permission.nothing, "write": permission.write, "read": permission.read,
                ])
        }
    }
}
