import Events
import FeedbackDomain
import Foundation
import HTTPDefaults
import HTTPTypes
import TestSupport
import Testing

@testable import Feedback

@Suite struct GiverPagesTests {
    @Test func anAnswerGoesFromTheLinkThroughTheIntakeToTheReceiptCode() async throws {
        try await GiverLab.with { lab in
            // given
            let path = try await lab.link()
            let secret = try lab.secret(in: await lab.get(path))
            // when
            let sent = try await lab.submit(
                path, [("form", secret), ("a0", "9"), ("comment", "clair\r\net net"), ("action", "send")])
            let thanks = try await lab.get(try #require(sent.headers[.location]))
            // then
            #expect(sent.status == .seeOther)
            _ = try lab.code(in: thanks)
            let responses = try await lab.responses()
            #expect(responses.map(\.score) == [9])
            #expect(responses.first?.comment == "clair\net net")
            #expect(try await lab.service.recordedEvents(type: "feedback.responses.recorded.v1").count == 1)
            // Whoever has the link alone sees neither the answer nor the code.
            let later = try await lab.get(path)
            #expect(later.text.contains("votre réponse est arrivée") && !later.text.contains("clair"))
            // No queue of receipts belongs to the pages.
            #expect(try await lab.lab.count("receipts_outbox") == 0)
        }
    }

    @Test func aDoubleClickIsOneAnswerAndBothClicksLeadToTheSameCode() async throws {
        try await GiverLab.with { lab in
            // given
            let path = try await lab.link()
            let secret = try lab.secret(in: await lab.get(path))
            let fields = [("form", secret), ("a0", "3"), ("action", "send")]
            // when
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<4 { group.addTask { try await lab.submit(path, fields) } }
                var answers: [TestAnswer] = []
                for try await answer in group { answers.append(answer) }
                return answers
            }
            let late = try await lab.submit(path, fields)
            // then
            let locations = Set((answers + [late]).map { $0.headers[.location] })
            #expect(locations.count == 1 && locations.first != nil)
            #expect(try await lab.responses().map(\.score) == [3])
            #expect(try await lab.lab.count("invitation_submissions") == 1)
            #expect(try await lab.lab.count("invitation_drafts") == 0)
        }
    }

    @Test func theSameFormWithAnotherAnswerChangesNothingAndIsTold() async throws {
        try await GiverLab.with { lab in
            let path = try await lab.link()
            let secret = try lab.secret(in: await lab.get(path))
            _ = try await lab.submit(path, [("form", secret), ("a0", "3"), ("action", "send")])
            let other = try await lab.submit(path, [("form", secret), ("a0", "4"), ("action", "send")])
            let stranger = try await lab.submit(
                path, [("form", Secrets.word().text), ("a0", "3"), ("action", "send")])
            #expect(other.status == .conflict && stranger.status == .conflict)
            #expect(!stranger.text.contains("class=\"code\""))
            #expect(try await lab.responses().map(\.score) == [3])
        }
    }

    @Test func faultsAreToldInPlaceAndNothingEnteredIsLost() async throws {
        try await GiverLab.with { lab in
            // given
            let path = try await lab.link(instrument: "SUS")
            let secret = try lab.secret(in: await lab.get(path))
            // when
            let faulty = try await lab.submit(
                path, [("form", secret), ("a4", "2"), ("comment", "<b>\"l'été\"</b>"), ("action", "send")])
            // then
            #expect(faulty.status == .unprocessableContent)
            #expect(faulty.text.contains(#"<title>Erreur : "#))
            #expect(faulty.text.contains(##"<a href="#a0-1">Question 1 : choisissez une réponse</a>"##))
            #expect(!faulty.text.contains(##"href="#a4-1""##))
            #expect(faulty.text.contains(#"id="a4-2" name="a4" value="2" checked>"#))
            #expect(faulty.text.contains("&lt;b&gt;&quot;l&#39;été&quot;&lt;/b&gt;</textarea>"))
            #expect(faulty.text.contains(#"role="alert" tabindex="-1" autofocus"#))
            #expect(try await lab.responses().isEmpty)
            // Another visit finds it too.
            #expect(try await lab.get(path).text.contains(#"id="a4-2" name="a4" value="2" checked>"#))
        }
    }

