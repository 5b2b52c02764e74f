import Events
import FeedbackDomain
import Foundation
import TestSupport
import Testing

@testable import Feedback

/// Responses count the same, whatever the order in which feedback hears of experiments, participants and answers.
@Suite(.timeLimit(.minutes(60))) struct Permutations {
    @Test func everyOrderOfExperimentsParticipantsAndAnswersEndsInTheSameResponses() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given: nothing
            let bench = try await PermutationBench(lab.service, FeedbackCases.schema())
            let generate: @Sendable (Chance) throws -> History = { try FeedbackCases.history(lab, $0) }
            #expect(try PermutationCoverage.untold(by: [generate], to: lab.service) == [])
            // when, then
            try await PermutationProof(bench, generate: generate).run()
        }
    }
}

enum FeedbackCases {
    static func schema() -> CanonicalSchema {
        var schema = CanonicalSchema()
        schema.leftOut = [
            // The server's clock.
            "identities.received_at", "responses.recorded_at", "waiting.received_at", "quarantine.received_at",
            "quarantine.erased_at",
            // Random, so that the digest in the log tells nothing.
            "response_values.salt",
            // Which answers share an event is a matter of batches.
            "response_values.log_event",
            // Each receipt says what was known when it was written: first `waiting`, then `accepted`.
            "receipts_outbox",
            // How many there were when somebody looked, and how often it went up and down on the way.
            "milestones.reached_count", "milestones.version",
        ]
        // Batches are cut as their responses come, and a correction that is there already goes into the first event:
        // what is told in the end, response by response, is the same.
        schema.views["events"] = """
            select jsonb_build_object('subject', subject, 'item', item - 'digest')
            from (
                select distinct on (item ->> 'response') subject, item
                from (
                    select e.subject, i.item from events as e cross join lateral jsonb_array_elements(
                        coalesce(e.data::jsonb -> 'items', jsonb_build_array(e.data::jsonb -> 'item'))) as i (item)
                    where e.type like 'feedback.response%'
                ) as items
                order by item ->> 'response', (item ->> 'version')::int desc
            ) as last
            union all
            select jsonb_build_object('type', type, 'subject', subject, 'data', data::jsonb - 'responsesCount')
            from events where type not like 'feedback.response%' and type not like 'feedback.milestone%'
            union all
            select jsonb_build_object('subject', subject, 'reached', milestone)
            from (
                select distinct on (subject, milestone) subject, milestone, type
                from (
                    select type, subject, data::jsonb ->> 'milestone' as milestone,
                        (data::jsonb ->> 'version')::int as version
                    from events where type like 'feedback.milestone%'
                ) as changes
                order by subject, milestone, version desc
            ) as last
            where type like '%.reached.%'
            """
        return schema
    }

    /// Experiments with a protocol, or a second one that asks for more; the answers come at any time, corrections too.
    static func history(_ lab: IntakeLab, _ chance: Chance) throws -> History {
        var history = History(chance: chance)
        for _ in 0..<history.chance.number(1...2) {
            let (experiment, site, agreement) = (history.chance.uuid(), history.chance.uuid(), history.chance.uuid())
            try history.tell(
                SiteOpened(
                    site: site, agreement: agreement, application: history.chance.uuid(), call: history.chance.uuid(),
                    siren: "732829320", openedAt: history.now), about: site)
            try history.registerExperiment(experiment, site: site, under: agreement)
            for version in 1...history.chance.number(1...2) {
                try history.tell(protocolOf(experiment, version), about: experiment)
            }
            try history.startExperiment(experiment, site: site, under: agreement)
            let participants = (0..<history.chance.number(2...4)).map { _ in history.chance.uuid() }
            try history.enrol(participants, in: experiment)
            for number in participants.indices { answer(lab, number, of: experiment, &history) }
            switch history.chance.number(1...4) {
            case 1, 2: break
            case 3: try history.completeExperiment(experiment, site: site, under: agreement)
            default: try history.terminateExperiment(experiment, site: site, under: agreement)
            }
        }
        return history
    }

    private static func protocolOf(_ experiment: UUID, _ version: Int) -> ProtocolApproved {
        let windows = ["SUS", "NPS"].prefix(version).map {
            InstrumentWindow(
                instrument: $0, instrumentVersion: $0 == "SUS" ? "F-SUS-2021" : "1", occasion: "M3", opensDay: 80,
                closesDay: 100)
        }
        let milestones = [("one", 1), ("two", 2), ("later", 3)].prefix(version + 1).map {
            MilestoneTerms(milestone: $0.0, responsesCountMin: $0.1)
        }
        return ProtocolApproved(
            experiment: experiment, protocolVersion: version, legalQualification: "non_RIPH_satisfaction",
            consentScope: "usability", windows: windows, milestones: milestones)
    }

    private static func answer(_ lab: IntakeLab, _ number: Int, of experiment: UUID, _ history: inout History) {
        var event = OutsideEvent(
            id: "answer-\(number)-\(experiment.lowercase)", experiment: experiment, participant: "P\(number)",
            time: history.now.addingTimeInterval(90 * 86_400))
        submit(event, lab, &history)
        guard history.chance.happens(onceIn: 3) else { return }
        event.amends = event.id
        event.id = "correction-\(number)-\(experiment.lowercase)"
        event.time += 60
        event.answers = "[5,1,5,1,5,1,5,1,5,1]"
        submit(event, lab, &history)
        guard history.chance.happens(onceIn: 2) else { return }
        event.retracts = event.id
        event.amends = nil
        event.id = "retraction-\(number)-\(experiment.lowercase)"
        event.time += 60
        submit(event, lab, &history)
    }

    private static func submit(_ event: OutsideEvent, _ lab: IntakeLab, _ history: inout History) {
        let body = event.body
        history.act("takes in \(event.id)") {
            _ = try await lab.intake.settle([lab.message(body)])
            return true
        }
    }
}
