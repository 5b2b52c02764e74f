import Events
import FeedbackDomain
import Foundation
import Observability
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Facts that come late")
struct LateFactsTests {
    private func complete(_ lab: IntakeLab, day: Double, beforeItsTime: Bool = false) async throws {
        guard !beforeItsTime else {
            try await lab.service.deliver(
                ExperimentTerminated(
                    experiment: lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                    terminatedAt: lab.start + day * 86_400), subject: lab.experiment.lowercase)
            return
        }
        try await lab.service.deliver(
            ExperimentCompleted(
                experiment: lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                completedAt: lab.start + day * 86_400), subject: lab.experiment.lowercase)
    }

    private func count(_ lab: IntakeLab) async throws -> Int64 {
        try await lab.service.pool.query("select responses_count from experiments")[0].get("responses_count")
    }

    @Test(arguments: [false, true])
    func whatWasAnsweredAfterTheEndIsExcludedWithASecondReceipt(beforeItsTime: Bool) async throws {
        try await IntakeLab.with(milestones: [MilestoneTerms(milestone: "two", responsesCountMin: 2)]) { lab in
            // given
            try await lab.settle(lab.event("a", day: 88), lab.event("b", participant: 1, day: 92))
            // when
            try await complete(lab, day: 90, beforeItsTime: beforeItsTime)
            // then
            let receipt = try await lab.receipt(of: "b")
            #expect(receipt.outcome == .excluded && receipt.reason == "experiment-completed")
            #expect(receipt.field == "/time" && receipt.mend?.isEmpty == false)
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.scores() == ["P000": 750])
            #expect(try await count(lab) == 1)
            let excluded = try await lab.service.recordedEvents(type: ResponseExcluded.type.name)
            let payload = try #require(try excluded.first?.decode(ResponseExcluded.self))
            #expect(excluded.count == 1 && payload.reason == "experiment-completed")
            #expect(payload.item.state == .excluded && payload.item.version == 2 && payload.item.digest == nil)
            #expect(try await lab.service.recordedEvents(type: MilestoneLost.type.name).count == 1)
            #expect(try await lab.count("reviews") == 0)
            // when: it comes once more
            let again = try await lab.settle(lab.event("b", participant: 1, day: 92))
            // then
            #expect(again.duplicates == 1)
            #expect(try await lab.receipt(of: "b").reason == "experiment-completed")
        }
    }

    @Test func anExcludedCorrectionGivesWayToWhatItCorrected() async throws {
        try await IntakeLab.with { lab in
            // given
            var correction = lab.event("b", day: 92)
            correction.amends = "a"
            correction.answers = "[5,1,5,1,5,1,5,1,5,1]"
            try await lab.settle(lab.event("a", day: 88), correction)
            #expect(try await lab.scores() == ["P000": 1000])
            // when
            try await complete(lab, day: 90)
            // then
            #expect(try await lab.scores() == ["P000": 750])
            #expect(try await lab.receipt(of: "b").outcome == .excluded)
            #expect(try await count(lab) == 1)
            let amended = try await lab.service.recordedEvents(type: ResponseAmended.type.name)
            #expect(try amended.last?.decode(ResponseAmended.self).item.version == 3)
            // when: whoever corrected it takes it back
            try await lab.settle(lab.retraction("x", of: "b", day: 93))
            // then
            #expect(try await lab.scores() == [:])
            #expect(try await count(lab) == 0)
        }
    }

    @Test func aFurtherProtocolLetsInWhatWasRefusedWithoutIt() async throws {
        try await IntakeLab.with { lab in
            // given
            var event = lab.event("a", day: 92)
            event.occasion = "M6"
            var correction = event
            correction.id = "b"
            correction.amends = "a"
            correction.answers = "[5,1,5,1,5,1,5,1,5,1]"
            try await lab.settle(event, correction)
            #expect(try await lab.receipt(of: "a").reason == "not-in-protocol")
            #expect(try await lab.receipt(of: "b").outcome == .refused)
            // when
            try await lab.approve(version: 2, occasion: "M6", days: 85)
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.receipt(of: "b").outcome == .accepted)
            #expect(try await lab.scores() == ["P000": 1000])
            #expect(try await lab.count("quarantine") == 0)
            // when: another that changes nothing about what was answered before it
            let before = try await lab.receipts().count
            try await lab.approve(version: 3, occasion: "M9", days: 95)
            // then
            #expect(try await lab.receipts().count == before)
        }
    }

    @Test func anExcludedAnswerFreesItsPlaceForOneThatWasRefusedForIt() async throws {
        try await IntakeLab.with { lab in
            // given
            try await lab.settle(lab.event("late", day: 92))
            try await lab.settle(lab.event("early", day: 88))
            #expect(try await lab.receipt(of: "early").reason == "already-answered")
            // when
            try await complete(lab, day: 90)
            // then
            #expect(try await lab.receipt(of: "late").outcome == .excluded)
            #expect(try await lab.receipt(of: "early").outcome == .accepted)
            #expect(try await count(lab) == 1)
        }
    }

    @Test func aLargeReviewGoesOnAfterTheTransactionOfItsFact() async throws {
        try await IntakeLab.with { lab in
            // given: more than one step holds
            for instrument in ["SUS", "NPS"] {
                let messages = (0..<IntakeLab.participantCount).map { number in
                    var event = lab.event("\(instrument)-\(number)", participant: number, day: 92)
                    event.instrument = instrument
                    if instrument == "NPS" { event.answers = "[9]" }
                    return lab.message(event.body)
                }
                _ = try await lab.intake.settle(messages)
            }
            #expect(try await count(lab) == 800)
            // when
            try await complete(lab, day: 90)
            // then
            #expect(try await count(lab) == 300)
            #expect(try await lab.count("reviews") == 1)
            // when
            while try await lab.intake.reviewOldest() != nil {}
            // then
            #expect(try await count(lab) == 0)
            #expect(try await lab.count("reviews") == 0)
            let excluded = try await lab.receipts().filter { $0.outcome == .excluded }
            #expect(excluded.count == 800 && Set(excluded.map(\.id)).count == 800)
        }
    }
}

