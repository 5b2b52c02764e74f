import Events
import Foundation
import RabbitMQ

/// Responses to come, and what experimentation tells before them: experiments under way, protocols, participants.
///
/// Neighbouring messages belong to different experiments and to different participants, who answer time after time.
struct FeedbackWorkload: Sendable {
    static let occasionCount = 12
    /// What the answers below make, in tenths of a point.
    static let score = 850
    private static let startedDaysAgo = 30
    private static let instrumentVersion = "F-SUS-2021"
    private static let consentScope = "questionnaires"

    let count: Int
    let experiments: [UUID]
    let startedAt: Date

    init(count: Int, experimentCount: Int = 10) {
        self.count = count
        experiments = (0..<experimentCount).map { _ in EventID.next() }
        startedAt = Date(timeIntervalSinceNow: -Double(Self.startedDaysAgo * 86_400))
    }

    /// In each experiment.
    var participantCount: Int {
        let places = experiments.count * Self.occasionCount
        return (count + places - 1) / places
    }

    static func occasion(_ number: Int) -> String { "M\(number + 1)" }

    static func pseudonym(_ number: Int) -> String { "P\(10_000_000 + number)" }

    // MARK: What outsiders send

    func message(_ number: Int) -> (id: String, body: [UInt8]) {
        let id = UUID().lowercase
        let experiment = experiments[number % experiments.count]
        let (occasion, participant) = (number / experiments.count).quotientAndRemainder(dividingBy: participantCount)
        let body =
            #"{"specversion":"1.0","id":"\#(id)","source":"https://telesuivi.example/bench","#
            + #""type":"\#(FeedbackSubmission.submitted)","time":"\#(answeredAt)","#
            + #""datacontenttype":"application/json","data":{"experiment":"\#(experiment.lowercase)","#
            + #""participant":"\#(Self.pseudonym(participant))","instrument":"SUS","#
            + #""occasion":"\#(Self.occasion(occasion))","answers":[4,2,5,1,4,2,5,1,4,2],"#
            + #""comment":"rapide et clair, mais la connexion est lente en chambre"}}"#
        return (id, Array(body.utf8))
    }

    private var answeredAt: String { WireInstant.format(startedAt + 86_400) }

    // MARK: What experimentation tells

    func facts() throws -> [OutgoingMessage] {
        var messages: [OutgoingMessage] = []
        let (site, agreement) = (EventID.next(), EventID.next())
        for experiment in experiments {
            messages.append(
                try message(
                    ExperimentRegistered(
                        experiment: experiment, site: site, agreement: agreement, solution: EventID.next(),
                        budgetCents: 10_000_000, participantsTarget: participantCount),
                    about: experiment, sequence: 1))
            messages.append(try message(approved(experiment), about: experiment, sequence: 1))
            messages.append(
                try message(
                    ExperimentStarted(
                        experiment: experiment, site: site, agreement: agreement, protocolVersion: 1,
                        startedAt: startedAt),
                    about: experiment, sequence: 2))
        }
        return messages
    }

    /// The enrolments of some participants in every experiment.
    func enrolments(_ participants: Range<Int>) throws -> [OutgoingMessage] {
        try participants.flatMap { participant in
            try experiments.map { experiment in
                let enrolled = ParticipantEnrolled(
                    participant: UUID(), experiment: experiment, arm: "intervention",
                    pseudonym: Self.pseudonym(participant), consentScope: Self.consentScope, consentVersion: 1,
                    consentedAt: startedAt)
                return try message(enrolled, about: enrolled.participant, sequence: 1)
            }
        }
    }

    private func approved(_ experiment: UUID) -> ProtocolApproved {
        ProtocolApproved(
            experiment: experiment, protocolVersion: 1, legalQualification: "non_RIPH_satisfaction",
            consentScope: Self.consentScope,
            windows: (0..<Self.occasionCount).map { number in
                InstrumentWindow(
                    instrument: "SUS", instrumentVersion: Self.instrumentVersion, occasion: Self.occasion(number),
                    opensDay: 0, closesDay: 365)
            },
            milestones: [
                MilestoneTerms(milestone: "mi-parcours", responsesCountMin: max(1, count / experiments.count / 2))
            ])
    }

    private func message<P: EventPayload>(_ payload: P, about subject: UUID, sequence: Int64) throws -> OutgoingMessage
    {
        let id = EventID.next()
        let envelope = EventEnvelope(
            id: id, type: P.type, subject: subject.lowercase, time: startedAt, sequence: sequence,
            correlationID: id.lowercase, data: try WireCoding.encode(payload))
        return OutgoingMessage(
            exchange: EventCatalogue.exchange(of: .experimentation), routingKey: P.type.routingKey,
            body: envelope.encoded(), messageID: id.lowercase, type: P.type.name,
            contentType: EventEnvelope.contentType)
    }
}
