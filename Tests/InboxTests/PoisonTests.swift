import Events
import Foundation
import Inbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

/// A message that can never be applied harms nobody but itself.
@Suite struct PoisonTests {
    /// How a handler fails for the poison.
    enum Fault: CaseIterable, Sendable {
        case permanent, constraint, swallowedConstraint, constraintAtCommit, unknownError

        func strike(_ transaction: PostgresTransaction) async throws {
            struct Mishap: Error {}
            switch self {
            case .permanent: throw PermanentFailure(class: "test", reason: "cannot be")
            case .constraint: try await transaction.query("select 1 / (select count(*) from effects where false)")
            case .swallowedConstraint:
                _ = try? await transaction.query("select 1 / (select count(*) from effects where false)")
            case .constraintAtCommit: try await transaction.query("insert into late_failures values (1), (1)")
            case .unknownError: throw Mishap()
            }
        }
    }

    private func single(_ order: HandlerOrder, _ fault: Fault) -> EventHandler {
        .on(MilestoneReached.self, order: order) { payload, event, transaction in
            if payload.milestone == "poison" { try await fault.strike(transaction) }
            try await note(event, transaction)
            return .applied
        }
    }

    private func batch(_ fault: Fault) -> EventHandler {
        .batch(MilestoneReached.self) { events, transaction in
            for (payload, event) in events {
                if payload.milestone == "poison" { try await fault.strike(transaction) }
                try await note(event, transaction)
            }
        }
    }

    /// A hundred events of a hundred subjects, of which one is the poison.
    private func hundred(poison: Int, prefix: String = "s") throws -> [OutgoingMessage] {
        try (0..<100).map { number in
            try EventBuilders.message(
                EventBuilders.milestoneReached(number == poison ? "poison" : "m"), subject: "\(prefix)\(number)")
        }
    }

    @Test(.timeLimit(.minutes(5)), arguments: Fault.allCases)
    func ninetyNineOfAHundredTakeEffectAndThePoisonIsBuriedWithItsBytes(fault: Fault) async throws {
        try await withInbox { pool in
            var buried: [[UInt8]] = []
            for (index, handler) in [single(.inSequence, fault), single(.commutative, fault), batch(fault)].enumerated()
            {
                for place in [0, 37, 99] {
                    // given
                    let messages = try hundred(poison: place, prefix: "s\(index)-\(place)-")
                    let inbox = makeInbox(pool, [handler])
                    // when
                    try await inbox.process(messages)
                    try await inbox.process(messages, deliveryCount: 1)
                    // then
                    buried.append(messages[place].body)
                    #expect(try await pool.effectCount() == 99 * buried.count)
                    #expect(try await pool.deadLetters().map(\.body) == buried)
                }
            }
        }
    }

    @Test func twoPoisonsInOneBatchAreBothFound() async throws {
        try await withInbox { pool in
            // given
            var messages = try hundred(poison: 10)
            messages[11] = try EventBuilders.message(EventBuilders.milestoneReached("poison"), subject: "s11")
            // when
            try await makeInbox(pool, [batch(.unknownError)]).process(messages)
            // then
            #expect(try await pool.effectCount() == 98)
            #expect(try await pool.deadLetters().count == 2)
        }
    }

