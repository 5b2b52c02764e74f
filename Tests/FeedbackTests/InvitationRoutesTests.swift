import Events
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite struct InvitationRoutesTests {
    @Test func theLinkIsShownOnceAndKeptNowhere() async throws {
        try await GiverLab.with { lab in
            // given
            let key: HTTPFields = [.idempotencyKey: "k-1"]
            // when
            let first = try await lab.post("/v1/invitations", lab.body(), headers: key)
            let again = try await lab.post("/v1/invitations", lab.body(), headers: key)
            // then
            let created = try first.decode(GiverLab.Created.self)
            let token = String(created.path.dropFirst(3))
            #expect(first.status == .created && first.headers[.cacheControl] == "no-store")
            #expect(token.count == 26)
            #expect(again.status == .created && !again.text.contains(token))
            #expect(try again.decode(GiverLab.Listed.self).id == created.invitation.id)
            for table in ["invitations", "http_commands"] {
                let rows = try await lab.service.pool.query("select t::text as line from \(identifier: table) as t")
                for row in rows { #expect(try !row.get("line", as: String.self).contains(token)) }
            }
            #expect(try await lab.list().map(\.id) == [created.invitation.id])
        }
    }

    @Test func aSiteInvitesToItsOwnExperimentsAndAnOperatorToAll() async throws {
        try await GiverLab.with { lab in
            let foreign = try await lab.post("/v1/invitations", lab.body(), organisation: "180020026")
            #expect(foreign.status == .notFound)
            #expect(try await lab.post("/v1/invitations", lab.body(), organisation: nil).status == .forbidden)
            let nobody = try await lab.service.request(.post, "/v1/invitations", json: lab.body())
            #expect(nobody.status == .unauthorized)
            let operated = try await lab.service.request(
                .post, "/v1/invitations", as: [.operator], json: lab.body())
            #expect(operated.status == .created)
            let list = "/v1/invitations?experiment=\(lab.lab.experiment.lowercase)"
            let seen = try await lab.service.request(
                .get, list, as: [.siteManager], organisation: "180020026")
            #expect(seen.status == .notFound)
            // when
            let id = try operated.decode(GiverLab.Created.self).invitation.id
            let taken = try await lab.post("/v1/invitations/\(id)/withdraw", organisation: "180020026")
            // then
            #expect(taken.status == .notFound)
            #expect(try await lab.list().map(\.state) == ["open"])
        }
    }

    @Test func whatTheProtocolDoesNotPlanIsRefusedWithFieldAndMend() async throws {
        try await GiverLab.with { lab in
            let cases = [
                (lab.body(instrument: "EQ-5D-5L"), "no-page", "/instrument"),
                (lab.body(occasion: "M6"), "not-in-protocol", "/occasion"),
                (lab.body(999), "unknown-participant", "/participant"),
                (lab.body(language: "de"), "invalid-field", "/language"),
                (lab.body(expiresAt: "2031-01-01T00:00:00Z"), "invalid-field", "/expiresAt"),
                (lab.body(occasion: ""), "invalid-field", "/occasion"),
            ]
            for (body, slug, field) in cases {
                let answer = try await lab.post("/v1/invitations", body)
                #expect(answer.status == .unprocessableContent)
                #expect(answer.problemSlug == slug && answer.problem?.field == field, "\(answer.text)")
            }
            let unknown = try await lab.post("/v1/invitations", lab.body(experiment: UUID()))
            #expect(unknown.status == .notFound)
            #expect(try await lab.list().isEmpty)
            lab.service.clock.advance(by: .seconds(5 * 86_400))
            #expect(try await lab.post("/v1/invitations", lab.body()).problemSlug == "window-over")
        }
    }

    @Test func oneLinkIsInForceAtATimeAndAWithdrawnOneMakesRoom() async throws {
        try await GiverLab.with { lab in
            // given
            let first = try await lab.post("/v1/invitations", lab.body()).decode(GiverLab.Created.self)
            #expect(try await lab.post("/v1/invitations", lab.body()).problemSlug == "already-invited")
            // when
            let withdrawn = try await lab.post("/v1/invitations/\(first.invitation.id)/withdraw")
            // then
            #expect(withdrawn.status == .ok)
            #expect(try await lab.get(first.path).text.contains("n’est plus valable"))
            let second = try await lab.post("/v1/invitations", lab.body()).decode(GiverLab.Created.self)
            #expect(try await lab.get(second.path).text.contains("<fieldset"))
            #expect(try await lab.list().map(\.state) == ["withdrawn", "open"])
        }
    }

    @Test func aParticipantMayBeNamedByTheInternalIdAndIsNotAskedTwice() async throws {
        try await GiverLab.with { lab in
            // given
            _ = try await lab.answered(7)
            #expect(try await lab.post("/v1/invitations", lab.body(7)).problemSlug == "already-answered")
            let listed = try #require(try await lab.list().first)
            #expect(listed.state == "answered")
            // when
            let body = lab.body(instrument: "SUS").replacing("P000", with: listed.participant)
            let byID = try await lab.post("/v1/invitations", body)
            // then
            #expect(try byID.decode(GiverLab.Created.self).invitation.participant == listed.participant)
        }
    }
}
