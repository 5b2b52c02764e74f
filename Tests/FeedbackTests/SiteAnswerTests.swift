import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite struct SiteAnswerTests {
    private struct Answer: Decodable { let id: String }

    @Test func whatTheSiteAnswersIsReadByItsGiversAndToldWithoutItsWords() async throws {
        try await GiverLab.with { lab in
            // given
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/answers"
            let link = try await lab.link()
            #expect(try await lab.get(link + "/reponses").text.contains("pas encore répondu"))
            // when
            let published = try await lab.post(
                base, #"{"theme":"readability","textFr":"Police <agrandie>.","textEn":"Larger type."}"#)
            let french = try await lab.post(base, #"{"textFr":"Seulement en français."}"#)
            // then
            #expect(published.status == .created && french.status == .created)
            let page = try await lab.get(link + "/reponses")
            #expect(page.text.contains("Police &lt;agrandie&gt;.") && page.text.contains("Seulement"))
            let english = try await lab.get(link + "/answers")
            #expect(english.text.contains("Larger type.") && english.text.contains("<p lang=\"fr\">Seulement"))
            let code = try await lab.answered(3)
            let receipt = try await lab.submit("/recu", [("code", code), ("action", "open")])
            #expect(receipt.text.contains("Police &lt;agrandie&gt;."))
            let events = try await lab.service.recordedEvents(type: "feedback.answer.published.v1")
            #expect(events.count == 2)
            #expect(try events[0].decode(AnswerPublished.self).languages == ["fr", "en"])
            #expect(!String(decoding: events[0].data, as: UTF8.self).contains("agrandie"))
            // when
            let id = try published.decode(Answer.self).id
            #expect(try await lab.post("\(base)/\(id)/withdraw").status == .ok)
            // then
            #expect(try await !lab.get(link + "/reponses").text.contains("agrandie"))
        }
    }

    @Test func onlyTheSiteAnswersAndOnlyWithText() async throws {
        try await GiverLab.with { lab in
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/answers"
            let text = #"{"textFr":"Oui."}"#
            #expect(try await lab.post(base, text, organisation: "180020026").status == .notFound)
            for (body, field) in [
                ("{}", "/textFr"), (#"{"textFr":""}"#, "/textFr"), (#"{"textEn":"a\u0000b"}"#, "/textEn"),
                (#"{"textFr":"x","theme":"A sentence."}"#, "/theme"),
            ] {
                let refused = try await lab.post(base, body)
                #expect(refused.status == .unprocessableContent && refused.problem?.field == field, "\(refused.text)")
            }
            #expect(try await lab.lab.count("site_answers") == 0)
        }
    }
}

@Suite struct VolunteerTests {
    private struct Opening: Decodable { let id: String }
    private struct Listed: Decodable {
        struct Item: Decodable { let contact: String }
        let items: [Item]
    }

    private static let opening = #"{"kind":"codesign","titleFr":"Atelier à Lille","titleEn":"Workshop in Lille"}"#

    private func listed(
        _ lab: GiverLab, _ base: String, organisation: String = GiverLab.siren
    ) async throws -> TestAnswer {
        try await lab.service.request(.get, base, as: [.siteManager], organisation: organisation)
    }

    @Test func whoVolunteersIsSeenByTheSiteAloneAndLeavesWithTheCode() async throws {
        try await GiverLab.with { lab in
            // given
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/volunteering"
            #expect(try await lab.get("/participer").text.contains("Rien n’est ouvert"))
            let opening = try await lab.post(base, Self.opening).decode(Opening.self).id
            #expect(try await lab.post(base, Self.opening).problemSlug == "already-open")
            let page = try await lab.get("/take-part")
            #expect(page.text.contains("Workshop in Lille"))
            let fields = [
                ("form", try lab.secret(in: page)), ("opening", opening.uppercased()), ("contact", " 06 12 34 56 78 "),
                ("consent", "yes"),
            ]
            // when
            let sent = try await lab.submit("/take-part", fields)
            let again = try await lab.submit("/take-part", fields)
            // then
            #expect(sent.status == .seeOther && again.headers[.location] == sent.headers[.location])
            let seen = try await listed(lab, base)
            #expect(try seen.decode(Listed.self).items.map(\.contact) == ["0612345678"])
            #expect(seen.headers[.cacheControl] == "no-store")
            #expect(try await listed(lab, base, organisation: "180020026").status == .notFound)
            #expect(try await lab.lab.count("volunteer_keys") == 1)
            // when
            let code = try lab.code(in: await lab.get(try #require(sent.headers[.location])))
            let left = try await lab.submit("/participer/retrait", [("code", code)])
            // then
            #expect(left.text.contains("Plus rien n’est gardé"))
            #expect(try await lab.lab.count("volunteers") == 0)
            #expect(try await lab.lab.count("volunteer_keys") == 0)
        }
    }

    @Test func whatIsMissingIsToldAndProgramsAreForgotten() async throws {
        try await GiverLab.with { lab in
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/volunteering"
            let opening = try await lab.post(base, Self.opening).decode(Opening.self).id
            let faulty = try await lab.submit("/participer", [("contact", "pas une adresse")])
            #expect(faulty.status == .unprocessableContent && faulty.text.contains("value=\"pas une adresse\""))
            #expect(faulty.text.split(separator: "<li>").count == 4)
            let robot = try await lab.submit(
                "/participer",
                [("opening", opening), ("contact", "a@b.fr"), ("consent", "yes"), ("website", "http://spam")])
            #expect(robot.status == .seeOther)
            let closed = try await lab.post("\(base)/\(opening)/close")
            #expect(closed.status == .noContent)
            let late = try await lab.submit(
                "/participer", [("opening", opening), ("contact", "a@b.fr"), ("consent", "yes")])
            #expect(late.status == .unprocessableContent)
            #expect(try await lab.lab.count("volunteers") == 0)
        }
    }

    @Test func aContactOpensWithItsOwnKeyAloneAndOlderOnesAreSealed() async throws {
        try await GiverLab.with { lab in
            // given
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/volunteering"
            let opening = try await lab.post(base, Self.opening).decode(Opening.self).id
            let (pool, store) = (lab.service.pool, VolunteerStore(pool: lab.service.pool))
            for contact in ["a@example.org", "b@example.org"] {
                let form = try lab.secret(in: await lab.get("/take-part"))
                _ = try await lab.submit(
                    "/take-part",
                    [("form", form), ("opening", opening), ("contact", contact), ("consent", "yes")])
            }
            // given: one as they were kept before
            try await pool.query(
                """
                insert into volunteers (volunteer, opening, contact_kind, contact, language, code_hash, consented_at,
                    expires_at)
                select gen_random_uuid(), opening, contact_kind, 'c@example.org', language, sha256('c'), consented_at,
                    expires_at
                from volunteers limit 1
                """)
            // when
            #expect(try await store.sealOlder(limit: 10) == 1)
            #expect(try await store.sealOlder(limit: 10) == 0)
            // then
            let contacts = try await listed(lab, base).decode(Listed.self).items.map(\.contact)
            #expect(contacts == ["a@example.org", "b@example.org", "c@example.org"])
            let rows = try await pool.query("select v::text as row, contact_sealed from volunteers as v")
            for row in rows {
                #expect(try !row.get("row", as: String.self).contains("example"))
                let sealed: [UInt8] = try row.get("contact_sealed")
                #expect(!String(decoding: sealed, as: UTF8.self).contains("example"))
            }
            // when: a backup brings back the volunteers and not their keys
            try await pool.query(
                "delete from volunteer_keys where volunteer = (select min(volunteer::text)::uuid from volunteers)")
            // then
            #expect(try await listed(lab, base).decode(Listed.self).items.count == 2)
            // when: somebody exchanges what is sealed
            try await pool.query(
                """
                update volunteers as v set contact_sealed = (
                    select w.contact_sealed from volunteers as w where w.volunteer <> v.volunteer limit 1)
                """)
            // then
            #expect(try await listed(lab, base).status == .internalServerError)
        }
    }

    @Test func aContactIsDeletedAtItsTerm() async throws {
        try await GiverLab.with { lab in
            let base = "/v1/experiments/\(lab.lab.experiment.lowercase)/volunteering"
            let opening = try await lab.post(base, Self.opening).decode(Opening.self).id
            let sent = try await lab.submit(
                "/participer", [("opening", opening), ("contact", "a@b.fr"), ("consent", "yes")])
            #expect(sent.status == .seeOther)
            let store = VolunteerStore(pool: lab.service.pool)
            #expect(try await store.deleteExpired(now: lab.service.clock.now(), limit: 10) == 0)
            lab.service.clock.advance(by: .seconds(180 * 86_400))
            #expect(try await listed(lab, base).decode(Listed.self).items.isEmpty)
            #expect(try await store.deleteExpired(now: lab.service.clock.now(), limit: 10) == 1)
        }
    }

    @Test(arguments: [
        ("a@b.fr", "a@b.fr"), (" Prenom.Nom+x@exemple.org ", "Prenom.Nom+x@exemple.org"),
        ("+33 (0)6.12-34-56-78", "+330612345678"),
    ])
    func aContactIsAnAddressOrANumber(typed: String, kept: String) {
        #expect(VolunteerContact(typed)?.text == kept)
    }

    @Test(arguments: ["", "  ", "a@b", "@b.fr", "a@b@c.fr", "a b@c.fr", "a@.fr", "0612", "demain", "06123456789012345"])
    func anythingElseIsNone(typed: String) {
        #expect(VolunteerContact(typed) == nil)
    }

    @Test func whoSendsFormAfterFormIsHeldUp() async throws {
        try await GiverLab.with { lab in
            var last = HTTPResponse.Status.ok
            for _ in 0..<20 { last = try await lab.submit("/participer", [("contact", "x")]).status }
            #expect(last == .tooManyRequests)
        }
    }
}
