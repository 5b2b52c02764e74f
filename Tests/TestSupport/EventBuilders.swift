package import Events
package import Foundation
package import Outbox
package import RabbitMQ

/// Payloads and messages with sensible values where a test does not care.
package enum EventBuilders {
    package static let time = Date(timeIntervalSince1970: 1_772_442_000)

    package static func milestoneReached(
        _ milestone: String = "m1", experiment: UUID = UUID(), responsesCount: Int = 30
    ) -> MilestoneReached {
        MilestoneReached(
            experiment: experiment, milestone: milestone, responsesCountMin: 30, responsesCount: responsesCount,
            reachedAt: time)
    }

    package static func responseAmended(experiment: UUID = UUID(), score: Int = 700) -> ResponseAmended {
        let response = UUID()
        let item = ResponseItem(
            response: response, version: 2, state: .valid, instrument: "SUS", instrumentVersion: "1",
            occasion: "month-1", participant: UUID(), answeredAt: time, digest: String(repeating: "0f", count: 32))
        let values = ResponseValues(response: response, version: 2, salt: "salt", score: score, answers: [4, nil, 5])
        return ResponseAmended(experiment: experiment, item: item, personal: values)
    }

    package static func applicationSubmitted(
        _ application: UUID = UUID(), requestedCents: Int64 = 1
    ) -> ApplicationSubmitted {
        ApplicationSubmitted(
            application: application, call: UUID(), lead: lead, partners: [], animationBudgetCents: 2,
            requestedCents: requestedCents, receipt: String(repeating: "0f", count: 32), submittedAt: time)
    }

    package static func applicationDecided(_ application: UUID = UUID(), rank: Int = 1) -> ApplicationDecided {
        ApplicationDecided(
            application: application, call: UUID(), outcome: .funded, rank: rank, lead: lead, partners: [],
            animationBudgetCents: 2, requestedCents: 1, decidedAt: time)
    }

    private static let lead = ConsortiumMember(
        siren: "200034528", structureType: "etablissement_sante_public", sector: "sanitaire")

    package static func new(
        _ payload: some EventPayload, subject: String, actor: String = "tests", cause: EventCause? = nil
    ) -> NewEvent {
        NewEvent(
            payload, subject: subject, time: time, actor: actor,
            cause: cause ?? EventCause(correlationID: "test-correlation"))
    }

    /// An event as the relay of its owner publishes it.
    package static func message(
        _ payload: some EventPayload, subject: String, sequence: Int64 = 1, id: UUID = EventID.next(),
        traceparent: String? = nil, queue: String? = nil
    ) throws -> OutgoingMessage {
        let type = Swift.type(of: payload).type
        let envelope = EventEnvelope(
            id: id, type: type, subject: subject, time: time, sequence: sequence, correlationID: "test-correlation",
            traceparent: traceparent, data: try WireCoding.encode(payload))
        return OutgoingMessage(
            exchange: queue == nil ? EventCatalogue.exchange(of: type.owner) : "", routingKey: queue ?? type.routingKey,
            body: envelope.encoded(), messageID: id.lowercase, type: type.name, contentType: EventEnvelope.contentType,
            headers: [("ce-id", .string(id.lowercase))])
    }

    /// The messages as a consumer hands them over; delivered before when `deliveryCount` is above 0.
    package static func batch(_ messages: [OutgoingMessage], deliveryCount: Int = 0) -> DeliveryBatch {
        batch(messages, deliveryCounts: messages.map { _ in deliveryCount })
    }

    /// - Parameter deliveryCounts: how often each message was delivered before.
    package static func batch(_ messages: [OutgoingMessage], deliveryCounts: [Int]) -> DeliveryBatch {
        let fresh = DeliveryBatch(messages)
        let deliveries = zip(fresh.deliveries, deliveryCounts).map { delivery, count in
            guard count > 0 else { return delivery }
            var properties = MessageProperties()
            properties.messageID = delivery.messageID
            properties.headers = delivery.headers
            properties.deliveryCount = count
            return Delivery(
                exchange: delivery.exchange, routingKey: delivery.routingKey, tag: delivery.tag, isRedelivered: true,
                properties: properties, bodyRange: delivery.bodyRange)
        }
        return DeliveryBatch(deliveries: deliveries, bytes: fresh.bytes)
    }
}

/// SplitMix64: random numbers that a seed repeats.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
