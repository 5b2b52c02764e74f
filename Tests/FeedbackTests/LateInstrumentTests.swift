import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Identity
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// An instrument that is published after its first answers came.
@Suite(.timeLimit(.minutes(10))) struct LateInstrumentTests {
    private enum Step: CaseIterable {
        case publication, approval, start, enrolment, answers
    }

    private func document(_ name: String, version: String = "2", items: Int = 2) -> String {
        let ids = (0..<items).map { "c\($0)" }
        let list = ids.map {
            #"{"linkId": "\#($0)", "levels": {"min": 1, "max": 5, "step": 1}, "mayBeMissing": false}"#
        }
        return """
            {"name": "\(name)", "version": "\(version)", "title": {"fr": "Confort", "en": "Comfort"},
             "items": [\(list.joined(separator: ","))],
             "scales": [{"name": "comfort", "unit": "points", "method": "sum", "factor": 1,
                         "items": [\(ids.map { "\"\($0)\"" }.joined(separator: ","))], "reversed": [],
                         "missing": "none"}],
             "source": "the site's own"}
            """
    }

    private func publish(_ lab: IntakeLab, _ json: String) async throws {
        let answer = try await lab.service.request(.post, "/v1/instruments", as: [.operator], json: json)
        #expect(answer.status == .created)
    }

    /// As the sweep does.
    private func sweep(_ lab: IntakeLab) async throws {
        while try await lab.intake.gatherForInstruments() {}
        while try await lab.intake.reviewOldest() != nil {}
    }

    private func approve(_ lab: IntakeLab, _ experiment: UUID, _ instrument: String) async throws {
        let window = InstrumentWindow(
            instrument: instrument, instrumentVersion: "2", occasion: "M3", opensDay: 80, closesDay: 100)
        try await lab.service.deliver(
            ProtocolApproved(
                experiment: experiment, protocolVersion: 1, legalQualification: "non_RIPH_satisfaction",
                consentScope: "usability", windows: [window], milestones: []), subject: experiment.lowercase,
            time: lab.start)
    }

    private func enrol(_ lab: IntakeLab, _ experiment: UUID) async throws {
        let enrolled = (0..<3).map { number in
            ParticipantEnrolled(
                participant: UUID(), experiment: experiment, arm: "a", pseudonym: IntakeLab.pseudonym(number),
                consentScope: "usability", consentVersion: 1, consentedAt: lab.start)
        }
        try await lab.service.pool.withTransaction { transaction in
            try await ExperimentStore(intake: lab.intake).record(
                enrolled, cause: EventCause(correlationID: "test"), in: transaction)
        }
    }

    /// One that fits, its correction, one of too few answers, one whose day is wrong.
    private func answers(_ lab: IntakeLab, _ experiment: UUID, _ instrument: String) -> [OutsideEvent] {
        var events = (0..<3).map { number in
            var event = lab.event("\(number)-\(instrument)", participant: number, day: number == 2 ? 10 : 90)
            event.experiment = experiment
            event.instrument = instrument
            event.answers = number == 1 ? "[3]" : "[3,4]"
            return event
        }
        var correction = events[0]
        correction.id = "correction-\(instrument)"
        correction.amends = events[0].id
        correction.answers = "[5,5]"
        correction.time += 60
        events.append(correction)
        return events
    }

    private func take(
        _ step: Step, _ lab: IntakeLab, _ experiment: UUID, _ instrument: String
    ) async throws {
        switch step {
        case .publication:
            try await publish(lab, document(instrument))
            try await sweep(lab)
        case .approval: try await approve(lab, experiment, instrument)
        case .start:
            try await lab.service.deliver(
                ExperimentStarted(
                    experiment: experiment, site: UUID(), agreement: UUID(), protocolVersion: 1,
                    startedAt: lab.start), subject: experiment.lowercase)
        case .enrolment: try await enrol(lab, experiment)
        case .answers:
            for event in answers(lab, experiment, instrument) { try await lab.settle(event) }
        }
    }

    private func orders(_ steps: [Step]) -> [[Step]] {
        guard steps.count > 1 else { return [steps] }
        return steps.indices.flatMap { index in
            var rest = steps
            let first = rest.remove(at: index)
            return orders(rest).map { [first] + $0 }
        }
    }

    /// What stands in the end, without the names that differ.
    private func end(_ lab: IntakeLab, _ experiment: UUID, _ instrument: String) async throws -> [String] {
        let rows = try await lab.service.pool.query(
            """
            select replace(event_id, \(instrument), '') || ' ' || outcome || ' ' || coalesce(reason, '') as line
            from identities where event_id like '%' || \(instrument)
            union all
            select 'response ' || r.state || ' ' || coalesce(v.score::text, '') from responses as r
            join response_values as v on v.response = r.response and v.version = r.version
            where r.experiment = \(experiment)
            union all
            select 'quarantine ' || reason from quarantine where experiment = \(experiment)
            union all
            select 'count ' || responses_count from experiments where experiment = \(experiment)
            order by 1
            """)
        return try rows.map { try $0.get("line") }
    }

    @Test func everyOrderOfPublicationFactsAndAnswersEndsAlike() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            let all = orders(Step.allCases)
            #expect(all.count == 120)
            // Every fifth: each step stands in each place, before and after each other.
            for (number, order) in all.enumerated() where number.isMultiple(of: 5) {
                // given
                let (experiment, instrument) = (UUID(), "LATE\(1000 + number)")
                // when
                for step in order { try await take(step, lab, experiment, instrument) }
                // then
                let end = try await end(lab, experiment, instrument)
                #expect(
                    end == [
                        "0- accepted ", "1- refused answers-count", "2- refused outside-window",
                        "correction- accepted ", "count 1", "quarantine answers-count", "quarantine outside-window",
                        "response valid 8",
                    ], "\(order)")
            }
            #expect(try await lab.count("instrument_arrivals") == 0)
            #expect(try await lab.count("reviews") == 0)
        }
    }

    @Test func aSecondReceiptTellsWhatThePublicationChanged() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await approve(lab, lab.experiment, "LATE")
            try await lab.begin()
            try await enrol(lab, lab.experiment)
            var event = lab.event("a")
            event.instrument = "LATE"
            event.answers = "[3,4]"
            try await lab.settle(event)
            #expect(try await lab.receipt(of: "a").reason == "unknown-instrument")
            // when
            try await publish(lab, document("LATE"))
            try await sweep(lab)
            // then
            #expect(try await lab.receipts().filter { $0.id == "a" }.map(\.outcome) == [.refused, .accepted])
            #expect(try await lab.count("quarantine") == 0)
        }
    }

    /// The fit of the answers is judged by the published versions, so a further one may let them in.
    @Test func aFurtherVersionLetsInWhatFittedNoneBefore() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            try await publish(lab, document("LATE", version: "1", items: 3))
            try await approve(lab, lab.experiment, "LATE")
            try await lab.begin()
            try await enrol(lab, lab.experiment)
            var event = lab.event("a")
            event.instrument = "LATE"
            event.answers = "[3,4]"
            try await lab.settle(event)
            #expect(try await lab.receipt(of: "a").reason == "answers-count")
            // when
            try await publish(lab, document("LATE"))
            try await sweep(lab)
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
        }
    }

    @Test func anAnswerThatIsBeingRefusedWhileItsInstrumentIsPublishedIsNotForgotten() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given: an answer that was judged without the instrument, and not yet committed
            try await approve(lab, lab.experiment, "LATE")
            try await lab.begin()
            try await enrol(lab, lab.experiment)
            var event = lab.event("a")
            event.instrument = "LATE"
            event.answers = "[3,4]"
            let message = lab.message(event.body)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await lab.service.pool.withTransaction { transaction in
                    _ = try await lab.intake.settle(
                        [message], cause: EventCause(correlationID: "test"), in: transaction)
                    // when: it is published meanwhile, and the sweep comes
                    try await publish(lab, document("LATE"))
                    group.addTask { try await sweep(lab) }
                    try await waitUntil("the sweep waits for it") { try await lab.blockedCount() == 1 }
                }
                try await group.waitForAll()
            }
            // then
            #expect(try await lab.receipt(of: "a").outcome == .accepted)
        }
    }
}
