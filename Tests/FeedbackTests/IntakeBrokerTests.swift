import Events
import Foundation
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import Feedback

/// A publisher of its own on the test broker, with its queues.
struct OutsideBroker {
    let configuration: RabbitMQConfiguration
    let publisher: String

    var queue: String { FeedbackSubmission.queue(of: publisher) }

    static func with(_ body: (OutsideBroker) async throws -> Void) async throws {
        let broker = OutsideBroker(
            configuration: try TestBroker.configuration(),
            publisher: "t-\(UInt64.random(in: .min ... .max))")
        try await TestBroker.administer(broker.configuration) { administrator in
            try await administrator.declareExchange(broker.queue, type: .fanout)
            try await administrator.declareQueue(broker.queue, arguments: [("x-queue-type", .string("quorum"))])
            try await administrator.bind(queue: broker.queue, exchange: broker.queue, routingKey: "")
            try await administrator.declareQueue(
                FeedbackSubmission.receiptsQueue(of: broker.publisher),
                arguments: [("x-queue-type", .string("quorum"))])
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(broker)) } catch { result = .failure(error) }
        try await TestBroker.administer(broker.configuration) { administrator in
            try await administrator.deleteExchange(broker.queue)
            try await administrator.deleteQueue(broker.queue)
            try await administrator.deleteQueue(FeedbackSubmission.receiptsQueue(of: broker.publisher))
        }
        try result.get()
    }

    func publish(_ bodies: [[UInt8]]) async throws {
        let publisher = RabbitPublisher(configuration: configuration, logger: TestBroker.quietLogger)
        let messages = bodies.map { body in
            OutgoingMessage(
                exchange: queue, routingKey: "", body: body, messageID: UUID().uuidString,
                contentType: EventEnvelope.contentType)
        }
        let outcomes = await publisher.publish(messages, deadline: .seconds(60))
        await publisher.close()
        #expect(outcomes.allSatisfy { $0 == .confirmed })
    }

    /// With a header whose name is empty, as no decent client would send it.
    func publishWithAnEmptyHeaderName(_ bodies: [[UInt8]]) throws {
        let port = try #require(UInt16(TestBroker.url().split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
        let raw = try RawPublisher(port: port)
        let table = RawPublisher.entry([], "S", RawPublisher.text(Array("x".utf8)))
        for body in bodies {
            try raw.publish(queue: queue, properties: RawPublisher.properties(headers: table), body: body)
        }
    }

    func consumer(batch: Int = 100) -> RabbitConsumer {
        RabbitConsumer(
            configuration: configuration, queue: queue, batchCountMax: batch,
            batchesInFlight: FeedbackIntake.batchCountInFlight, logger: TestBroker.quietLogger)
    }

    func intake(_ lab: IntakeLab, consumer: RabbitConsumer) -> FeedbackIntake {
        FeedbackIntake(
            publisher: publisher, consumer: consumer, intake: lab.intake, wakeUps: [], logger: TestBroker.quietLogger)
    }

    /// Runs replicas of the intake until the condition holds.
    func run(_ lab: IntakeLab, replicas: Int, until condition: () async throws -> Bool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<replicas {
                let intake = intake(lab, consumer: consumer())
                group.addTask { try? await intake.run() }
            }
            try await lab.eventually("the queue is taken in", within: .seconds(60), condition)
            group.cancelAll()
        }
    }
}

/// 2,000 messages of every kind, no two kinds about the same participant and instrument, so that every order of arrival
/// ends in the same counts.
struct MixedTraffic {
    static let accepted = 900
    static let responses = 700
    static let duplicates = 200
    static let refused = 800
    static let waiting = 100

    var bodies: [[UInt8]] = []
    /// To be sent with an empty header name.
    var withBadHeaders: [[UInt8]] = []
    var nonsense: Set<[UInt8]> = []

    init(_ lab: IntakeLab) {
        func event(_ id: String, _ number: Int) -> OutsideEvent {
            var event = lab.event(id, participant: number % 400)
            if number >= 400 {
                event.instrument = "NPS"
                event.answers = "[\(number % 11)]"
            }
            return event
        }
        for number in 0..<700 { bodies.append(event("v\(number)", number).body) }
        for number in 0..<200 { bodies.append(event("v\(number)", number).body) }
        for number in 200..<400 {
            var correction = event("a\(number)", number)
            correction.amends = "v\(number)"
            correction.time += 86_400
            bodies.append(correction.body)
        }
        for number in 400..<460 {
            var conflict = event("v\(number)", number)
            conflict.comment = "another event under a used name"
            bodies.append(conflict.body)
        }
        for number in 460..<560 { bodies.append(event("second\(number)", number).body) }
        for number in 0..<200 {
            let bytes = Array("nonsense \(number) ".utf8) + [0xFF, 0x00, UInt8(number)]
            nonsense.insert(bytes)
            bodies.append(bytes)
        }
        for number in 0..<100 {
            var stranger = event("w\(number)", 0)
            stranger.participant = "stranger\(number)"
            bodies.append(stranger.body)
            var early = event("l\(number)", 700 + number)
            early.time -= 11 * 86_400
            bodies.append(early.body)
            var future = event("f\(number)", 700 + number)
            future.time += 30 * 86_400
            bodies.append(future.body)
            withBadHeaders.append(event("h\(number)", 700 + number).body)
        }
        for number in 0..<140 {
            var wrong = event("r\(number)", 0)
            wrong.instrument = "SUS"
            wrong.answers = "[4,2,4,2,4,2,4,2,4,\(number.isMultiple(of: 2) ? 6 : 0)]"
            bodies.append(wrong.body)
        }
    }
}

