import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// Of one participant, instrument and time of measure one answer counts. Where it was excluded another publisher's may
/// take its place, under the same response.
@Suite("Answers that are another publisher's")
struct ForeignAnswerTests {
    /// `late` of `first` at day 92 is excluded by the end at day 91; then `early` of `second` counts in its place.
    private func replace(_ lab: IntakeLab) async throws {
        try await lab.settle(lab.event("late", day: 92))
        try await lab.service.deliver(
            ExperimentCompleted(
                experiment: lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                completedAt: lab.start + 91 * 86_400), subject: lab.experiment.lowercase)
        var early = lab.event("early", day: 90)
        early.answers = "[5,1,5,1,5,1,5,1,5,1]"
        let tally = try await lab.intake.settle([lab.message(early.body, publisher: "surveys")])
        #expect(tally.accepted == 1)
    }

    @Test func takingBackAnExcludedAnswerLeavesTheOneThatStandsNow() async throws {
        try await IntakeLab.with { lab in
            // given
            try await replace(lab)
            // when
            try await lab.settle(lab.retraction("x", of: "late", day: 93))
            // then
            #expect(try await lab.receipt(of: "x").reason == "amends-refused")
            #expect(try await lab.scores() == ["P000": 1000])
            let left = try await lab.service.pool.query(
                "select publisher from response_values where answers is not null")
            #expect(try left.map { try $0.get("publisher", as: String?.self) } == ["surveys"])
            let logged = try await lab.service.pool.query("select personal from events_personal")
            #expect(logged.count == 1)
        }
    }

    @Test func takingBackTheAnswerThatStandsLeavesTheValuesOfTheOther() async throws {
        try await IntakeLab.with { lab in
            // given
            try await replace(lab)
            // when
            let retraction = lab.retraction("x", of: "early", day: 93)
            let tally = try await lab.intake.settle([lab.message(retraction.body, publisher: "surveys")])
            // then
            #expect(tally.accepted == 1)
            #expect(try await lab.scores() == [:])
            let left = try await lab.service.pool.query(
                "select publisher from response_values where answers is not null")
            #expect(try left.map { try $0.get("publisher", as: String?.self) } == [IntakeLab.publisher])
        }
    }

    @Test func aReceiptCodeNeverShowsTheAnswerThatTookItsPlace() async throws {
        try await GiverLab.with { lab in
            // given
            let code = try await lab.answered(level: 4, comment: "remarque-une")
            try await lab.service.deliver(
                ExperimentCompleted(
                    experiment: lab.lab.experiment, site: UUID(), agreement: UUID(), participantsCount: 1,
                    completedAt: lab.lab.start + 91 * 86_400), subject: lab.lab.experiment.lowercase)
            let excluded = try await lab.submit("/recu", [("code", code), ("action", "open")])
            #expect(excluded.status == .ok && excluded.text.contains("Elle n’est pas comptée"))
            // when
            var early = lab.lab.event("early", day: 90)
            early.instrument = "NPS"
            early.answers = "[7]"
            early.comment = "remarque-deux"
            try await lab.lab.settle(early)
            // then
            let read = try await lab.submit("/recu", [("code", code), ("action", "open")])
            #expect(read.status == .ok && read.text.contains("Elle n’est pas comptée"))
            #expect(!read.text.contains("remarque-deux") && !read.text.contains("<dd>7</dd>"))
            #expect(!read.text.contains("value=\"edit\"") && !read.text.contains("effacé"))
            // when: its own is withdrawn
            let asking = try await lab.submit("/recu", [("code", code), ("action", "ask")])
            let fields = [("code", code), ("form", try lab.secret(in: asking)), ("action", "withdraw")]
            let first = try await lab.submit("/recu", fields)
            let again = try await lab.submit("/recu", fields)
            // then
            #expect(first.status == .seeOther && again.status == .ok)
            let gone = try await lab.submit("/recu", [("code", code), ("action", "open")])
            #expect(gone.text.contains("Son contenu a été effacé") && !gone.text.contains("value=\"ask\""))
            let stored = try await lab.lab.storedText()
            #expect(!stored.contains("remarque-une") && stored.contains("remarque-deux"))
            #expect(try await lab.lab.scores() == ["P000": 7])
        }
    }
}
