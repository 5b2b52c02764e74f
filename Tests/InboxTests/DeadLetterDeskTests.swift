import Events
import Foundation
import Inbox
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// Retry and drop, with the handlers that failed before.
@Suite struct DeadLetterDeskTests {
    private let people: FourEyes

    init() throws {
        people = try FourEyes(by: "Anne Durand", second: "Marc Petit", reason: "the cause is mended")
    }

    /// Fails for poison until the cause is mended; each event causes one of its own.
    private func handler(_ isMended: Shared<Bool>, _ order: HandlerOrder = .inSequence) -> EventHandler {
        .on(MilestoneReached.self, order: order) { payload, event, transaction in
            if payload.milestone.hasPrefix("late") { return .notReady(reason: "the grant is not known") }
            if payload.milestone.hasPrefix("never") { throw PermanentFailure(class: "never", reason: "cannot be") }
            if payload.milestone.hasPrefix("poison"), !isMended.value {
                throw PermanentFailure(class: "iban-unknown", reason: "the bank does not know the account")
            }
            try await note(event, transaction)
            let caused = EventBuilders.new(
                EventBuilders.milestoneReached(), subject: "\(event.subject)-\(event.sequence)", cause: event.cause)
            try await EventLog.append([caused], in: transaction)
            return .applied
        }
    }

    private func desk(_ pool: PostgresPool, _ handlers: [EventHandler]) -> DeadLetterDesk {
        DeadLetterDesk(pool: pool, handlers: handlers, logger: TestBroker.quietLogger)
    }

    private func poison(_ sequence: Int64, _ milestone: String = "poison") throws -> OutgoingMessage {
        try EventBuilders.message(EventBuilders.milestoneReached(milestone), subject: "a", sequence: sequence)
    }

    /// Sequence 1 is applied, 2 is dead, and 3 to `last` wait behind it.
    private func stalled(
        _ pool: PostgresPool, _ handlers: [EventHandler], last: Int64 = 5
    ) async throws -> (inbox: InboxProcessor, letter: Int64) {
        let inbox = makeInbox(pool, handlers)
        try await inbox.process(milestones([1]) + [poison(2)] + milestones(3...last))
        #expect(try await pool.effects() == [1])
        return (inbox, try #require(try await pool.letterIDs().first))
    }

    @Test func aRetryAppliesWhatIsMendedAndThenWhatWaitedBehindItInOrder() async throws {
        try await withInbox { pool in
            // given
            let isMended = Shared(false)
            let handlers = [handler(isMended)]
            let (inbox, letter) = try await stalled(pool, handlers)
            let desk = desk(pool, handlers)
            isMended.change { $0 = true }
            // when
            let result = try await desk.settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .applied)
            #expect(result.followerCount == 3)
            #expect(result.published == ["feedback.milestone.reached.v1": 4])
            #expect(try await pool.effects() == [1, 2, 3, 4, 5])
            #expect(try await pool.parked().isEmpty)
            #expect(try await pool.place() == "5 -")
            #expect(try await desk.letter(letter)?.state == .retried)
            let act = try #require(try await desk.acts(on: letter).first)
            #expect(act.by == "Anne Durand" && act.second == "Marc Petit" && act.reason == "the cause is mended")
            #expect(act.outcome == "applied" && act.kind == .retry)
            // and the subject goes on as if nothing had been
            try await inbox.process(milestones([6]))
            #expect(try await pool.effects() == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func aRetryOfWhatStillFailsChangesNothingAndIsNoted() async throws {
        try await withInbox { pool in
            // given
            let handlers = [handler(Shared(false))]
            let (_, letter) = try await stalled(pool, handlers)
            let desk = desk(pool, handlers)
            let before = try await pool.contents(except: ["dead_letter_acts"])
            // when
            let result = try await desk.settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .failed)
            #expect(result.detail == "iban-unknown: the bank does not know the account")
            #expect(try await pool.contents(except: ["dead_letter_acts"]) == before)
            #expect(try await desk.acts(on: letter).map(\.outcome) == ["failed"])
        }
    }