@Suite("The intake on a real broker", .timeLimit(.minutes(10)))
struct IntakeBrokerTests {
    @Test func twoReplicasTakeInTwoThousandMixedMessagesExactly() async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "six hundred", responsesCountMin: 600)]) {
            lab in
            try await OutsideBroker.with { broker in
                // given
                var generator = SeededGenerator(seed: 2026)
                var traffic = MixedTraffic(lab)
                #expect(traffic.bodies.count + traffic.withBadHeaders.count == 2000)
                traffic.bodies.shuffle(using: &generator)
                try await broker.publish(Array(traffic.bodies[..<900]))
                try broker.publishWithAnEmptyHeaderName(traffic.withBadHeaders)
                try await broker.publish(Array(traffic.bodies[900...]))
                // when
                try await broker.run(lab, replicas: 2) { try await lab.finalReceiptCount() == 2000 }
                // then
                try await lab.expectCounts(of: MixedTraffic.self)
                #expect(try await lab.service.recordedEvents(type: MilestoneReached.type.name).count == 1)
                try await expectQuarantinedAsSent(traffic, lab)
                let before = try await lab.fingerprint()

                // when: everything again, in another order, with other batches
                var again = traffic.bodies + traffic.withBadHeaders
                again.shuffle(using: &generator)
                try await broker.publish(again)
                try await broker.run(lab, replicas: 2) { try await lab.finalReceiptCount() == 4000 }
                // then
                #expect(try await lab.fingerprint() == before)
                try await expectNoSecretsInTheLog(lab)
            }
        }
    }

    private func expectQuarantinedAsSent(_ traffic: MixedTraffic, _ lab: IntakeLab) async throws {
        let rows = try await lab.service.pool.query("select body from quarantine where reason = 'malformed-body'")
        var bodies: Set<[UInt8]> = []
        for row in rows { bodies.insert(try row.get("body")) }
        #expect(bodies == traffic.nonsense)
    }

    private func expectNoSecretsInTheLog(_ lab: IntakeLab) async throws {
        for event in try await lab.service.recordedEvents() {
            let text = String(decoding: event.data, as: UTF8.self)
            #expect(!text.contains("another event") && !text.contains("\"P0") && !text.contains("stranger"))
        }
    }

    @Test func whatWasCommittedAndNotAcknowledgedIsNotDoubled() async throws {
        try await IntakeLab.with { lab in
            try await OutsideBroker.with { broker in
                // given: a replica that ends between commit and acknowledgement
                try await broker.publish((0..<150).map { lab.event("v\($0)", participant: $0).body })
                let dying = broker.consumer(batch: 60)
                let batch = try #require(try await dying.next())
                _ = try await lab.intake.settle(
                    batch.deliveries.indices.map {
                        IntakeLab.reader.read(
                            Array(batch.body($0)), publisher: broker.publisher, clockAt: lab.service.clock.now())
                    })
                await dying.abandon(batch)
                await dying.close()
                // when
                try await broker.run(lab, replicas: 1) {
                    try await lab.finalReceiptCount() == 150 + batch.count
                }
                // then
                let outcomes = try await lab.receipts().map(\.outcome)
                #expect(outcomes.filter { $0 == .accepted }.count == 150)
                #expect(outcomes.filter { $0 == .duplicate }.count == batch.count)
                #expect(try await lab.count("responses") == 150)
            }
        }
    }

    @Test func aMessageThatMakesTheDatabaseFailIsQuarantinedAlone() async throws {
        try await IntakeLab.with { lab in
            try await OutsideBroker.with { broker in
                // given
                try await lab.poisonTheDatabase()
                var poison = lab.event("poison", participant: 37)
                poison.comment = "poison"
                var bodies = (0..<80).filter { $0 != 37 }.map { lab.event("v\($0)", participant: $0).body }
                bodies.insert(poison.body, at: 37)
                try await broker.publish(bodies)
                // when
                try await broker.run(lab, replicas: 1) { try await lab.finalReceiptCount() == 80 }
                // then
                #expect(try await lab.count("responses") == 79)
                #expect(try await lab.receipt(of: "poison").reason == "internal-error")
                let rows = try await lab.service.pool.query("select body from quarantine")
                #expect(try rows.map { try $0.get("body", as: [UInt8].self) } == [poison.body])
            }
        }
    }

    @Test func whatABrokerThatWentAwayDidNotAnswerForGoesFirstAgain() async throws {
        try await IntakeLab.with { lab in
            // given: a receipt was sent, and the connection broke before it was confirmed
            try await lab.settle(lab.event("first"))
            let publisher = RecordingPublisher { $0.map { _ in .unknown("the connection ended") } }
            let relay = ReceiptsRelay(
                pool: lab.service.pool, publisher: publisher, wakeUp: RelayWakeUp(), logger: TestBroker.quietLogger)
            await #expect(throws: (any Error).self) { try await relay.relay() }
            // when: the event comes again, and the broker is back
            try await lab.settle(lab.event("first"))
            let back = RecordingPublisher()
            let later = ReceiptsRelay(
                pool: lab.service.pool, publisher: back, wakeUp: RelayWakeUp(), logger: TestBroker.quietLogger)
            // then
            #expect(try await later.relay() == 2)
            let told = try back.messages.map {
                try WireCoding.decode(ReceiptsEnvelope.self, from: $0.body).data.receipts.map(\.outcome)
            }
            #expect(told == [[.accepted], [.duplicate]])
        }
    }

    private struct ReceiptsEnvelope: Decodable { let data: FeedbackSubmission.Receipts }

    @Test func receiptsReachTheirPublisherAndAMissingQueueHoldsUpNobody() async throws {
        try await IntakeLab.with { lab in
            try await OutsideBroker.with { broker in
                // given: the first publisher's queue does not exist
                _ = try await lab.intake.settle([lab.message(lab.event("a").body, publisher: "no-such-publisher")])
                _ = try await lab.intake.settle(
                    (1..<251).map {
                        lab.message(lab.event("v\($0)", participant: $0).body, publisher: broker.publisher)
                    })
                let publisher = RabbitPublisher(configuration: broker.configuration, logger: TestBroker.quietLogger)
                let relay = ReceiptsRelay(
                    pool: lab.service.pool, publisher: publisher, wakeUp: RelayWakeUp(), logger: TestBroker.quietLogger)
                // when
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await relay.run() }
                    try await lab.eventually("the receipts are sent") { try await lab.count("receipts_outbox") == 1 }
                    group.cancelAll()
                }
                await publisher.close()
                // then
                var ids: [String] = []
                try await TestBroker.administer(broker.configuration) { administrator in
                    while let got = try await administrator.get(
                        queue: FeedbackSubmission.receiptsQueue(of: broker.publisher))
                    {
                        let receipts = try WireCoding.decode(ReceiptsEnvelope.self, from: got.body).data
                        #expect(receipts.publisher == broker.publisher && receipts.receipts.count <= 200)
                        ids += receipts.receipts.map(\.id)
                    }
                }
                #expect(ids == (1..<251).map { "v\($0)" })
            }
        }
    }
}

