import FoundationEssentials
import RabbitMQ
import TestSupport
import Testing

@testable import ServiceRuntime

/// Lends a node with its management interface.
struct ManagedBrokerTrait: SuiteTrait, TestScoping {
    @TaskLocal static var broker: PrivateBroker?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        var extras = PrivateBroker.Extras()
        extras.hasManagement = true
        try await PrivateBroker.with(extras) { broker in
            try await Self.$broker.withValue(broker) { try await function() }
        }
    }
}

extension Trait where Self == ManagedBrokerTrait {
    static var managedBroker: Self { Self() }
}

/// The topology of the probe, which is the applications service without its code, in a virtual host per test.
@Suite(.serialized, .managedBroker, .timeLimit(.minutes(10))) struct TopologyTests {
    private let broker: PrivateBroker

    init() throws { broker = try #require(ManagedBrokerTrait.broker) }

    /// A virtual host of the test's own, with the service's user.
    private struct Lab {
        let virtualHost: String
        let settings: Settings
        let management: BrokerManagement
        let configuration: RabbitMQConfiguration

        func apply() async throws { _ = try await TopologyDeclaration.apply(ProbeService.self, settings: settings) }

        func lines() async throws -> [String] {
            try await TopologyReport.make(ProbeService.self, settings: settings).drift.map(\.line)
        }

        func administer(_ body: (RabbitAdministrator) async throws -> Void) async throws {
            try await TestBroker.administer(configuration, body)
        }
    }

    private static let service = "maillage-applications"
    private static let queue = "maillage.applications.inbox"

    private func withLab(_ body: (Lab) async throws -> Void) async throws {
        let virtualHost = "test/\(UUID().uuidString.prefix(8).lowercased())"
        let management = try BrokerManagement(url: broker.managementURL)
        try await management.put("vhosts", virtualHost, body: [String: String]())
        try await management.put(
            "permissions", virtualHost, "guest", body: ["configure": ".*", "write": ".*", "read": ".*"])
        try await management.put("users", Self.service, body: ["password": "unused", "tags": ""])
        let url = "amqp://guest:guest@127.0.0.1:\(broker.port)/\(virtualHost.replacing("/", with: "%2F"))"
        let settings = try Settings.load(
            keys: ProbeService.allSettings,
            environment: [
                "MAILLAGE_BROKER_ADMIN_URL": url, "MAILLAGE_BROKER_MANAGEMENT_URL": broker.managementURL,
            ])
        try await body(
            Lab(
                virtualHost: virtualHost, settings: settings, management: management,
                configuration: TestBroker.configuration(url: url)))
    }

    @Test func afterApplyingTwiceThereIsNoDrift() async throws {
        try await withLab { lab in
            // given
            let before = try await lab.lines()

            // when
            try await lab.apply()
            try await lab.apply()

            // then
            #expect(before.contains { $0.contains("queue \(Self.queue) is missing") })
            #expect(try await lab.lines() == [])
            let report = try await TopologyReport.make(ProbeService.self, settings: lab.settings)
            #expect(report.text == "no drift\n")
            #expect(report.notChecked == [])
        }
    }

    /// One way to break the broker, what the check must say of it, and whether applying again mends it.
    struct Break: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let says: [String]
        var isMendedByApplying = true
        let act: @Sendable (BrokerManagement, String) async throws -> Void
    }

    static let breaks = [
        Break(testDescription: "binding", says: ["binding maillage.funding -[funding.grant.#]-> \(queue) is missing"]) {
            try await $0.delete("bindings", $1, "e", "maillage.funding", "q", queue, "funding.grant.%23")
        },
        Break(testDescription: "exchange", says: ["exchange maillage.applications is missing"]) {
            try await $0.delete("exchanges", $1, "maillage.applications")
        },
        Break(
            testDescription: "dead exchange",
            says: [
                "exchange maillage.dead is missing",
                "binding maillage.dead -[applications]-> maillage.applications.dead is missing",
            ]
        ) { try await $0.delete("exchanges", $1, "maillage.dead") },
        Break(
            testDescription: "queue of another type",
            says: ["queue maillage.applications.dead is a durable queue with no arguments", "is missing"],
            isMendedByApplying: false
        ) {
            try await $0.delete("queues", $1, "maillage.applications.dead")
            try await $0.put("queues", $1, "maillage.applications.dead", body: ["durable": true])
        },
        Break(testDescription: "policy", says: ["policy inbox-applications is missing"]) {
            try await $0.delete("policies", $1, "inbox-applications")
        },
        Break(testDescription: "policy's value", says: ["policy inbox-applications is", "delivery-limit=7"]) {
            let definition = PolicyDefinition.work(deadLettersTo: "maillage.dead", as: "applications")
            let policy = BrokerPlan.Policy(
                "inbox-applications", pattern: TopologyDeclaration.pattern(queue),
                definition.adding("delivery-limit", .number(7)))
            try await $0.put("policies", $1, policy.name, body: BrokerState.Policy(policy))
        },
        Break(
            testDescription: "another policy above ours",
            says: ["queue \(queue) is under policy shadow", "rabbitmqctl --vhost", "clear_policy shadow"],
            isMendedByApplying: false
        ) {
            let policy = BrokerState.Policy(
                name: "shadow", pattern: ".*", appliesTo: "all", priority: 99,
                definition: PolicyDefinition(["max-length": .number(1)]))
            try await $0.put("policies", $1, "shadow", body: policy)
        },
        Break(
            testDescription: "operator policy",
            says: [
                "queue \(queue) is under operator policy bound: max-length=5", "clear_operator_policy",
            ],
            isMendedByApplying: false
        ) {
            let policy = BrokerState.Policy(
                name: "bound", pattern: "inbox", appliesTo: "queues", priority: 0,
                definition: PolicyDefinition(["max-length": .number(5)]))
            try await $0.put("operator-policies", $1, "bound", body: policy)
        },
        Break(testDescription: "permission", says: ["permission of \(service) is configure .* write .* read .*"]) {
            try await $0.put("permissions", $1, service, body: ["configure": ".*", "write": ".*", "read": ".*"])
        },
    ]

    @Test(arguments: breaks) func eachDifferenceIsNamedWithItsMend(broken: Break) async throws {
        try await withLab { lab in
            // given
            try await lab.apply()

            // when
            try await broken.act(lab.management, lab.virtualHost)
            let lines = try await lab.lines()

            // then
            for text in broken.says { #expect(lines.contains { $0.contains(text) }, "\(text) in \(lines)") }
            #expect(lines.allSatisfy { $0.hasPrefix("\(lab.virtualHost): ") && $0.contains("; mend: ") })
            guard broken.isMendedByApplying else { return }
            #expect(lines.allSatisfy { $0.hasSuffix("; mend: applications topology apply") })
            try await lab.apply()
            #expect(try await lab.lines() == [])
        }
    }

    @Test func aSurplusBindingIsNamedWithTheRequestThatDeletesIt() async throws {
        try await withLab { lab in
            // given
            try await lab.apply()
            try await lab.administer {
                try await $0.bind(queue: Self.queue, exchange: "maillage.funding", routingKey: "funding.payment.#")
            }

            // when
            let lines = try await lab.lines()

            // then
            let line = try #require(lines.first)
            #expect(lines.count == 1)
            #expect(
                line.contains("binding maillage.funding -[funding.payment.#]-> \(Self.queue) is there, should be gone"))
            let path =
                "/api/bindings/\(lab.virtualHost.replacing("/", with: "%2F"))/e/maillage.funding/q/\(Self.queue)/"
            #expect(line.contains("--request DELETE 'http://127.0.0.1:") && line.contains(path))
            #expect(!line.contains("guest"), "no credential")
        }
    }

    @Test func whoMayNotSeePermissionsIsToldThatTheyAreNotChecked() async throws {
        try await withLab { lab in
            // given
            try await lab.apply()
            let user = ["password": "watching", "tags": "monitoring"]
            try await lab.management.put("users", "watcher", body: user)
            try await lab.management.put(
                "permissions", lab.virtualHost, "watcher", body: ["configure": "^$", "write": "^$", "read": ".*"])
            let watcher = try BrokerManagement(
                url: broker.managementURL.replacing("guest:guest", with: "watcher:watching"))

            // when
            let state = try await BrokerState.read(lab.virtualHost, from: watcher)

            // then
            #expect(state.permissions == nil)
            #expect(state.queues.count == 2)
        }
    }

    @Test func aBrokerThatCannotBeAskedIsNotTakenForDrift() async throws {
        try await withLab { lab in
            let wrong = try BrokerManagement(url: broker.managementURL.replacing("guest:guest", with: "guest:s3cret"))
            let refused = await #expect(throws: BrokerManagement.Failure.self) {
                try await BrokerState.read(lab.virtualHost, from: wrong)
            }
            #expect(refused?.description.contains("s3cret") == false)
            let absent = await #expect(throws: BrokerManagement.Failure.self) {
                try await BrokerState.read("nowhere", from: lab.management)
            }
            #expect(absent?.description == "there is no virtual host nowhere, or the user may not see it")
            let silent = try BrokerManagement(url: "http://guest:s3cret@127.0.0.1:1")
            let noAnswer = await #expect(throws: BrokerManagement.Failure.self) {
                try await BrokerState.read("nowhere", from: silent)
            }
            #expect(noAnswer?.status == nil && noAnswer?.description.contains("s3cret") == false)
        }
    }

    @Test func theReportIsAlsoJSON() throws {
        let report = TopologyReport(
            drift: [.init(virtualHost: "v", object: "queue q", found: "is missing", expected: "there", mend: "apply")],
            notChecked: ["v: permissions"])
        #expect(
            try report.json().split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
                == #"{"drift" : [{"expected" : "there","found" : "is missing","mend" : "apply","#
                + #""object" : "queue q","virtualHost" : "v"}],"notChecked" : ["v: permissions"]}"#)
        #expect(
            report.text
                == "v: queue q is missing, should be there; mend: apply\nnot checked: v: permissions\ndrift: 1\n")
    }

    @Test(arguments: ["http://b:15672", "http://a:s3cret@b/api", "http://a:s3cret@"])
    func aManagementURLOfAnotherFormIsRefusedWithoutShowingIt(url: String) {
        let failure = #expect(throws: BrokerManagement.Failure.self) { try BrokerManagement(url: url) }
        #expect(failure?.description.contains("s3cret") == false)
    }
}