    @Test(arguments: [Settlement.retry, .drop])
    func aDryRunSaysWhatWouldHappenAndChangesNothing(settlement: Settlement) async throws {
        try await withInbox { pool in
            // given
            let isMended = Shared(false)
            let handlers = [handler(isMended)]
            let (_, letter) = try await stalled(pool, handlers)
            let desk = desk(pool, handlers)
            let before = try await pool.contents()
            // when
            let failing = try await desk.rehearse(.retry, letter)
            isMended.change { $0 = true }
            let result = try await desk.rehearse(settlement, letter)
            // then
            #expect(failing.outcome == .failed && failing.published.isEmpty)
            #expect(result.outcome == (settlement == .retry ? .applied : .dropped))
            #expect(result.followerCount == 3)
            #expect(result.published.values.reduce(0, +) == (settlement == .retry ? 4 : 3))
            #expect(try await pool.contents() == before)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func ofRetriesThatRaceOneTakesEffect() async throws {
        try await withInbox { pool in
            let desk = desk(pool, [handler(Shared(true))])
            for round in 0..<20 {
                // given: the letter of a subject of its own
                let subject = "r\(round)"
                let inbox = makeInbox(pool, [handler(Shared(false))])
                let poison = try EventBuilders.message(
                    EventBuilders.milestoneReached("poison"), subject: subject, sequence: 1)
                try await inbox.process([poison] + milestones([2, 3], of: subject))
                let letter = try #require(try await pool.letterIDs(openOnly: true).first)
                // when
                let outcomes = try await withThrowingTaskGroup(of: DeadLetterResult.Outcome.self) { group in
                    for _ in 0..<4 { group.addTask { try await desk.settle(.retry, letter, by: people).outcome } }
                    return try await group.reduce(into: [DeadLetterResult.Outcome]()) { $0.append($1) }
                }
                // then
                #expect(outcomes.filter { $0 == .applied }.count == 1)
                #expect(outcomes.filter { $0 == .settledBefore }.count == 3)
                #expect(try await pool.effects(of: subject) == [1, 2, 3])
            }
        }
    }

    @Test func aRetryRacesWithFreshEventsOfItsSubjectAndNothingIsLeftBehind() async throws {
        try await withInbox { pool in
            let (broken, mended) = ([handler(Shared(false))], [handler(Shared(true))])
            let desk = desk(pool, mended)
            for round in 0..<40 {
                // given
                let subject = "r\(round)"
                let inbox = makeInbox(pool, mended)
                try await makeInbox(pool, broken).process([
                    EventBuilders.message(EventBuilders.milestoneReached("poison"), subject: subject, sequence: 1)
                ])
                let letter = try #require(try await pool.letterIDs(openOnly: true).first)
                let fresh = try milestones([2, 3], of: subject)
                // when
                async let retried = desk.settle(.retry, letter, by: people)
                async let processed: Void = inbox.process(fresh)
                let outcome = try await retried.outcome
                try await processed
                // then
                #expect(outcome == .applied)
                #expect(try await pool.effects(of: subject) == [1, 2, 3])
            }
            #expect(try await pool.query("select from inbox_parked").isEmpty)
        }
    }

    @Test func aDropLetsTheFollowersGoOnAndItsSequenceCountsAsHandled() async throws {
        try await withInbox { pool in
            // given
            let handlers = [handler(Shared(false))]
            let (inbox, letter) = try await stalled(pool, handlers)
            let desk = desk(pool, handlers)
            // when
            let result = try await desk.settle(.drop, letter, by: people)
            try await inbox.process([poison(2)])
            // then
            #expect(result.outcome == .dropped && result.followerCount == 3)
            #expect(try await pool.effects() == [1, 3, 4, 5])
            #expect(try await pool.place() == "5 -")
            #expect(try await desk.letter(letter)?.state == .dropped)
            #expect(try await desk.settle(.retry, letter, by: people).outcome == .settledBefore)
            #expect(try await desk.acts(on: letter).map(\.outcome) == ["settled-before", "dropped"])
        }
    }

    @Test func lettersOfOneSubjectAreSettledInTheirOrder() async throws {
        try await withInbox { pool in
            // given: 2 and 4 are dead; 3 and 5 wait
            let isMended = Shared(false)
            let handlers = [handler(isMended)]
            let inbox = makeInbox(pool, handlers)
            try await inbox.process([poison(4)])
            try await inbox.process(milestones([1]) + [poison(2)] + milestones([3, 5]))
            #expect(try await pool.letterIDs().count == 1, "4 is parked until 3 was applied")
            let first = try #require(try await pool.letterIDs().first)
            let desk = desk(pool, handlers)
            // when: 2 is given up, so 3 is applied and 4 fails in its turn
            let dropped = try await desk.settle(.drop, first, by: people)
            // then
            #expect(dropped.followerCount == 1 && dropped.buriedCount == 1)
            #expect(try await pool.effects() == [1, 3])
            #expect(try await pool.parked() == ["5 dead-predecessor"])
            #expect(try await pool.place() == "3 4")
            // when
            let second = try #require(try await pool.letterIDs(openOnly: true).first)
            isMended.change { $0 = true }
            let retried = try await desk.settle(.retry, second, by: people)
            // then
            #expect(retried.outcome == .applied && retried.followerCount == 1)
            #expect(try await pool.effects() == [1, 3, 4, 5])
        }
    }

    @Test func aLetterBehindAnotherIsNotDroppedAndIsParkedByARetry() async throws {
        try await withInbox { pool in
            // given: the broker gave up on 2 and on 4
            let handlers = [handler(Shared(true))]
            let inbox = makeInbox(pool, handlers)
            try await inbox.process(milestones([1]))
            try await inbox.keep(DeadLetterBuilders.batch([poison(2), poison(4)]))
            try await inbox.process(milestones([3, 5]))
            let letters = try await pool.letterIDs()
            let desk = desk(pool, handlers)
            // when
            let refused = try await desk.settle(.drop, letters[1], by: people)
            let parked = try await desk.settle(.retry, letters[1], by: people)
            // then
            #expect(refused.outcome == .refused)
            #expect(refused.detail == "its predecessor 2 lies among the dead letters too: settle that one first")
            #expect(parked.outcome == .parked && parked.detail == "predecessor dead-lettered: 2")
            #expect(try await pool.place() == "1 2")
            // when
            let first = try await desk.settle(.retry, letters[0], by: people)
            // then
            #expect(first.outcome == .applied && first.followerCount == 3)
            #expect(try await pool.effects() == [1, 2, 3, 4, 5])
        }
    }

    @Test func whatIsNotReadyIsParkedByARetryAndSweptLater() async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let handler = EventHandler.on(MilestoneReached.self) { _, event, transaction in
                guard isReady.value else { return .notReady(reason: "the grant is not known") }
                try await note(event, transaction)
                return .applied
            }
            let inbox = makeInbox(pool, [handler])
            try await inbox.keep(DeadLetterBuilders.batch([poison(1)]))
            let letter = try #require(try await pool.letterIDs().first)
            // when
            let result = try await desk(pool, [handler]).settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .parked && result.detail == "the grant is not known")
            #expect(try await pool.parked() == ["1 readiness"])
            isReady.change { $0 = true }
            try await pool.makeParkedDue()
            try await inbox.sweep()
            #expect(try await pool.effects() == [1])
        }
    }

    @Test func aLetterOutsideAnyOrderIsAppliedByItself() async throws {
        try await withInbox { pool in
            // given
            let isMended = Shared(false)
            let handlers = [handler(isMended, .commutative)]
            try await makeInbox(pool, handlers).process([poison(2)] + milestones([3]))
            let letter = try #require(try await pool.letterIDs().first)
            isMended.change { $0 = true }
            // when
            let result = try await desk(pool, handlers).settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .applied && result.followerCount == 0)
            #expect(try await pool.effects() == [3, 2])
        }
    }

    @Test func aFollowerThatFailsAtTheCommitDoesNotTakeTheLetterWithIt() async throws {
        try await withInbox { pool in
            // given
            let isMended = Shared(false)
            let handlers = [
                EventHandler.on(MilestoneReached.self) { payload, event, transaction in
                    if payload.milestone == "poison", !isMended.value {
                        throw PermanentFailure(class: "test", reason: "not yet")
                    }
                    if event.sequence == 4 { try await transaction.query("insert into late_failures values (1), (1)") }
                    try await note(event, transaction)
                    return .applied
                }
            ]
            let (_, letter) = try await stalled(pool, handlers, last: 5)
            isMended.change { $0 = true }
            // when
            let result = try await desk(pool, handlers).settle(.retry, letter, by: people)
            // then
            #expect(result.outcome == .applied && result.followerCount == 0)
            #expect(try await pool.effects() == [1, 2])
            #expect(try await pool.parked() == ["3 predecessor", "4 predecessor", "5 predecessor"])
        }
    }

    @Test func bytesThatWereNoEventAndAreOneNowAreAppliedOnce() async throws {
        try await withInbox { pool in
            // given: noted under its digest, as an older version would have done
            let handlers = [handler(Shared(true))]
            let inbox = makeInbox(pool, handlers)
            let message = try milestones([1])[0]
            try await inbox.keepStrange(DeadLetterBuilders.batch([message]))
            try await pool.query("update dead_letters set class = 'envelope'")
            let letter = try #require(try await pool.letterIDs().first)
            // when
            let result = try await desk(pool, handlers).settle(.retry, letter, by: people)
            try await inbox.process([message] + milestones([2]))
            // then
            #expect(result.outcome == .applied)
            #expect(try await pool.effects() == [1, 2])
        }
    }
}