extension IntakeLab {
    /// Receipts that settle an event, and those of events that wait until the end of the test.
    func finalReceiptCount() async throws -> Int {
        let receipts = try await receipts()
        let settled = receipts.filter { $0.outcome != .waiting }.count
        return try await settled + count("waiting")
    }

    func expectCounts(of _: MixedTraffic.Type) async throws {
        let receipts = try await receipts()
        func count(_ outcome: FeedbackSubmission.ReceiptOutcome) -> Int {
            receipts.filter { $0.outcome == outcome }.count
        }
        #expect(count(.accepted) == MixedTraffic.accepted)
        #expect(count(.duplicate) == MixedTraffic.duplicates)
        #expect(count(.refused) == MixedTraffic.refused)
        #expect(try await self.count("responses") == MixedTraffic.responses)
        #expect(try await self.count("response_values") == MixedTraffic.accepted)
        #expect(try await self.count("quarantine") == MixedTraffic.refused)
        #expect(try await self.count("waiting") == MixedTraffic.waiting)
        let reasons = Dictionary(grouping: receipts.filter { $0.outcome == .refused }) { $0.reason ?? "" }
            .mapValues(\.count)
        #expect(
            reasons == [
                "identity-conflict": 60, "already-answered": 100, "malformed-body": 200, "outside-window": 100,
                "time-in-future": 100, "level-out-of-range": 140, "malformed-headers": 100,
            ])
    }

    /// Everything that must not change when messages come again.
    func fingerprint() async throws -> [String] {
        let rows = try await service.pool.query(
            """
            select 'responses ' || coalesce(md5(string_agg(r::text, ',' order by r.response)), '') as line
            from responses as r
            union all select 'values ' || coalesce(md5(string_agg(v::text, ',' order by v.response, v.version)), '')
            from response_values as v
            union all select 'experiments ' || md5(string_agg(e::text, ',' order by e.experiment)) from experiments as e
            union all select 'events ' || count(*) from events
            union all select 'quarantine ' || count(*) from quarantine
            union all select 'waiting ' || count(*) from waiting
            union all select 'identities ' || count(*) from identities
            order by 1
            """)
        return try rows.map { try $0.get("line") }
    }
}