@Suite("Reviews that fail") struct FailingReviewTests {
    /// An experiment whose review fails, since one of its refused events makes the database fail, before another's.
    private func with(_ body: (IntakeLab, _ other: UUID) async throws -> Void) async throws {
        try await IntakeLab.with { lab in
            var event = lab.event("a")
            event.occasion = "M6"
            event.comment = "poison"
            try await lab.settle(event)
            try await lab.poisonTheDatabase()
            try await lab.approve(version: 2, occasion: "M6", days: 85)
            #expect(try await lab.count("reviews") == 1)
            let other = UUID()
            try await lab.service.pool.query(
                "insert into reviews (experiment, from_time) values (\(other), clock_timestamp())")
            try await body(lab, other)
        }
    }

    @Test func oneIsPutOffForLongerAndLongerAndHoldsUpNoOther() async throws {
        try await with { lab, other in
            // when
            let first = try #require(try await lab.intake.reviewOldest())
            let second = try #require(try await lab.intake.reviewOldest())
            // then
            #expect(first.experiment == lab.experiment && first.failure?.attempts == 1)
            #expect(second.experiment == other && second.failure == nil)
            #expect(try await lab.intake.reviewOldest() == nil)
            #expect(try await lab.count("reviews") == 1)
            // when: its time has come, five times
            for attempt in 2...6 {
                try await lab.service.pool.query("update reviews set due_at = clock_timestamp()")
                #expect(try await lab.intake.reviewOldest()?.failure?.attempts == attempt)
            }
            // then
            let rows = try await lab.service.pool.query(
                "select extract(epoch from due_at - clock_timestamp())::int as seconds from reviews")
            #expect((150...160).contains(try rows[0].get("seconds", as: Int32.self)))
            // when: the fault is mended
            try await lab.service.pool.query("drop trigger refuse_poison on response_values")
            try await lab.service.pool.query("update reviews set due_at = clock_timestamp()")
            while try await lab.intake.reviewOldest() != nil {}
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
            #expect(try await lab.count("reviews") == 0)
        }
    }

