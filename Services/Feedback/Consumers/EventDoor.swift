import Events
import FeedbackDomain
import FoundationEssentials
import Logging
import Metrics
import Observability
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
    let kind: IntakeDoor
    let logger: Logger
    var metricsFactory: any MetricsFactory = MetricsSystem.factory

    struct Answer: Sendable {
        /// One for each, in their order; what they tell is committed.
        let receipts: [FeedbackSubmission.Receipt]
        /// How long the publisher should be left alone now.
        let rest: Duration
    }

    private struct Settled {
        var receipts: [FeedbackSubmission.Receipt] = []
        var tally = IntakeTally()
    }

    /// - Throws: when the database is away. Sent again, they are settled once.
    func take(_ messages: [OutsideMessage], from publisher: String) async throws -> Answer {
        guard !messages.isEmpty else { return Answer(receipts: [], rest: .zero) }
        let metrics = IntakeMetrics(publisher: publisher, door: kind, factory: metricsFactory)
        let started = ContinuousClock.now
        let now = intake.clock.now()
        let read = messages.enumerated().map { place, message in
            var inbound = message.read(by: intake.reader, publisher: publisher, clockAt: now)
            inbound.answerPlace = place
            return inbound
        }
        let settled: Settled
        do {
            settled = try await settle(read, metrics)
        } catch {
            if case .outage = IntakeFailure(error) { metrics.failed() }
            throw error
        }
        let took = ContinuousClock.now - started
        metrics.settled(settled.tally, duration: took)
        for wakeUp in wakeUps { wakeUp.signal() }
        return Answer(
            receipts: settled.receipts,
            rest: FeedbackIntake.pause(after: settled.tally, batchCount: messages.count, took: took))
    }

    /// Whatever a message makes fail is searched by halving, as it is for those that come through a queue.
    private func settle(_ messages: [InboundMessage], _ metrics: IntakeMetrics) async throws -> Settled {
        do {
            let answer = try await intake.answer(messages)
            return Settled(receipts: answer.receipts, tally: answer.tally)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
            if messages.count == 1 {
                metrics.poisoned()
                logger.error("a message makes the database fail and is quarantined", error: error)
                let answer = try await intake.answer(messages.map(\.poisoned))
                return Settled(receipts: answer.receipts, tally: answer.tally)
            }
        }
        let middle = messages.count / 2
        var settled = try await settle(Array(messages[..<middle]), metrics)
        let rest = try await settle(Array(messages[middle...]), metrics)
        settled.receipts += rest.receipts
        settled.tally += rest.tally
        return settled
    }
}
