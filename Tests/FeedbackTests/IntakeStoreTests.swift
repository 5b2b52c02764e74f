import Crypto
import Events
import FeedbackDomain
import Foundation
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Taking submissions in")
struct IntakeStoreTests {
    @Test func aResponseIsStoredLoggedAndAnswered() async throws {
        try await IntakeLab.with { lab in
            // when
            var event = lab.event("a")
            event.comment = "kept to ourselves"
            let tally = try await lab.settle(event)
            // then
            #expect(tally.accepted == 1)
            #expect(try await lab.scores() == ["P000": 750])
            #expect(try await lab.receipts() == [.init(source: "urn:app", id: "a", outcome: .accepted)])
            let logged = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)
            let item = try #require(try logged.first?.decode(ResponsesRecorded.self).items.first)
            #expect(item.version == 1 && item.instrumentVersion == "F-SUS-2021" && item.answeredAt == event.time)
        }
    }

    /// Windows, consents and corrections compare what outsiders write with what the database kept.
    @Test func anInstantIsTheSameFromOutsideAndFromTheDatabase() async throws {
        try await IntakeLab.with { lab in
            var chance = Chance(seed: 11)
            let instants = try (0..<10_000).map { _ in
                let milliseconds = chance.number(1_577_836_800_000...2_208_988_800_000)
                let text = WireInstant.format(Date(timeIntervalSince1970: Double(milliseconds) / 1000))
                return try #require(WireInstant.parse(text))
            }
            let rows = try await lab.service.pool.query(
                "select i from unnest(\(instants)) with ordinality u (i, n) order by n")
            let kept = try rows.map { try $0.get("i", as: Date.self) }
            #expect(zip(instants, kept).filter { $0 != $1 }.count == 0)
            #expect(kept.count == instants.count)
        }
    }

    @Test func theLogProvesTheValuesAndHoldsNeitherThemNorTheComment() async throws {
        try await IntakeLab.with { lab in
            // when
            var event = lab.event("a")
            event.comment = "I am easily recognised"
            try await lab.settle(event)
            // then
            for event in try await lab.service.recordedEvents() {
                let text = String(decoding: event.data, as: UTF8.self)
                // The score as a value: its digits alone may stand in any digest.
                for secret in ["recognised", "P000", "[4,2", ":750"] { #expect(!text.contains(secret)) }
            }
            let personal = try await lab.service.pool.query("select personal from events_personal")
            let bytes = Array(try personal[0].get("personal", as: String.self).utf8)
            #expect(!String(decoding: bytes, as: UTF8.self).contains("recognised"))
            let values = try #require(try WireCoding.decode([ResponseValues].self, from: bytes).first)
            let logged = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)[0]
            let item = try logged.decode(ResponsesRecorded.self).items[0]
            let text = CanonicalValues.bytes(
                response: item.response, version: item.version, score: values.score, answers: values.answers)
            #expect(Array(SHA256.hash(data: Array("\(values.salt)|".utf8) + text)).hexadecimal == item.digest)
        }
    }

    @Test func theSameEventAgainChangesNothing() async throws {
        try await IntakeLab.with { lab in
            // when
            try await lab.settle(lab.event("a"), lab.event("a"))
            let again = try await lab.settle(lab.event("a"))
            // then
            #expect(again.duplicates == 1 && again.accepted == 0)
            #expect(try await lab.receipts().map(\.outcome) == [.accepted, .duplicate, .duplicate])
            #expect(try await lab.count("responses") == 1)
            #expect(try await lab.service.recordedEvents(type: ResponsesRecorded.type.name).count == 1)
        }
    }

    @Test func anIdForTwoEventsIsRefusedForTheSecond() async throws {
        try await IntakeLab.with { lab in
            try await lab.settle(lab.event("a"))
            try await lab.settle(lab.event("a", participant: 1))
            let receipt = try await lab.receipt(of: "a")
            #expect(receipt.outcome == .refused && receipt.reason == "identity-conflict" && receipt.field == "/id")
            #expect(try await lab.scores().keys.sorted() == ["P000"])
            #expect(try await lab.count("quarantine") == 1)
        }
    }

    @Test func twoPublishersMayUseTheSameId() async throws {
        try await IntakeLab.with { lab in
            let other = lab.message(lab.event("a", participant: 1).body, publisher: "survey")
            let tally = try await lab.intake.settle([lab.message(lab.event("a").body), other])
            #expect(tally.accepted == 2)
        }
    }

    @Test func aRefusedEventIsKeptAsItCame() async throws {
        try await IntakeLab.with { lab in
            // given
            let nonsense: [UInt8] = [0xFF, 0x00, 0x7B]
            // when
            _ = try await lab.intake.settle([lab.message(nonsense), lab.message(nonsense)])
            // then
            let rows = try await lab.service.pool.query("select body, reason from quarantine")
            #expect(rows.count == 1)
            #expect(try rows[0].get("body", as: [UInt8].self) == nonsense)
            let receipts = try await lab.receipts()
            #expect(receipts.map(\.outcome) == [.refused, .duplicate])
            #expect(receipts.allSatisfy { $0.source.isEmpty && $0.id.isEmpty && $0.reason == "malformed-body" })
        }
    }

    /// `permutation` is an order of original, correction and correction of the correction; `isOneBatch` puts them
    /// together.
    @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [true, false])
    func correctionsEndAlikeWhateverComesFirst(permutation: [Int], isOneBatch: Bool) async throws {
        try await IntakeLab.with { lab in
            // given
            var first = lab.event("b", day: 91)
            first.amends = "a"
            first.answers = "[3,3,3,3,3,3,3,3,3,3]"
            var second = lab.event("c", day: 92)
            second.amends = "b"
            second.answers = "[5,1,5,1,5,1,5,1,5,1]"
            let events = [lab.event("a"), first, second]
            // when
            let messages = permutation.map { lab.message(events[$0].body) }
            if isOneBatch {
                _ = try await lab.intake.settle(messages)
            } else {
                for message in messages { _ = try await lab.intake.settle([message]) }
            }
            // then
            #expect(try await lab.scores() == ["P000": 1000])
            #expect(try await lab.count("waiting") == 0)
            let accepted = try await lab.receipts().filter { $0.outcome == .accepted }
            #expect(accepted.map(\.id).sorted() == ["a", "b", "c"])
            let amended = try await lab.service.recordedEvents(type: ResponseAmended.type.name)
            #expect(try amended.map { try $0.decode(ResponseAmended.self).item.version }.sorted() == [2, 3])
        }
    }

    @Test func whatComesBeforeItsExperimentWaitsAndCountsWhenAllIsKnown() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await lab.settle(lab.event("a"))
            #expect(try await lab.receipt(of: "a").outcome == .waiting)
            // when
            try await lab.enrol(0..<1)
            try await lab.begin()
            #expect(try await lab.count("waiting") == 1)
            try await lab.approve()
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.count("waiting") == 0)
            #expect(try await lab.scores() == ["P000": 750])
        }
    }

    @Test func whatComesBeforeItsParticipantWaitsForTheEnrolment() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await lab.register()
            try await lab.approve()
            try await lab.begin()
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1))
            // when
            try await lab.enrol(0..<1)
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.receipt(of: "b").outcome == .waiting)
        }
    }

    @Test func whatWaitedADayIsRefusedWithItsReason() async throws {
        try await IntakeLab.with { lab in
            // given
            var nobody = lab.event("a")
            nobody.participant = "nobody"
            var orphan = lab.event("b")
            orphan.amends = "never"
            var elsewhere = lab.event("c")
            elsewhere.experiment = UUID()
            try await lab.settle(nobody, orphan, elsewhere)
            #expect(try await lab.intake.sweep(waitSecondsMax: 86_400) == 0)
            // when
            try await lab.service.pool.query("update waiting set received_at = received_at - interval '25 hours'")
            let count = try await lab.intake.sweep(waitSecondsMax: 86_400)
            // then
            #expect(count == 3)
            #expect(try await lab.receipt(of: "a").reason == "unknown-participant")
            #expect(try await lab.receipt(of: "b").reason == "unknown-original")
            #expect(try await lab.receipt(of: "c").reason == "unknown-experiment")
            #expect(try await lab.count("waiting") == 0)
            #expect(try await lab.count("quarantine") == 3)
        }
    }

    @Test func aCorrectionInAnotherExperimentThanItsOriginalIsSettledByTheSweep() async throws {
        try await IntakeLab.with { lab in
            // given: it waits for an event that will be about another experiment
            var stray = lab.event("b")
            stray.experiment = UUID()
            stray.amends = "a"
            try await lab.settle(stray)
            // when
            try await lab.settle(lab.event("a"))
            _ = try await lab.intake.sweep(waitSecondsMax: 86_400)
            // then: still waiting for its experiment, and nobody else was held up
            #expect(try await lab.count("waiting") == 1)
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
        }
    }

    @Test func aMilestoneIsReachedExactlyOnceHoweverManyCountAtOnce() async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "half", responsesCountMin: 200)]) { lab in
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for part in 0..<8 {
                    group.addTask {
                        for slice in 0..<5 {
                            let first = part * 50 + slice * 10
                            _ = try await lab.intake.settle(
                                (first..<first + 10).map { lab.message(lab.event("v\($0)", participant: $0).body) })
                        }
                    }
                }
                try await group.waitForAll()
            }
            // then
            let reached = try await lab.service.recordedEvents(type: MilestoneReached.type.name)
            #expect(reached.count == 1)
            let milestone = try #require(try reached.first?.decode(MilestoneReached.self))
            #expect(milestone.responsesCount >= 200 && milestone.responsesCountMin == 200)
            let rows = try await lab.service.pool.query("select responses_count from experiments")
            #expect(try rows[0].get("responses_count", as: Int64.self) == 400)
            let items = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)
                .reduce(0) { try $0 + $1.decode(ResponsesRecorded.self).items.count }
            #expect(items == 400)
        }
    }

    @Test func aProtocolMayAskForWhatIsReachedAlready() async throws {
        try await IntakeLab.with { lab in
            try await lab.settle(lab.event("a"), lab.event("b", participant: 1))
            try await lab.approve(version: 3, milestones: [MilestoneTerms(milestone: "two", responsesCountMin: 2)])
            try await lab.approve(version: 2, milestones: [MilestoneTerms(milestone: "one", responsesCountMin: 1)])
            let reached = try await lab.service.recordedEvents(type: MilestoneReached.type.name)
            #expect(try reached.map { try $0.decode(MilestoneReached.self).milestone } == ["two"])
        }
    }

    @Test func oneIdForTwoExperimentsAtOnceCountsOnce() async throws {
        try await IntakeLab.with { lab in
            // given: different experiments, so no common lock; the identities' key is what is left
            let other = IntakeLab(lab.service)
            lab.service.clock.set(lab.start + 96 * 86_400)
            let pairs = (0..<30).map { number in
                var elsewhere = lab.event("x\(number)", participant: number)
                elsewhere.experiment = other.experiment
                return (lab.event("x\(number)", participant: number), elsewhere)
            }
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await lab.intake.settle(pairs.map { lab.message($0.0.body) }) }
                group.addTask { _ = try await lab.intake.settle(pairs.reversed().map { lab.message($0.1.body) }) }
                try await group.waitForAll()
            }
            // then
            #expect(try await lab.count("identities") == 30)
            let refused = try await lab.receipts().filter { $0.reason == "identity-conflict" }
            #expect(refused.count == 30)
        }
    }

    @Test func everyEventKeepsItsLimitsWithTheLongestNames() async throws {
        try await IntakeLab.with { lab in
            // given: every character of the longest occasion takes two in JSON
            try await lab.approve(version: 2, occasion: String(repeating: "\"", count: 64))
            // when
            let messages = (0..<400).map { number in
                var event = lab.event("v\(number)", participant: number)
                event.occasion = String(repeating: "\\\"", count: 64)
                return lab.message(event.body)
            }
            _ = try await lab.intake.settle(messages)
            // then
            let sizes = try await lab.service.pool.query(
                """
                select octet_length(e.data) + octet_length(p.personal) as size
                from events as e join events_personal as p using (position)
                """)
            #expect((5...6).contains(sizes.count))
            for row in sizes { #expect(try row.get("size", as: Int32.self) <= 49_152) }
        }
    }

    @Test func aPublisherCannotFillTheStoreWithEventsThatWait() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.service.pool.query(
                """
                insert into waiting (publisher, source, event_id, waits_for, body, clock_at)
                select 'telehealth', 's', n::text, 'x', '', now() from generate_series(1, 9999) as n
                """)
            var first = lab.event("a")
            first.participant = "nobody"
            var second = lab.event("b")
            second.participant = "nobody"
            // when
            try await lab.settle(first, second)
            // then
            #expect(try await lab.receipt(of: "a").outcome == .waiting)
            #expect(try await lab.receipt(of: "b").reason == "too-many-waiting")
        }
    }

    @Test func whatAnOutsiderSentCannotMakeAnEventOfOursFail() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await lab.approve()
            try await lab.begin()
            var poison = lab.event("a")
            poison.comment = "poison"
            try await lab.settle(poison, lab.event("b", participant: 1))
            try await lab.poisonTheDatabase()
            // when
            try await lab.enrol(0..<2)
            // then
            #expect(try await lab.count("participants") == 2)
            #expect(try await lab.count("waiting") == 2)
            let sweep = WaitingSweep(intake: lab.intake, wakeUps: [], logger: TestBroker.quietLogger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sweep.run() }
                try await lab.eventually("both are settled") { try await lab.count("waiting") == 0 }
                group.cancelAll()
            }
            #expect(try await lab.receipt(of: "a").reason == "internal-error")
            #expect(try await lab.receipt(of: "b").outcome == .accepted)
        }
    }
}

extension IntakeLab {
    /// Makes the database fail on every comment that says so.
    func poisonTheDatabase() async throws {
        try await service.pool.withConnection { lease in
            try await lease.executeScript(
                """
                create function refuse_poison() returns trigger language plpgsql as $$
                begin
                    if new.comment = 'poison' then raise exception 'poison'; end if;
                    return new;
                end $$;
                create trigger refuse_poison before insert on response_values
                    for each row execute function refuse_poison();
                """)
        }
    }
}
