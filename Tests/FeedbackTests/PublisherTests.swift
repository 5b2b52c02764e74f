import Events
import FeedbackDomain
import Foundation
import HTTPDefaults
import HTTPTypes
import Identity
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Who may send feedback")
struct PublisherTests {
    private struct Credential: Decodable {
        let user: String
        let password: String?
    }

    private struct View: Decodable {
        struct Credential: Decodable {
            let user: String
            let state: String
            let expiresAt: Date?
        }
        let publisher: String
        let state: String
        let isProvisioned: Bool
        let credentials: [Credential]
    }

    private static let registration =
        #"{"publisher":"northcare","organisation":"North Care","contact":"it@north.example"}"#

    private func register(_ lab: IntakeLab, _ json: String = registration) async throws -> TestAnswer {
        try await lab.service.request(.post, "/v1/publishers", as: [.operator], json: json)
    }

    private func rotate(
        _ lab: IntakeLab, _ json: String = "{}", key: String = UUID().uuidString
    ) async throws -> TestAnswer {
        try await lab.service.request(
            .post, "/v1/publishers/northcare/credentials", as: [.operator], json: json,
            headers: [.idempotencyKey: key])
    }

    @Test func aRegisteredPublisherIsToldInTheLogWithoutItsContact() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // when
            let answer = try await register(lab)
            // then
            #expect(answer.status == .created)
            let view = try answer.decode(View.self)
            #expect(view.state == "active" && !view.isProvisioned && view.credentials.isEmpty)
            let events = try await lab.service.recordedEvents(type: PublisherRegistered.type.name)
            #expect(events.count == 1)
            let rows = try await lab.service.pool.query("select data from events")
            let text: String = try rows[0].get("data")
            #expect(text.contains("North Care") && !text.contains("north.example"))
        }
    }

    @Test(arguments: [
        (#"{"publisher":"North","organisation":"N","contact":"c"}"#, "/publisher"),
        (#"{"publisher":"pages","organisation":"N","contact":"c"}"#, "/publisher"),
        (#"{"publisher":"north","organisation":"","contact":"c"}"#, "/organisation"),
        (#"{"publisher":"north","organisation":"N","contact":"c\nd"}"#, "/contact"),
        (#"{"publisher":"north","organisation":"N","contact":"c","experiments":[]}"#, "/experiments"),
        (#"{"publisher":"north","organisation":"N","contact":"c","queueBytes":10}"#, "/queueBytes"),
        (#"{"publisher":"north","organisation":"N","contact":"c","queueBytes":1073741824}"#, nil),
    ])
    func badTermsNameTheFieldAndLeaveNothing(json: String, field: String?) async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            let answer = try await register(lab, json)
            #expect(answer.problem?.field == field)
            #expect(try await lab.count("publishers") == (field == nil ? 2 : 1))
        }
    }

    @Test func allQueuesTogetherStayBelowTheirTotal() async throws {
        try await ServiceHarness.with(
            FeedbackService.self, settings: ["feedback.queue-bytes-total": "100000000"]
        ) { service in
            let lab = IntakeLab(service)
            #expect(try await register(lab).status == .created)
            let second = try await register(
                lab, #"{"publisher":"southcare","organisation":"S","contact":"c","queueBytes":67108864}"#)
            #expect(second.problem?.field == "/queueBytes")
            #expect(try await lab.count("publishers") == 1)
        }
    }

    @Test func aPasswordIsShownOnceAndKeptNowhere() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            _ = try await register(lab)
            // when: the same request twice
            let first = try await rotate(lab, key: "k").decode(Credential.self)
            let again = try await rotate(lab, key: "k").decode(Credential.self)
            // then
            let password = try #require(first.password)
            #expect(first.user == "northcare.1" && again.user == "northcare.1" && again.password == nil)
            for table in ["http_commands", "publisher_credentials", "publishers", "events"] {
                let rows = try await lab.service.pool.query(
                    """
                    select count(*) as n from \(identifier: table) as t
                    where t::text like '%' || \(password) || '%'
                        or t::text like '%' || encode(convert_to(\(password), 'UTF8'), 'hex') || '%'
                    """)
                #expect(try rows[0].get("n", as: Int.self) == 0, "\(table)")
            }
            let stored = try await lab.service.pool.query("select body from http_commands where key = 'k'")
            #expect(!String(decoding: try stored[0].get("body", as: [UInt8].self), as: UTF8.self).contains(password))
        }
    }

    @Test func rotatingLeavesTheOneBeforeOpenForAWhileAndRetiringEndsItNow() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            _ = try await register(lab)
            let first = try await rotate(lab).decode(Credential.self)
            #expect(try await isLetIn(first, lab))
            // when
            let second = try await rotate(lab, #"{"overlapHours":2}"#).decode(Credential.self)
            // then
            let areBothIn = (try await isLetIn(first, lab), try await isLetIn(second, lab))
            #expect(areBothIn == (true, true))
            #expect(second.user == "northcare.2")
            // when
            let retired = try await lab.service.request(
                .delete, "/v1/publishers/northcare/credentials/1", as: [.operator])
            // then
            #expect(retired.status == .noContent)
            let isFirstIn = try await isLetIn(first, lab)
            let isSecondIn = try await isLetIn(second, lab)
            #expect(!isFirstIn && isSecondIn)
            let missing = try await lab.service.request(
                .delete, "/v1/publishers/northcare/credentials/9", as: [.operator])
            #expect(missing.status == .notFound)
        }
    }

    @Test func aPublisherHasFiveLiveCredentialsAtMost() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            _ = try await register(lab)
            for _ in 0..<5 { #expect(try await rotate(lab).status == .created) }
            // when
            let sixth = try await rotate(lab)
            // then
            #expect(sixth.status == .conflict && sixth.problemSlug == "too-many-credentials")
            #expect(sixth.problem?.mend?.contains("Retire one") == true)
            #expect(try await lab.count("publisher_credentials") == 5)
            // when: one of them goes
            _ = try await lab.service.request(.delete, "/v1/publishers/northcare/credentials/2", as: [.operator])
            // then
            #expect(try await rotate(lab).status == .created)
            #expect(try await rotate(lab, #"{"overlapHours":0}"#).status == .created)
            #expect(try await rotate(lab).status == .created)
        }
    }

    @Test func aSuspendedPublisherIsLetInByNoCredentialUntilItIsResumed() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            _ = try await register(lab)
            let credential = try await rotate(lab).decode(Credential.self)
            // when
            let suspended = try await lab.service.request(
                .post, "/v1/publishers/northcare/suspension", as: [.operator], json: #"{"reason":"leak"}"#)
            // then
            #expect(try suspended.decode(View.self).state == "suspended")
            #expect(try await !isLetIn(credential, lab))
            // when
            _ = try await lab.service.request(.delete, "/v1/publishers/northcare/suspension", as: [.operator])
            // then
            #expect(try await isLetIn(credential, lab))
            #expect(try await lab.service.recordedEvents(type: PublisherSuspended.type.name).count == 1)
            #expect(try await lab.service.recordedEvents(type: PublisherResumed.type.name).count == 1)
        }
    }

    @Test(arguments: ["northcare.1:wrong", "northcare.2:x", "northcare:x", "nobody.1:x", "northcare.01:x", ":", "x"])
    func whoeverIsNoPublisherLearnsNothing(credential: String) async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            _ = try await register(lab)
            _ = try await rotate(lab)
            let basic = "Basic " + Data(credential.utf8).base64EncodedString()
            for path in ["/v1/receipts?source=a&id=b", "/v1/quarantine", "/v1/statements/2026-11-21"] {
                let answer = try await lab.service.request(.get, path, headers: [.authorization: basic])
                #expect(answer.status == .unauthorized, "\(path)")
            }
        }
    }

    @Test func onlyOperatorsManagePublishers() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            let answer = try await lab.service.request(
                .post, "/v1/publishers", as: [.siteManager], json: Self.registration)
            #expect(answer.status == .forbidden)
            #expect(try await lab.service.request(.get, "/v1/publishers").status == .unauthorized)
            #expect(try await lab.count("publishers") == 1)
        }
    }

    @Test func aChangeOverwritesNothingThatItsAuthorHasNotSeen() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            _ = try await register(lab)
            let terms = #"{"organisation":"North Care 2","contact":"c"}"#
            let path = "/v1/publishers/northcare"
            let first = try await lab.service.request(
                .put, path, as: [.operator], json: terms, headers: [.ifMatch: #""v1""#])
            #expect(first.status == .ok)
            let second = try await lab.service.request(
                .put, path, as: [.operator], json: terms, headers: [.ifMatch: #""v1""#])
            #expect(second.status == .preconditionFailed)
        }
    }

    /// A receipt that nobody has is 404 for a publisher and 401 for anybody else.
    private func isLetIn(_ credential: Credential, _ lab: IntakeLab) async throws -> Bool {
        let basic = "Basic " + Data("\(credential.user):\(credential.password ?? "")".utf8).base64EncodedString()
        let answer = try await lab.service.request(
            .get, "/v1/receipts?source=a&id=b", headers: [.authorization: basic])
        return answer.status == .notFound
    }
}
