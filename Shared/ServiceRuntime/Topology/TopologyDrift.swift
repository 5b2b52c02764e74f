import RabbitMQ

/// One difference between what a broker should have and what it has.
struct TopologyDrift: Encodable, Equatable, Sendable {
    let virtualHost: String
    /// `queue maillage.funding.inbox`
    let object: String
    let found: String
    let expected: String
    /// What to run.
    let mend: String

    var line: String { "\(virtualHost): \(object) \(found), should be \(expected); mend: \(mend)" }
}

/// Compares a plan with what is there. Nothing in here asks the broker.
struct TopologyComparison {
    let plan: BrokerPlan
    let state: BrokerState
    let virtualHost: String
    /// `funding topology apply`
    let applyCommand: String
    let management: BrokerManagement

    var drifts: [TopologyDrift] {
        exchanges + queues + bindings + policies + rivalPolicies + permissions
    }

    private func drift(_ object: String, _ found: String, _ expected: String, _ mend: String? = nil) -> TopologyDrift {
        TopologyDrift(
            virtualHost: virtualHost, object: object, found: found, expected: expected, mend: mend ?? applyCommand)
    }

    private func deletion(_ url: String) -> String { "curl --user ADMINISTRATOR --request DELETE '\(url)'" }

    private var exchanges: [TopologyDrift] {
        let present = Dictionary(state.exchanges.map { ($0.name, $0) }) { first, _ in first }
        return plan.exchanges.compactMap { wanted in
            let expected = "a durable \(wanted.type.rawValue) exchange"
            guard let exchange = present[wanted.name] else {
                return drift("exchange \(wanted.name)", "is missing", expected)
            }
            guard exchange.type != wanted.type.rawValue || !exchange.durable else { return nil }
            return drift(
                "exchange \(wanted.name)",
                "is a \(exchange.durable ? "durable" : "transient") \(exchange.type) exchange",
                expected,
                deletion(management.url("exchanges", virtualHost, wanted.name)) + ", then \(applyCommand)")
        }
    }

    private var queues: [TopologyDrift] {
        let present = Dictionary(state.queues.map { ($0.name, $0) }) { first, _ in first }
        let wanted = PolicyDefinition(["x-queue-type": .text("quorum")])
        return plan.queues.compactMap { name in
            let expected = "a durable queue with \(wanted.description)"
            guard let queue = present[name] else { return drift("queue \(name)", "is missing", expected) }
            guard queue.arguments != wanted || !queue.durable else { return nil }
            let arguments = queue.arguments.values.isEmpty ? "no arguments" : queue.arguments.description
            return drift(
                "queue \(name)", "is a \(queue.durable ? "durable" : "transient") queue with \(arguments)", expected,
                "let it run empty, rabbitmqctl --vhost \(virtualHost) delete_queue \(name) --if-empty, "
                    + "then \(applyCommand)")
        }
    }

    private var bindings: [TopologyDrift] {
        let ours = Set(plan.queues)
        // The exchange without a name reaches every queue by itself.
        let present = state.bindings.filter {
            $0.kind == "queue" && !$0.source.isEmpty && ours.contains($0.destination)
        }
        let keys = Set(present.map { BrokerPlan.Binding($0) })
        let missing = plan.bindings.filter { !keys.contains($0) }.map { binding in
            drift(Self.name(binding), "is missing", "there")
        }
        let wanted = Set(plan.bindings)
        let surplus = present.filter { !wanted.contains(BrokerPlan.Binding($0)) }.map { binding in
            drift(
                Self.name(BrokerPlan.Binding(binding)), "is there", "gone",
                deletion(
                    management.url(
                        "bindings", virtualHost, "e", binding.source, "q", binding.destination, binding.propertiesKey)))
        }
        return missing + surplus
    }

    private static func name(_ binding: BrokerPlan.Binding) -> String {
        "binding \(binding.exchange) -[\(binding.routingKey)]-> \(binding.queue)"
    }

