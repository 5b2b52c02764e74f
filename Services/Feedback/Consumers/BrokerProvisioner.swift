import Events
import FeedbackDomain
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceLifecycle
import ServiceRuntime

/// Brings the broker's side of each publisher to what its row says: exchange, queues, bound, users, permissions.
///
/// Every step may be repeated, and a row that is not finished is taken again, so that a crash anywhere in between
/// repairs itself. It holds the broker's administration, which is why it need not run in the process that serves.
struct BrokerProvisioner: Service {
    /// Far longer than the calls of one publisher take together, each of which has its own deadline.
    private static let claimSeconds = 300
    private static let retrySeconds = 10
    private static let pollInterval = Duration.seconds(1)
    /// Before the policy that holds for all queues.
    private static let priority = BrokerPlan.Policy.priority + 1

    let store: ProvisioningStore
    let management: BrokerManagement
    let virtualHost: String
    let wakeUp: RelayWakeUp
    let logger: Logger

    init(
        store: ProvisioningStore, management: BrokerManagement, virtualHost: String, wakeUp: RelayWakeUp, logger: Logger
    ) {
        self.store = store
        self.management = management
        self.virtualHost = virtualHost
        self.wakeUp = wakeUp
        self.logger = logger
    }

    /// nil where the settings name no management interface, so that another process has to do it.
    init?(pool: PostgresPool, settings: Settings, wakeUp: RelayWakeUp, logger: Logger) throws {
        guard let management = try settings.management(.brokerOutsideManagementURL) else { return nil }
        let url = settings.optionalText(.brokerOutsideURL) == nil ? SettingKey.brokerOutsideAdminURL : .brokerOutsideURL
        self.init(
            store: ProvisioningStore(pool: pool), management: management,
            virtualHost: try settings.brokerConfiguration(url: url).virtualHost, wakeUp: wakeUp, logger: logger)
    }

    func run() async throws {
        // Ends at the graceful shutdown by cancellation, which is then no error.
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await provisionNext() == nil { await wakeUp.wait(atMost: Self.pollInterval) }
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("a publisher's side of the broker is not as it should be", error: error)
                    try await Task.sleep(for: Self.pollInterval)
                }
            }
        }
    }

    /// - Returns: the publisher that was brought there; nil when there is none to bring.
    func provisionNext() async throws -> String? {
        guard let task = try await store.claim(seconds: Self.claimSeconds) else { return nil }
        let isOurs: Bool
        do {
            try await provision(task)
            isOurs = try await store.finish(task)
        } catch is ClaimOvertaken {
            isOurs = false
        } catch {
            // What was asked of the broker last may still come about, after what a newer claim does.
            if (try? await store.release(task, seconds: Self.retrySeconds)) == false {
                try? await store.reopen(task.publisher)
            }
            throw error
        }
        guard isOurs else {
            try await store.reopen(task.publisher)
            logger.notice("a claim ran out while it was worked on", metadata: ["publisher": "\(task.publisher)"])
            return task.publisher
        }
        logger.info("a publisher's side of the broker is as its row says", metadata: ["publisher": "\(task.publisher)"])
        return task.publisher
    }

    /// Somebody else goes on with the publisher, by a row that may be newer.
    private struct ClaimOvertaken: Error {}

    /// Everything that changes the broker goes through here.
    private func act(_ task: ProvisioningTask, _ act: () async throws -> Void) async throws {
        guard try await store.holds(task) else { throw ClaimOvertaken() }
        try await act()
    }

    private func provision(_ task: ProvisioningTask) async throws {
        try await declare(task)
        for user in try await strangers(task) { try await act(task) { try await management.delete("users", user) } }
        for credential in task.live {
            let user = PublisherCredential(publisher: task.publisher, number: credential.number).user
            // The broker closes the connections of a user that is deleted; one without permissions keeps them.
            if task.isSuspended {
                try await act(task) { try await management.delete("users", user) }
            } else {
                try await admit(user, credential.proof, task)
            }
        }
        for number in task.ended {
            let user = PublisherCredential(publisher: task.publisher, number: number).user
            try await act(task) { try await management.delete("users", user) }
        }
    }

    /// Users that could pass for the publisher and have no credential: of a retired one that came back, or named as
    /// publishers were before their credentials had numbers. A name without a number may be anybody's at the broker,
    /// so it is the publisher's only where it may write to the publisher's exchange.
    private func strangers(_ task: ProvisioningTask) async throws -> [String] {
        struct User: Decodable { let name: String }
        struct Permission: Decodable { let user, write: String }
        let users = try await management.get([User].self, "users", columns: "name") ?? []
        let permissions = try await management.get([Permission].self, "vhosts", virtualHost, "permissions") ?? []
        let write = TopologyDeclaration.pattern(FeedbackSubmission.queue(of: task.publisher))
        let known = Set(task.live.map(\.number) + task.ended)
        let numbered = users.map(\.name).filter { name in
            guard let credential = PublisherCredential(user: name) else { return false }
            return credential.publisher == task.publisher && !known.contains(credential.number)
        }
        return numbered + permissions.filter { $0.user == task.publisher && $0.write == write }.map(\.user)
    }

    /// The queue comes before the user, so that nothing a publisher sends can be lost for want of one.
    private func declare(_ task: ProvisioningTask) async throws {
        struct Exchange: Encodable {
            let type = ExchangeType.fanout.rawValue
            let durable = true
        }
        struct Queue: Encodable {
            let durable = true
            let arguments = ["x-queue-type": "quorum"]
        }
        struct Binding: Encodable {
            let routingKey = ""

            private enum CodingKeys: String, CodingKey { case routingKey = "routing_key" }
        }
        struct Policy: Encodable {
            let pattern: String
            let appliesTo = "queues"
            let priority = BrokerProvisioner.priority
            let definition: PolicyDefinition

            private enum CodingKeys: String, CodingKey {
                case pattern, priority, definition
                case appliesTo = "apply-to"
            }
        }
        let intake = FeedbackSubmission.queue(of: task.publisher)
        let receipts = FeedbackSubmission.receiptsQueue(of: task.publisher)
        let policy = Policy(
            pattern: TopologyDeclaration.pattern(intake),
            definition: OutsideTopology.intakePolicy(queueBytes: task.queueBytes))
        try await act(task) {
            try await management.put("policies", virtualHost, "intake-\(task.publisher)", body: policy)
        }
        try await act(task) { try await management.put("exchanges", virtualHost, intake, body: Exchange()) }
        for queue in [intake, receipts] {
            try await act(task) { try await management.put("queues", virtualHost, queue, body: Queue()) }
        }
        try await act(task) {
            try await management.post("bindings", virtualHost, "e", intake, "q", intake, body: Binding())
        }
    }

    /// With an empty hash no password fits: such a user gets in by its certificate alone.
    private func admit(_ user: String, _ proof: CredentialProof, _ task: ProvisioningTask) async throws {
        let login = [
            "password_hash": proof.hash?.base64 ?? "", "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "",
        ]
        try await act(task) { try await management.put("users", user, body: login) }
        for (limit, value) in [("max-connections", 4), ("max-channels", 8)] {
            try await act(task) { try await management.put("user-limits", user, limit, body: ["value": value]) }
        }
        let permission = [
            "configure": BrokerPlan.Permission.nothing,
            "write": TopologyDeclaration.pattern(FeedbackSubmission.queue(of: task.publisher)),
            "read": TopologyDeclaration.pattern(FeedbackSubmission.receiptsQueue(of: task.publisher)),
        ]
        try await act(task) { try await management.put("permissions", virtualHost, user, body: permission) }
    }
}