    @Test func theSweepSaysWhichExperimentAndCountsIt() async throws {
        try await with { lab, _ in
            let (lines, factory) = (LogLines(), PrometheusMetricsFactory())
            var sweep = WaitingSweep(intake: lab.intake, wakeUps: [], logger: lines.logger)
            sweep.metricsFactory = factory
            try await withThrowingTaskGroup(of: Void.self) { [sweep] group in
                group.addTask { try await sweep.run() }
                try await lab.eventually("the other is done") { try await lab.count("reviews") == 1 }
                group.cancelAll()
            }
            #expect(factory.render().contains("maillage_feedback_review_failures_total 1"))
            let told = try #require(lines.all.first { $0.contains("a review failed") })
            #expect(told.contains(lab.experiment.lowercase))
        }
    }
}

/// Whatever the order in which protocols, the end, participants and submissions become known, the same counts in the
/// end, and every publisher was told the same last.
@Suite(.timeLimit(.minutes(60))) struct LateFactPermutations {
    @Test func everyOrderOfLateFactsAndSubmissionsEndsAlike() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given: long after everything
            lab.service.clock.set(lab.start + 150 * 86_400)
            let bench = try await PermutationBench(lab.service, LateFactCases.schema())
            // when, then
            try await PermutationProof(bench, caseCount: 6) { try LateFactCases.history(lab, $0) }.run()
        }
    }
}

enum LateFactCases {
    static func schema() -> CanonicalSchema {
        var schema = FeedbackCases.schema()
        // What was never accepted was refused, and what was accepted first was excluded: the receipts say the same.
        schema.leftOut.formUnion(["quarantine", "reviews"])
        schema.leftOut.remove("receipts_outbox")
        schema.views["receipts_outbox"] = """
            select jsonb_build_object('publisher', publisher, 'id', id, 'reason', reason, 'field', field, 'outcome',
                case outcome when 'excluded' then 'refused' else outcome end)
            from (
                select distinct on (o.publisher, r.receipt ->> 'id') o.publisher, r.receipt ->> 'id' as id,
                    r.receipt ->> 'reason' as reason, r.receipt ->> 'field' as field,
                    r.receipt ->> 'outcome' as outcome
                from receipts_outbox as o
                cross join lateral jsonb_array_elements(convert_from(o.body, 'UTF8')::jsonb #> '{data,receipts}')
                    with ordinality as r (receipt, place)
                order by o.publisher, r.receipt ->> 'id', o.position desc, r.place desc
            ) as last
            """
        // What a version asked for that is not in force any more may have been known or not.
        schema.views["milestones"] = """
            select to_jsonb(m) - 'version' - 'reached_count' from milestones as m
            where is_planned or reached_at is not null
            """
        schema.views["identities"] = """
            select jsonb_build_object('id', event_id, 'hash', content_hash, 'reason', reason, 'field', field, 'outcome',
                case outcome when 'excluded' then 'refused' else outcome end)
            from identities
            """
        schema.views["responses"] = """
            select jsonb_build_object('experiment', experiment, 'participant', participant, 'instrument', instrument,
                'occasion', occasion, 'state', state, 'answered', answered_at, 'version', instrument_version)
            from responses where state <> 'excluded'
            """
        schema.views["response_values"] = """
            select jsonb_build_object('experiment', r.experiment, 'participant', r.participant, 'instrument',
                r.instrument, 'score', v.score, 'answers', v.answers)
            from responses as r join response_values as v on v.response = r.response and v.version = r.version
            where r.state = 'valid'
            """
        schema.views["events"] = """
            select jsonb_build_object('subject', subject, 'item', item - 'digest' - 'version' - 'response')
            from (
                select distinct on (item ->> 'response') subject, item
                from (
                    select e.subject, i.item from events as e cross join lateral jsonb_array_elements(
                        coalesce(e.data::jsonb -> 'items', jsonb_build_array(e.data::jsonb -> 'item'))) as i (item)
                    where e.type like 'feedback.response%'
                ) as items
                order by item ->> 'response', (item ->> 'version')::int desc
            ) as last
            where item ->> 'state' <> 'excluded'
            """
        schema.violations = [
            """
            select 'the number differs from the responses: ' || e.experiment from experiments as e
            where e.responses_count <> (
                select count(*) from responses as r where r.experiment = e.experiment and r.state = 'valid')
            """
        ]
        return schema
    }

