import Events
package import RabbitMQ

/// Declares a service's part of the broker: its exchange, its queue, and what the queue listens to. Repeating it
/// changes nothing; policies (delivery limit, dead-lettering) are the platform's.
package enum TopologyDeclaration {
    package static func apply<Definition: ServiceDefinition>(
        _: Definition.Type, with administrator: RabbitAdministrator, settings: Settings
    ) async throws {
        let owner = Definition.owner
        let bindings = EventCatalogue.bindings(of: owner)
        // The other owners' exchanges too: services are set up in any order, and a binding needs its exchange.
        let exchanges = Set(bindings.map(\.exchange)).union([EventCatalogue.exchange(of: owner)])
        for exchange in exchanges.sorted() {
            try await administrator.declareExchange(exchange, type: .topic)
        }
        let queue = EventCatalogue.queue(of: owner)
        try await administrator.declareQueue(queue, arguments: [("x-queue-type", .string("quorum"))])
        for binding in bindings {
            try await administrator.bind(queue: queue, exchange: binding.exchange, routingKey: binding.routingKey)
        }
        try await Definition.extraTopology(administrator, settings)
    }
}
