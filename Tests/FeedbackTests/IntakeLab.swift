import Events
import FeedbackDomain
import Foundation
import Logging
import Observability
import Outbox
import Postgres
import RabbitMQ
import ServiceRuntime
import Synchronization
import TestSupport
import Testing

@testable import Feedback

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea & Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// What a logger wrote.
final class LogLines: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { label in
            JSONLogHandler(
                service: "feedback", label: label, level: .info,
                output: LogOutput { [self] line in
                    texts.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                })
        }
    }
}

/// An event of an outside publisher; every member may be made wrong.
struct OutsideEvent {
    var id: String
    var experiment: UUID
    var participant = "P000"
    var instrument = "SUS"
    var occasion = "M3"
    var answers = "[4,2,4,2,4,2,4,2,4,2]"
    var time = Date(timeIntervalSince1970: 0)
    var comment: String?
    var amends: String?
    /// Makes it a retraction.
    var retracts: String?
    var source = "urn:app"

    var body: [UInt8] {
        let type =
            retracts != nil
            ? FeedbackSubmission.retracted : amends == nil ? FeedbackSubmission.submitted : FeedbackSubmission.amended
        var data = """
            {"experiment":"\(experiment.lowercase)","participant":"\(participant)","instrument":"\(instrument)",\
            "occasion":"\(occasion)"
            """
        if retracts == nil { data += #","answers":\#(answers)"# }
        if let comment { data += #","comment":"\#(comment)""# }
        if let amends { data += #","amends":"\#(amends)""# }
        if let retracts { data += #","retracts":"\#(retracts)""# }
        let text = """
            {"specversion":"1.0","id":"\(id)","source":"\(source)","type":"\(type)",\
            "time":"\(WireInstant.format(time))",\
            "datacontenttype":"application/json","data":\(data)}}
            """
        return Array(text.utf8)
    }
}

/// A feedback service with a running experiment of 400 participants, `P000` to `P399`, ninety days after its start.
struct IntakeLab {
    static let publisher = "telehealth"
    static let participantCount = 400
    /// As the service has it in a harness.
    static let reader = SubmissionReader(contentKey: ContentKey(String(repeating: "k", count: 32)))

    let service: ServiceHarness
    let experiment = UUID()
    let start: Date
    let intake: IntakeStore

    init(_ service: ServiceHarness) {
        self.service = service
        start = service.clock.now()
        intake = IntakeStore(pool: service.pool, clock: service.clock.clock, reader: Self.reader)
        service.clock.set(start + 96 * 86_400)
    }

    static func with(
        milestones: [MilestoneTerms] = [], isOpen: Bool = true, settings: [String: String] = [:],
        _ body: (IntakeLab) async throws -> Void
    ) async throws {
        try await ServiceHarness.with(FeedbackService.self, settings: settings) { service in
            let lab = IntakeLab(service)
            try await service.pool.query(
                """
                insert into publishers (publisher, organisation, contact, queue_bytes)
                values (\(publisher), 'Telehealth', 'somebody', 1048576)
                """)
            if isOpen { try await lab.open(milestones: milestones) }
            try await body(lab)
        }
    }

    /// Tells everything about the experiment.
    func open(milestones: [MilestoneTerms] = []) async throws {
        try await register()
        try await approve(milestones: milestones)
        try await begin()
        try await enrol(0..<Self.participantCount)
    }

    func register() async throws {
        try await service.deliver(
            ExperimentRegistered(
                experiment: experiment, site: UUID(), agreement: UUID(), solution: UUID(), budgetCents: 100_00,
                participantsTarget: Self.participantCount), subject: experiment.lowercase)
    }

    /// - Parameter days: of the approval, after the start.
    func approve(
        version: Int = 1, milestones: [MilestoneTerms] = [], occasion: String = "M3", days: Double = -1
    ) async throws {
        let windows = ["SUS", "NPS"].map {
            InstrumentWindow(
                instrument: $0, instrumentVersion: $0 == "SUS" ? "F-SUS-2021" : "1", occasion: occasion, opensDay: 80,
                closesDay: 100)
        }
        try await service.deliver(
            ProtocolApproved(
                experiment: experiment, protocolVersion: version, legalQualification: "non_RIPH_satisfaction",
                consentScope: "usability", windows: windows, milestones: milestones), subject: experiment.lowercase,
            time: start + days * 86_400)
    }

    func begin() async throws {
        try await service.deliver(
            ExperimentStarted(
                experiment: experiment, site: UUID(), agreement: UUID(), protocolVersion: 1, startedAt: start),
            subject: experiment.lowercase)
    }

    func enrol(_ numbers: Range<Int>) async throws {
        let enrolled = numbers.map { number in
            ParticipantEnrolled(
                participant: UUID(), experiment: experiment, arm: "a", pseudonym: Self.pseudonym(number),
                consentScope: "usability", consentVersion: 1, consentedAt: start)
        }
        // As the inbox does, in one transaction; four hundred deliveries one by one would take a minute.
        try await service.pool.withTransaction { transaction in
            try await ExperimentStore(intake: intake).record(
                enrolled, cause: EventCause(correlationID: "test"), in: transaction)
        }
    }

    static func pseudonym(_ number: Int) -> String { "P" + String(1000 + number).dropFirst() }

    func event(_ id: String, participant: Int = 0, day: Double = 90) -> OutsideEvent {
        OutsideEvent(
            id: id, experiment: experiment, participant: Self.pseudonym(participant), time: start + day * 86_400)
    }

    /// Takes back what an event said.
    func retraction(_ id: String, of event: String, participant: Int = 0, day: Double = 91) -> OutsideEvent {
        var retraction = self.event(id, participant: participant, day: day)
        retraction.retracts = event
        return retraction
    }

    func message(_ body: [UInt8], publisher: String = publisher) -> InboundMessage {
        Self.reader.read(body, publisher: publisher, clockAt: service.clock.now())
    }

    @discardableResult
    func settle(_ events: OutsideEvent...) async throws -> IntakeTally {
        try await intake.settle(events.map { message($0.body) })
    }

    func count(_ table: String) async throws -> Int {
        let rows = try await service.pool.query("select count(*) as n from \(identifier: table)")
        return try rows[0].get("n")
    }

    /// Every receipt that was issued and not sent, oldest first.
    func receipts() async throws -> [FeedbackSubmission.Receipt] {
        struct Envelope: Decodable { let data: FeedbackSubmission.Receipts }
        return try await service.pool.query("select body from receipts_outbox order by position").flatMap { row in
            try WireCoding.decode(Envelope.self, from: row.get("body", as: [UInt8].self)).data.receipts
        }
    }

    func receipt(of id: String) async throws -> FeedbackSubmission.Receipt {
        try #require(try await receipts().last { $0.id == id })
    }

    /// Statements on this database that wait for a lock.
    func blockedCount() async throws -> Int {
        let rows = try await service.pool.query(
            """
            select count(*) as n from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'
            """)
        return try rows[0].get("n")
    }

    /// The scores in force, by participant's code.
    func scores() async throws -> [String: Int] {
        let rows = try await service.pool.query(
            """
            select p.pseudonym, v.score from responses as r join participants as p using (experiment, participant)
            join response_values as v on v.response = r.response and v.version = r.version
            where r.state = 'valid'
            """)
        var scores: [String: Int] = [:]
        for row in rows { scores[try row.get("pseudonym")] = Int(try row.get("score", as: Int32.self)) }
        return scores
    }

    /// Waits until a condition holds.
    func eventually(
        _ what: Comment, within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record(what)
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