extension PostgresPool {
    func letterIDs(openOnly: Bool = false) async throws -> [Int64] {
        try await query("select id from dead_letters where state = 'open' or not \(openOnly) order by id").map {
            try $0.get("id")
        }
    }

    /// The last sequence of a subject and its first dead one: `3 4`.
    func place(_ subject: String = "a") async throws -> String {
        let row = try await query("select last_sequence, dead_sequence from inbox_order where subject = \(subject)")[0]
        let dead: Int64? = try row.get("dead_sequence")
        return "\(try row.get("last_sequence", as: Int64.self)) \(dead.map(String.init) ?? "-")"
    }

    /// Every row of every table, as text.
    func contents(except left: [String] = []) async throws -> [String: String] {
        let names = try await query(
            "select tablename::text as name from pg_tables where schemaname = 'reporting' order by 1"
        ).map { try $0.get("name", as: String.self) }
        var contents: [String: String] = [:]
        for name in names where !left.contains(name) {
            let rows = try await query(
                """
                select coalesce(string_agg(t::text, E'\\n' order by t::text), '') as all_rows
                from \(identifier: name) as t
                """)
            contents[name] = try rows[0].get("all_rows")
        }
        return contents
    }
}

/// Messages as a queue of dead letters hands them over.
enum DeadLetterBuilders {
    static func batch(_ messages: [OutgoingMessage], reason: String = "delivery_limit") -> DeliveryBatch {
        let fresh = DeliveryBatch(messages)
        let deliveries = fresh.deliveries.map { delivery in
            var properties = MessageProperties()
            properties.messageID = delivery.messageID
            properties.headers = delivery.headers
            properties.death = DeathRecord(
                queue: "maillage.reporting.inbox", reason: reason, exchange: delivery.exchange,
                routingKey: delivery.routingKey)
            return Delivery(
                exchange: "maillage.dead", routingKey: "reporting", tag: delivery.tag, isRedelivered: false,
                properties: properties, bodyRange: delivery.bodyRange)
        }
        return DeliveryBatch(deliveries: deliveries, bytes: fresh.bytes)
    }
}