    private var policies: [TopologyDrift] {
        plan.policies.compactMap { wanted in
            let (object, expected) = ("policy \(wanted.name)", Self.text(BrokerState.Policy(wanted)))
            guard let policy = state.policies.first(where: { $0.name == wanted.name }) else {
                return drift(object, "is missing", expected)
            }
            let found = Self.text(policy)
            return found == expected ? nil : drift(object, "is \(found)", expected)
        }
    }

    private static func text(_ policy: BrokerState.Policy) -> String {
        "\(policy.pattern) on \(policy.appliesTo), priority \(policy.priority): \(policy.definition.description)"
    }

    /// What others make of a queue: a policy that goes before ours, or an operator's that bounds it.
    private var rivalPolicies: [TopologyDrift] {
        let present = Set(state.queues.map(\.name))
        return plan.queues.filter(present.contains).flatMap { queue -> [TopologyDrift] in
            guard let wanted = plan.policies.first(where: { Self.matches($0.pattern, queue) }) else { return [] }
            let expected = "under policy \(wanted.name) alone: \(wanted.definition.description)"
            let before = state.policies.filter { policy in
                policy.name != wanted.name && policy.priority >= BrokerPlan.Policy.priority && policy.concerns(queue)
            }
            let bounds = (state.operatorPolicies ?? []).filter { $0.concerns(queue) }
                .max { $0.priority < $1.priority }
            return before.map { policy in
                drift(
                    "queue \(queue)", "is under policy \(policy.name): \(policy.definition.description)", expected,
                    "rabbitmqctl --vhost \(virtualHost) clear_policy \(policy.name)")
            }
                + [bounds].compactMap { policy in
                    guard let policy, policy.definition.bounds(wanted.definition) else { return nil }
                    return drift(
                        "queue \(queue)", "is under operator policy \(policy.name): \(policy.definition.description)",
                        expected, "rabbitmqctl --vhost \(virtualHost) clear_operator_policy \(policy.name)")
                }
        }
    }

    /// The broker reads patterns as PCRE; a pattern that cannot be read here matches nothing.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        guard let expression = try? Regex(pattern) else { return false }
        return name.contains(expression)
    }

    private var permissions: [TopologyDrift] {
        guard let present = state.permissions else { return [] }
        return plan.permissions.compactMap { wanted in
            let object = "permission of \(wanted.user)"
            let expected = Self.text(configure: BrokerPlan.Permission.nothing, write: wanted.write, read: wanted.read)
            guard let permission = present.first(where: { $0.user == wanted.user }) else {
                return drift(object, "is missing", expected)
            }
            let found = Self.text(
                configure: permission.configure, write: permission.write, read: permission.read)
            return found == expected ? nil : drift(object, "is \(found)", expected)
        }
    }

    private static func text(configure: String, write: String, read: String) -> String {
        "configure \(configure) write \(write) read \(read)"
    }
}

extension BrokerPlan.Binding {
    init(_ binding: BrokerState.Binding) {
        self.init(queue: binding.destination, exchange: binding.source, routingKey: binding.routingKey)
    }
}

extension BrokerState.Policy {
    func concerns(_ queue: String) -> Bool {
        ["queues", "all", "quorum_queues"].contains(appliesTo) && TopologyComparison.matches(pattern, queue)
    }

    init(_ policy: BrokerPlan.Policy) {
        self.init(
            name: policy.name, pattern: policy.pattern, appliesTo: "queues", priority: BrokerPlan.Policy.priority,
            definition: policy.definition)
    }
}

extension PolicyDefinition {
    /// Whether an operator's policy of this definition changes the other: it adds what that lacks and lowers numbers.
    func bounds(_ other: PolicyDefinition) -> Bool {
        values.contains { key, value in
            switch (value, other.values[key]) {
            case (.number(let bound), .number(let number)): bound < number
            case (_, let same): same != value
            }
        }
    }
}
