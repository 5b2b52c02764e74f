import CofundingRules
import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import StateAidWire
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct PublishedStateAidRules {
    @Test func rulesAreTheSameAfterTheyTravelled() throws {
        let payload = StateAidRulesPublished(StateAidRules.gber2014)
        #expect(try StateAidRules(payload) == StateAidRules.gber2014)
        let text = try WireCoding.encode(payload)
        #expect(try StateAidRules(WireCoding.decode(StateAidRulesPublished.self, from: text)) == .gber2014)
    }

    @Test func theyFollowOneAnotherAndAreToldAsTheyArePublished() async throws {
        try await Programme.with { programme in
            // when
            let first = try await programme.publishAidRules()
            // then
            #expect(first.status == .created && first.headers[.location] == "/v1/state-aid-rules/gber-2014")
            #expect(try await programme.publishAidRules().problemSlug == "state-aid-rules-exist")
            let backdated = try await programme.publishAidRules(AidControls.rules("b", from: "2026-03-01"))
            #expect(backdated.problemSlug == "state-aid-rules-backdated")
            #expect(backdated.problem?.field == "/validFromDay" && backdated.problem?.mend != nil)
            // The day of the test's clock.
            #expect(try await programme.publishAidRules(AidControls.rules("c", from: "2026-03-02")).status == .created)
            let events = try await programme.service.recordedEvents(type: StateAidRulesPublished.type.name)
            #expect(try events.map { try $0.decode(StateAidRulesPublished.self).stateAidRules } == ["gber-2014", "c"])
            #expect(try events[0].decode(StateAidRulesPublished.self) == AidControls.rules())
            let listed = try await programme.service.request(.get, "/v1/state-aid-rules", as: [.applicant])
                .decode(PageAnswer<StateAidRulesPublished>.self)
            #expect(listed.items.map(\.stateAidRules) == ["c", "gber-2014"])
            let shown = try await programme.service.request(.get, "/v1/state-aid-rules/gber-2014", as: [.applicant])
            #expect(try shown.version == 1 && shown.decode(StateAidRulesPublished.self) == AidControls.rules())
            let unknown = try await programme.service.request(.get, "/v1/state-aid-rules/d", as: [.applicant])
            #expect(unknown.problemSlug == "not-found")
        }
    }

    @Test(arguments: [
        (#""stateAidRules":"gber-2014""#, #""stateAidRules":"GBER""#, "/stateAidRules"),
        (#""validFromDay":"2014-01-01""#, #""validFromDay":"2014-02-30""#, "/validFromDay"),
        (#""fromDay":"2014-07-01""#, #""fromDay":"July""#, "/intensities/fromDay"),
        (
            #""industrialResearchBasisPoints":5000"#, #""industrialResearchBasisPoints":0"#,
            "/intensities/industrialResearchBasisPoints"
        ),
        (
            #""mediumBonusBasisPoints":1000"#, #""mediumBonusBasisPoints":-1"#,
            "/intensities/mediumBonusBasisPoints"
        ),
        (
            #""collaborationBonusBasisPoints":1500"#, #""collaborationBonusBasisPoints":10001"#,
            "/intensities/collaborationBonusBasisPoints"
        ),
        (#""ceilingBasisPoints":8000"#, #""ceilingBasisPoints":"8000""#, "/intensities/ceilingBasisPoints"),
        (
            #"["industrial-research","experimental-development"]"#, #"["industrial-research","travel"]"#,
            "/intensities/collaborationWorks/1"
        ),
        (#""untilDay":"2030-12-31""#, #""untilDay":"2020-12-31""#, "/deMinimis/1/untilDay"),
        (#""ceilingCents":30000000"#, #""ceilingCents":0"#, "/deMinimis/1/ceilingCents"),
        (
            #""windowKind":"fiscal-years","windowYears":3"#, #""windowKind":"fiscal-years","windowYears":11"#,
            "/deMinimis/0/windowYears"
        ),
        (#""untilDay":"2023-12-31""#, #""untilDay":"2024-01-01""#, "/deMinimis"),
    ])
    func everyFieldIsNamedThatIsNotAsItMustBe(valid: String, broken: String, field: String) async throws {
        try await Programme.withoutMoney { programme in
            // given
            let json = String(decoding: try WireCoding.encode(AidControls.rules()), as: UTF8.self)
            #expect(json.contains(valid))
            // when
            let answer = try await programme.publishAidRules(json: json.replacing(valid, with: broken))
            // then
            #expect(answer.status == .unprocessableContent && answer.problemSlug == "invalid-field")
            #expect(answer.problem?.field == field)
            #expect(try await programme.service.recordedEvents().isEmpty)
        }
    }

    @Test func nobodyChangesWhatWasPublishedOrDeclared() async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.publishAidRules()
            try await programme.declare(AidControls.gber())
            for statement: PostgresQuery in [
                "update state_aid_rules set valid_from = '2014-02-01'", "delete from state_aid_rules",
                "update aid_declarations set declared_by = 'another'", "delete from aid_declarations",
                "delete from de_minimis_register",
            ] {
                // when, then
                do {
                    try await programme.service.pool.query(statement)
                    Issue.record("a statement changed what never changes")
                } catch let error as PostgresError {
                    #expect(error.sqlState != nil)
                }
            }
        }
    }

    @Test func nobodyButAnOperatorPublishesThem() async throws {
        try await Programme.withoutMoney { programme in
            let answer = try await programme.service.request(
                .post, "/v1/state-aid-rules", as: [.payingOfficer], json: "{}")
            #expect(answer.problemSlug == "forbidden")
        }
    }
}
