import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Applications

struct ReadingTests {
    @Test func reviewersWorkBlind() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            try await stage.reviewed(id)
            // when
            let before = try await stage.show(id, as: .reviewer, subject: "reviewer-1")
            let stranger = try await stage.show(id, as: .reviewer, subject: "reviewer-9")
            let committee = try await stage.show(id, as: .committee)
            // then
            #expect(before.contact == nil && before.reviews?.count == 1)
            #expect(stranger.reviews?.isEmpty == true)
            #expect(committee.contact == nil && committee.reviews?.count == 2)
            // when
            _ = try await stage.recommend(id)
            // then
            #expect(try await stage.show(id, as: .reviewer, subject: "reviewer-9").reviews?.count == 2)
            let applicant = try await stage.act(.get, id).text
            #expect(!applicant.contains("confidentiel") && !applicant.contains("meanScore"))
            #expect(applicant.contains("ada.martin@chu.example"))
        }
    }

    @Test func othersReadTheDepositAndTheOwnerTheWorkingCopy() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            let id = try await stage.submitted()
            _ = try await stage.act(.put, id, version: 2, json: stage.content(title: "En cours"))
            #expect(try await stage.show(id, as: .applicant).title == "En cours")
            for role in [Role.operator, .reviewer, .committee, .decisionMaker] {
                #expect(try await stage.show(id, as: role).title == "Maison de la santé numérique")
            }
        }
    }

    @Test func listsArePagedAndFiltered() async throws {
        struct Listed: Decodable {
            let items: [Stage.Shown]
            let next: String?
        }
        try await ServiceHarness.with(ApplicationsService.self) { service in
            // given
            let stage = try await Stage(service)
            var ids: [String] = []
            for _ in 0..<5 { ids.append(try await stage.submitted()) }
            let draft = try await stage.draft().decode(Stage.Shown.self).id
            func list(_ query: String, as role: Role) async throws -> Listed {
                try await service.request(
                    .get, "/v1/applications?" + query, as: [role], subject: "applicant-1",
                    organisation: Stage.leadSiren
                ).decode(Listed.self)
            }
            // when
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await list("limit=2" + (cursor.map { "&after=\($0)" } ?? ""), as: .reviewer)
                seen += page.items.map(\.id)
                cursor = page.next
            } while cursor != nil
            // then
            #expect(seen == ids)
            #expect(try await list("", as: .applicant).items.map(\.id) == ids + [draft])
            #expect(try await list("state=draft", as: .operator).items.map(\.id) == [draft])
            #expect(try await list("call=\(stage.call)&limit=200", as: .committee).items.count == 5)
            #expect(try await list("call=\(UUID().uuidString)", as: .operator).items.isEmpty)
            let bad = try await service.request(.get, "/v1/applications?state=lost", as: [.operator])
            #expect(bad.problemSlug == "bad-filter" && bad.status == .badRequest)
        }
    }

    @Test func callsSayWhereTheyStand() async throws {
        try await ServiceHarness.with(ApplicationsService.self) { service in
            let stage = try await Stage(service)
            func state() async throws -> String {
                try await service.request(.get, "/v1/calls/\(stage.call)", as: [.applicant])
                    .decode(Stage.Shown.self).state
            }
            #expect(try await state() == "open")
            service.clock.set(Stage.deadline)
            #expect(try await state() == "grace")
            service.clock.set(Stage.graceUntil)
            #expect(try await state() == "closed")
            let list = try await service.request(.get, "/v1/calls?limit=1", as: [.ministry])
            #expect(list.text.contains(stage.call) && list.text.contains(#""next":null"#))
        }
    }
}
