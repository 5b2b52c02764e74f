import Events
import FeedbackDomain
import RabbitMQ
import ServiceRuntime

/// The outsiders' virtual host. Each publisher has an exchange to write to and a queue to read receipts from, and may
/// do nothing else. The exchange is a fanout, so that a message's routing key and headers mean nothing: the queue that
/// it came through says who sent it. Publishers come and go with their rows (``BrokerProvisioner``); the rest is here.
enum OutsideTopology {
    private static let deadExchange = "feedback.dead"
    private static let deadQueue = FeedbackSubmission.deadQueue

    static func plan(settings: Settings) -> BrokerPlan {
        var plan = BrokerPlan(brokerURL: .brokerOutsideAdminURL, managementURL: .brokerOutsideManagementURL)
        plan.exchanges = [.init(deadExchange, .direct)]
        plan.queues = [deadQueue]
        plan.bindings = [.init(queue: deadQueue, exchange: deadExchange, routingKey: "intake")]
        plan.permissions = [
            .init(
                user: "maillage-feedback-outside", write: #"^(amq\.default|feedback\.receipts\.[a-z0-9-]+)\z"#,
                read: #"^feedback\.(in\.[a-z0-9-]+|dead)\z"#)
        ]
        let receipts = PolicyDefinition.keeping.adding("overflow", .text("drop-head"))
        plan.policies = [
            // For a queue whose own policy somebody took away.
            .init(
                "intake", pattern: #"^feedback\.in\."#, intakePolicy(queueBytes: PublisherTerms.queueBytesDefault)),
            .init(
                "receipts", pattern: #"^feedback\.receipts\."#,
                receipts.adding("max-length", .number(settings.count(FeedbackSettings.receiptCount)))),
            .init("dead", pattern: TopologyDeclaration.pattern(deadQueue), .keeping),
        ]
        return plan
    }

    /// What a publisher's queue takes before it refuses.
    static func intakePolicy(queueBytes: Int) -> PolicyDefinition {
        PolicyDefinition.work(deadLettersTo: deadExchange, as: "intake")
            .adding("max-length-bytes", .number(queueBytes))
    }
}