    /// Approvals before, between and after the answers, an end in the middle of them, consents that may not be enough.
    static func history(_ lab: IntakeLab, _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        let (experiment, site, agreement) = (history.chance.uuid(), history.chance.uuid(), history.chance.uuid())
        let start = history.now
        try history.registerExperiment(experiment, site: site, under: agreement)
        for version in 1...history.chance.number(1...3) {
            history.now = start + Double(history.chance.number(-5...0) + (version - 1) * 45) * 86_400
            try history.tell(protocolOf(experiment, version, &history.chance), about: experiment)
        }
        history.now = start
        try history.startExperiment(experiment, site: site, under: agreement)
        let participants = (0..<history.chance.number(2...3)).map { _ in history.chance.uuid() }
        try history.enrol(participants, in: experiment)
        let end = history.chance.happens(onceIn: 3) ? nil : Double(history.chance.number(86...96))
        for number in participants.indices { answer(lab, number, of: experiment, end: end, &history) }
        if let end {
            history.now = start + (end - 400) * 86_400
            try history.completeExperiment(experiment, site: site, under: agreement)
        }
        return history
    }

    private static func protocolOf(_ experiment: UUID, _ version: Int, _ chance: inout Chance) -> ProtocolApproved {
        let opens = chance.pick([80, 80, 88])
        let windows = ["SUS", "NPS"].prefix(chance.number(1...2)).map {
            InstrumentWindow(
                instrument: $0, instrumentVersion: $0 == "NPS" ? "1" : version == 1 ? "1996" : "F-SUS-2021",
                occasion: "M3", opensDay: opens, closesDay: 100)
        }
        let milestones = [("one", 1), ("two", 2)].map { MilestoneTerms(milestone: $0.0, responsesCountMin: $0.1) }
        return ProtocolApproved(
            experiment: experiment, protocolVersion: version, legalQualification: "non_RIPH_satisfaction",
            consentScope: chance.pick(["usability", "usability", "usability costs"]), windows: windows,
            milestones: Array(milestones.prefix(chance.number(1...2))))
    }

    /// An answer, a chain of corrections, a retraction at its end; where the experiment ends, sometimes another answer
    /// from before the end beside one from after it.
    private static func answer(
        _ lab: IntakeLab, _ number: Int, of experiment: UUID, end: Double?, _ history: inout History
    ) {
        let name = "\(number)-\(experiment.lowercase)"
        let start = history.now
        var day = Double(history.chance.number(79...98))
        var event = OutsideEvent(id: "answer-\(name)", experiment: experiment, participant: "P\(number)")
        if history.chance.happens(onceIn: 3) {
            event.instrument = "NPS"
            event.answers = "[9]"
        }
        if let end, history.chance.happens(onceIn: 3) {
            var early = event
            early.id = "early-\(name)"
            early.time = start + (end - 1) * 86_400
            submit(early, lab, &history)
            day = end + 1
        }
        event.time = start + day * 86_400
        submit(event, lab, &history)
        for step in 1...3 where history.chance.happens(onceIn: 2) {
            event.amends = event.id
            event.id = "correction-\(step)-\(name)"
            event.time += Double(history.chance.number(1...4)) * 86_400
            event.answers = event.instrument == "NPS" ? "[\(step)]" : "[5,1,5,1,5,1,5,1,5,\(step)]"
            submit(event, lab, &history)
        }
        guard history.chance.happens(onceIn: 3) else { return }
        event.retracts = event.id
        event.amends = nil
        event.id = "retraction-\(name)"
        event.time += 3_600
        submit(event, lab, &history)
    }

    private static func submit(_ event: OutsideEvent, _ lab: IntakeLab, _ history: inout History) {
        let body = event.body
        history.act("takes in \(event.id) of \(WireInstant.format(event.time))") {
            _ = try await lab.intake.settle([lab.message(body)])
            return true
        }
    }
}
