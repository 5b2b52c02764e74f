import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import ServiceRuntime

/// What an outside system hands over, whatever the door: bytes, and what stood beside them.
struct OutsideMessage: Sendable {
    private static let structuredType = "application/cloudevents"

    let body: [UInt8]
    var contentType: String?
    /// Names and plain values of the headers.
    var fields: [(String, String)] = []
    var headersAreMalformed = false

    /// Structured and binary mode come to one form here.
    func read(by reader: SubmissionReader, publisher: String, clockAt: Date) -> InboundMessage {
        // Most have no fields at all; and a structured event may carry its attributes a second time, for routers.
        let isStructured = contentType?.lowercased().hasPrefix(Self.structuredType) ?? false
        guard !isStructured, !fields.isEmpty else {
            return reader.read(
                body, publisher: publisher, headersAreMalformed: headersAreMalformed, clockAt: clockAt)
        }
        do throws(Refusal) {
            let event = try BinaryEvent(fields: fields)
            let isObject = event != nil && (try? JSONMembers(body)) != nil
            return reader.read(
                event?.structured(data: body, dataIsObject: isObject) ?? body, publisher: publisher,
                headersAreMalformed: headersAreMalformed, clockAt: clockAt)
        } catch {
            return reader.read(body, publisher: publisher, headersAreMalformed: true, clockAt: clockAt)
        }
    }
}

/// Takes events in on behalf of somebody who waits for the receipts.
struct EventDoor: Sendable {
    let intake: IntakeStore
    /// There are events to relay.
    let wakeUps: [RelayWakeUp]

    /// - Returns: a receipt for each, in their order; what they tell is committed.
    /// - Throws: when the database is away. Sent again, they are settled once.
    func take(_ messages: [OutsideMessage], from publisher: String) async throws -> [FeedbackSubmission.Receipt] {
        let now = intake.clock.now()
        let reader = SubmissionReader(contentKey: intake.contentKey)
        let read = messages.enumerated().map { place, message in
            var inbound = message.read(by: reader, publisher: publisher, clockAt: now)
            inbound.answerPlace = place
            return inbound
        }
        let receipts = try await settle(read)
        for wakeUp in wakeUps { wakeUp.signal() }
        return receipts
    }

    /// Whatever a message makes fail is searched by halving, as it is for those that come through a queue.
    private func settle(_ messages: [InboundMessage]) async throws -> [FeedbackSubmission.Receipt] {
        guard !messages.isEmpty else { return [] }
        do {
            return try await intake.answer(messages)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
            if messages.count == 1 { return try await intake.answer(messages.map(\.poisoned)) }
        }
        let middle = messages.count / 2
        return try await settle(Array(messages[..<middle])) + settle(Array(messages[middle...]))
    }
}