    @Test func whatIsSavedOpensAgainFromTheSameLinkAndIsDeletedWhenTheLinkEnds() async throws {
        try await GiverLab.with { lab in
            // given
            let path = try await lab.link(instrument: "SUS", language: nil)
            let secret = try lab.secret(in: await lab.get(path))
            // when
            let saved = try await lab.submit(
                path, [("form", secret), ("a0", "5"), ("comment", "plus tard"), ("action", "save")])
            // then
            let notice = try await lab.get(try #require(saved.headers[.location]))
            #expect(notice.text.contains("Le même lien"))
            let resumed = try await lab.get(path)
            #expect(
                resumed.text.contains(#"name="a0" value="5" checked>"#) && resumed.text.contains("plus tard</textarea>")
            )
            #expect(try await lab.responses().isEmpty)
            // The switches of the page keep it as well.
            let switched = try await lab.submit(path, [("form", secret), ("a0", "4"), ("action", "language")])
            #expect(switched.headers[.location] == "\(path)?lang=en")
            let english = try await lab.get("\(path)?lang=en")
            #expect(
                english.text.contains(#"name="a0" value="4" checked>"#) && english.text.contains("<html lang=\"en\""))
            // when
            lab.service.clock.advance(by: .seconds(31 * 86_400))
            let store = GiverStore(pool: lab.service.pool)
            // then
            #expect(try await store.deleteEndedDrafts(now: lab.service.clock.now()) == 1)
            #expect(try await lab.get(path).text.contains("closes"))
        }
    }

    @Test func theLanguageIsTheGiversChoiceThenTheInvitationsThenTheBrowsers() async throws {
        try await GiverLab.with { lab in
            let french = try await lab.link(1, language: "fr")
            let open = try await lab.link(2, language: nil)
            let english: HTTPFields = [.acceptLanguage: "en-GB"]
            #expect(try await lab.get(french, headers: english).text.contains("<html lang=\"fr\""))
            #expect(try await lab.get(open, headers: english).text.contains("<html lang=\"en\""))
            #expect(try await lab.get(open).text.contains("<html lang=\"fr\""))
            #expect(try await lab.get("\(french)?lang=en").text.contains("How likely"))
            #expect(try await lab.get("\(french)?size=large").text.contains("class=\"large\""))
        }
    }

    @Test func aPageMayDoNothingButShowItself() async throws {
        try await GiverLab.with { lab in
            let path = try await lab.link()
            for page in [path, "/recu", "/receipt", "/f/\(Secrets.word().text)"] {
                let answer = try await lab.get(page)
                let policy = try #require(answer.headers[.contentSecurityPolicy])
                #expect(policy.hasPrefix("default-src 'none'; style-src 'self';"))
                #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
                #expect(answer.headers[.cacheControl] == "no-store")
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
                #expect(answer.headers[try #require(HTTPField.Name("Referrer-Policy"))] == "no-referrer")
                #expect(answer.headers[.setCookie] == nil)
                #expect(!answer.text.contains("<script") && !answer.text.contains("style=\""))
                #expect(!answer.text.contains("http://") && !answer.text.contains("https://"))
            }
            let style = try #require(
                try await lab.get(path).text.firstMatch(of: /href="(\/pages\/style-[0-9a-f]+\.css)"/))
            let sheet = try await lab.get(String(style.1))
            #expect(sheet.status == .ok && sheet.headers[.contentType] == "text/css; charset=utf-8")
        }
    }

    @Test func aFormThatAnotherSiteSendsIsRefused() async throws {
        try await GiverLab.with { lab in
            let path = try await lab.link()
            let fields = [("form", Secrets.word().text), ("a0", "0"), ("action", "send")]
            let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
            for headers: HTTPFields in [
                [.origin: "https://evil.test"], [site: "cross-site", .origin: "null"], [site: "same-site"],
            ] {
                #expect(try await lab.submit(path, fields, headers: headers).status == .forbidden)
            }
            #expect(try await lab.responses().isEmpty)
            let own: HTTPFields = [.origin: "http://service.test"]
            #expect(try await lab.submit(path, fields, headers: own).status == .seeOther)
        }
    }

    @Test func whoGuessesLinksOrCodesIsHeldUpAndOthersErrorsAreAPage() async throws {
        try await GiverLab.with { lab in
            let wrong = try await lab.get("/f/zzz")
            #expect(wrong.status == .notFound && wrong.text.contains("<h1>Ce lien n’ouvre rien</h1>"))
            let english: HTTPFields = [.acceptLanguage: "en"]
            #expect(try await lab.get("/f/zzz", headers: english).text.contains("This link opens nothing"))
            var statuses: [HTTPResponse.Status] = []
            for _ in 0..<40 { statuses.append(try await lab.get("/f/\(Secrets.word().text)").status) }
            #expect(statuses.last == .tooManyRequests)
            let guess = try await lab.submit("/recu", [("code", "babab-babab-babab-babab-00"), ("action", "open")])
            #expect(guess.status == .tooManyRequests)
        }
    }

    @Test func whatTheIntakeRefusesIsSaidInPlainWords() async throws {
        try await GiverLab.with { lab in
            // given
            let path = try await lab.link()
            let secret = try lab.secret(in: await lab.get(path))
            // when
            lab.service.clock.advance(by: .seconds(5 * 86_400))
            let late = try await lab.submit(path, [("form", secret), ("a0", "5"), ("action", "send")])
            // then
            #expect(late.status == .conflict && late.text.contains("Ces questions sont closes"))
            // The intake itself has the last word.
            let link = try #require(SecretWord(String(path.dropFirst(3))))
            let sight = try await GiverStore(pool: lab.service.pool).sight(of: link)
            let target = try #require(sight).invitation
            let door = EventDoor(
                intake: lab.lab.intake, wakeUps: [], kind: .page, logger: TestBroker.quietLogger)
            let outcome = try await GiverSubmissionStore(door: door).send(
                GiverSubmission(kind: .answer, form: Secrets.word(), answers: [5]), to: .init(invitation: target))
            #expect(outcome == .refused("outside-window"))
            #expect(RefusalWords.text("outside-window", in: .english).contains("not, or no longer, the time"))
        }
    }

    @Test func theCodeIsShownForAQuarterOfAnHour() async throws {
        try await GiverLab.with { lab in
            let path = try await lab.link()
            let secret = try lab.secret(in: await lab.get(path))
            let sent = try await lab.submit(path, [("form", secret), ("a0", "3"), ("action", "send")])
            let location = try #require(sent.headers[.location])
            let first = try lab.code(in: await lab.get(location))
            #expect(try lab.code(in: await lab.get(location)) == first)
            lab.service.clock.advance(by: .seconds(901))
            #expect(try await !lab.get(location).text.contains("class=\"code\""))
        }
    }
}

@Suite struct ReceiptPagesTests {
    @Test func aCodeOpensTheAnswerAndATypoIsToldFromACodeThatNeverWas() async throws {
        try await GiverLab.with { lab in
            // given
            let code = try await lab.answered(level: 4, comment: "Très bien & simple")
            // when
            let read = try await lab.submit("/recu", [("code", code.uppercased()), ("action", "open")])
            // then
            #expect(read.status == .ok && read.text.contains("<dd>4</dd>"))
            #expect(read.text.contains("Très bien &amp; simple"))
            let wrong = code.hasPrefix("b") ? "d" + code.dropFirst() : "b" + code.dropFirst()
            let typo = try await lab.submit("/receipt", [("code", wrong), ("action", "open")])
            #expect(typo.status == .unprocessableContent && typo.text.contains("A letter or a digit is wrong"))
            #expect(typo.text.contains("value=\"\(wrong)\""))
            let unknown = try await lab.submit("/recu", [("code", "babab-babab-babab-babab-00")])
            #expect(unknown.text.contains("Aucune réponse n’a ce code"))
        }
    }

