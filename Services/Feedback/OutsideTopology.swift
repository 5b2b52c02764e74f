import Events
import RabbitMQ
import ServiceRuntime

/// The outsiders' virtual host. Each publisher has an exchange to write to and a queue to read receipts from, and may
/// do nothing else. The exchange is a fanout, so that a message's routing key and headers mean nothing: the queue that
/// it came through says who sent it.
enum OutsideTopology {
    private static let deadExchange = "feedback.dead"
    private static let deadQueue = "feedback.dead"

    static func plan(publishers: [String], settings: Settings) -> BrokerPlan {
        var plan = BrokerPlan(brokerURL: .brokerOutsideAdminURL, managementURL: .brokerOutsideManagementURL)
        plan.exchanges = [.init(deadExchange, .direct)]
        plan.queues = [deadQueue]
        plan.bindings = [.init(queue: deadQueue, exchange: deadExchange, routingKey: "intake")]
        plan.permissions = [
            .init(
                user: "maillage-feedback-outside", write: #"^(amq\.default|feedback\.receipts\.[a-z0-9-]+)\z"#,
                read: #"^feedback\.(in\.[a-z0-9-]+|dead)\z"#)
        ]
        for publisher in publishers {
            let (intake, receipts) = (
                FeedbackSubmission.queue(of: publisher), FeedbackSubmission.receiptsQueue(of: publisher)
            )
            plan.exchanges.append(.init(intake, .fanout))
            plan.queues += [intake, receipts]
            plan.bindings.append(.init(queue: intake, exchange: intake, routingKey: ""))
            plan.permissions.append(
                .init(
                    user: publisher, write: TopologyDeclaration.pattern(intake),
                    read: TopologyDeclaration.pattern(receipts)))
        }
        plan.policies = policies(settings)
        return plan
    }

    private static func policies(_ settings: Settings) -> [BrokerPlan.Policy] {
        let intake = PolicyDefinition.work(deadLettersTo: deadExchange, as: "intake")
        let receipts = PolicyDefinition.keeping.adding("overflow", .text("drop-head"))
        return [
            .init(
                "intake", pattern: #"^feedback\.in\."#,
                intake.adding("max-length-bytes", .number(settings.count(FeedbackSettings.intakeBytes)))),
            .init(
                "receipts", pattern: #"^feedback\.receipts\."#,
                receipts.adding("max-length", .number(settings.count(FeedbackSettings.receiptCount)))),
            .init("dead", pattern: TopologyDeclaration.pattern(deadQueue), .keeping),
        ]
    }
}