    @Test func successorsOfADeadLetterAreParkedBehindItAndNothingIsLost() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [single(.inSequence, .permanent)])
            let poison = try EventBuilders.message(EventBuilders.milestoneReached("poison"), subject: "a", sequence: 2)
            // when
            try await inbox.process(milestones([1]) + [poison] + milestones([3]))
            try await inbox.process(milestones([4]))
            try await pool.makeParkedDue()
            try await inbox.sweep()
            // then
            #expect(try await pool.effects() == [1])
            #expect(try await pool.deadLetters().map(\.sequence) == [2])
            #expect(try await pool.parked() == ["3 dead-predecessor", "4 dead-predecessor"])
            let reason = try await pool.query("select reason from inbox_parked where sequence = 3")[0]
            #expect(try reason.get("reason", as: String.self) == "predecessor dead-lettered: 2")
        }
    }

    @Test func aParkedPoisonThatItsPredecessorSetsFreeIsBuriedAndThePredecessorTakesEffect() async throws {
        try await withInbox { pool in
            // given
            let inbox = makeInbox(pool, [single(.inSequence, .constraint)])
            let poison = try EventBuilders.message(EventBuilders.milestoneReached("poison"), subject: "a", sequence: 2)
            try await inbox.process([poison] + milestones([3]))
            #expect(try await pool.parked() == ["2 predecessor", "3 predecessor"])
            // when
            try await inbox.process(milestones([1], of: "b") + milestones([1]))
            // then
            #expect(try await pool.effects() == [1])
            #expect(try await pool.effects(of: "b") == [1])
            #expect(try await pool.deadLetters().map(\.body) == [poison.body])
            #expect(try await pool.parked() == ["3 predecessor"])
        }
    }

    @Test(arguments: [HandlerOrder.inSequence, .commutative])
    func aParkedPoisonThatFailsAtTheCommitDoesNotStopTheSweep(order: HandlerOrder) async throws {
        try await withInbox { pool in
            // given
            let isReady = Shared(false)
            let handler = EventHandler.on(MilestoneReached.self, order: order) { payload, event, transaction in
                guard isReady.value else { return .notReady(reason: "not yet") }
                if payload.milestone == "poison" { try await Fault.constraintAtCommit.strike(transaction) }
                try await note(event, transaction)
                return .applied
            }
            let inbox = makeInbox(pool, [handler])
            try await inbox.process(hundred(poison: 0))
            // when
            isReady.change { $0 = true }
            try await pool.makeParkedDue()
            try await inbox.sweep()
            // then
            #expect(try await pool.effectCount() == 99)
            let leftCount = try await pool.query("select from inbox_parked").count
            #expect(try await pool.deadLetters().count + leftCount == 1)
        }
    }

    @Test func aPayloadThatIsNotOfItsTypeIsBuriedWithThePlaceOfTheFault() async throws {
        try await withInbox { pool in
            // given
            var message = try milestones([1])[0]
            message.body = Array(
                String(decoding: message.body, as: UTF8.self)
                    .replacing("\"responsesCount\":30", with: "\"responsesCount\":\"secret\"").utf8)
            // when
            try await makeInbox(pool, [noteMilestones()]).process([message])
            // then
            let letter = try #require(try await pool.deadLetters().first)
            #expect(letter.failureClass == "payload" && letter.body == message.body)
            #expect(letter.reason == "responsesCount: Int is expected")
        }
    }

    @Test(arguments: [
        "", "not JSON", "{}", #"{"specversion":"1.0"}"#, "\u{0}\u{0}", #"{"specversion":"1.0","id":"\u0000"}"#,
        "too long",
    ])
    func whatIsNoEventIsBuriedOnceWithItsBytes(text: String) async throws {
        try await withInbox { pool in
            // given
            var message = try milestones([1])[0]
            let written = text == "too long" ? String(repeating: "[", count: 70_000) : text
            message.body = Array(written.utf8) + [0xFF, 0x00]
            message.messageID = "id\u{0}with NUL"
            message.headers = [("k\u{0}", .string("v\u{0}\u{1}")), ("n", .int(7)), ("t", .other)]
            let inbox = makeInbox(pool, [noteMilestones()])
            // when
            try await inbox.process([message] + milestones([1], of: "b"))
            try await inbox.process([message], deliveryCount: 1)
            // then
            let letters = try await pool.deadLetters()
            #expect(letters.map(\.body) == [message.body])
            #expect(letters.first?.failureClass == "envelope")
            #expect(try await pool.effects(of: "b") == [1])
            let row = try await pool.query("select message_id, headers ->> 'n' as n from dead_letters")[0]
            #expect(try row.get("message_id", as: String.self) == "id\u{FFFD}with NUL")
            #expect(try row.get("n", as: String.self) == "7")
        }
    }

    @Test(arguments: ["too long", "a\\u0001b"])
    func aSubjectThatNoIndexCanHoldIsBuriedAndNotFatal(subject: String) async throws {
        try await withInbox { pool in
            // given
            let message = try EventBuilders.message(EventBuilders.milestoneReached(), subject: "SUBJECT")
            var hostile = message
            let written = subject == "too long" ? String(repeating: "x", count: 5_000) : subject
            hostile.body = Array(String(decoding: message.body, as: UTF8.self).replacing("SUBJECT", with: written).utf8)
            // when
            try await makeInbox(pool, [noteMilestones()]).process([hostile])
            // then
            #expect(try await pool.deadLetters().map(\.failureClass) == ["envelope"])
        }
    }
}