    @Test func aCorrectionIsTheNextVersionOnceHoweverOftenItIsSent() async throws {
        try await GiverLab.with { lab in
            // given
            let code = try await lab.answered(level: 4)
            let editing = try await lab.submit("/recu", [("code", code), ("action", "edit")])
            #expect(editing.text.contains(#"id="a0-4" name="a0" value="4" checked>"#))
            let fields = [
                ("code", code), ("form", try lab.secret(in: editing)), ("a0", "8"), ("comment", "mieux"),
                ("action", "correct"),
            ]
            // when
            let first = try await lab.submit("/recu", fields)
            let again = try await lab.submit("/recu", fields)
            // then
            #expect(first.status == .seeOther && again.headers[.location] == first.headers[.location])
            #expect(try await lab.get(try #require(first.headers[.location])).text.contains("est corrigée"))
            let responses = try await lab.responses()
            #expect(responses.map(\.version) == [2] && responses.map(\.score) == [8])
            #expect(try await lab.service.recordedEvents(type: "feedback.response.amended.v1").count == 1)
            let read = try await lab.submit("/recu", [("code", code), ("action", "open")])
            #expect(read.text.contains("<dd>8</dd>"))
        }
    }

    @Test func anAnswerIsTakenBackOnceAskedAndCountsNoMore() async throws {
        try await GiverLab.with { lab in
            // given
            let code = try await lab.answered(level: 4)
            let asking = try await lab.submit("/recu", [("code", code), ("action", "ask")])
            let fields = [("code", code), ("form", try lab.secret(in: asking)), ("action", "withdraw")]
            // when
            let first = try await lab.submit("/recu", fields)
            let again = try await lab.submit("/recu", fields)
            // then
            #expect(first.status == .seeOther && again.status == .ok)
            #expect(try await lab.responses().map(\.state) == ["retracted"])
            #expect(try await lab.service.recordedEvents(type: "feedback.response.retracted.v1").count == 1)
            #expect(again.text.contains("Vous l’avez retirée") && !again.text.contains("value=\"edit\""))
        }
    }

    @Test func aFaultyCorrectionLosesNothing() async throws {
        try await GiverLab.with { lab in
            let code = try await lab.answered(level: 4)
            let faulty = try await lab.submit(
                "/receipt", [("code", code), ("comment", "kept"), ("action", "correct")])
            #expect(faulty.status == .unprocessableContent)
            #expect(faulty.text.contains("Choose an answer") && faulty.text.contains("kept</textarea>"))
            #expect(faulty.text.contains("name=\"code\" value=\"\(code)\""))
            #expect(try await lab.responses().map(\.version) == [1])
        }
    }
}
