import Events
import FeedbackDomain
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("FHIR QuestionnaireResponse in the place of our own data")
struct QuestionnaireTests {
    /// Levels 4, 2, 4, 2 … in the order of the instrument: 75 points.
    private static let items = (1...10).map { number in
        let level = number.isMultiple(of: 2) ? 2 : 4
        return #"{"linkId":"sus-\#(number)","answer":[{"valueInteger":\#(level)}]}"#
    }

    private func event(
        _ lab: IntakeLab, _ id: String, type: String = FeedbackSubmission.submitted, status: String = "completed",
        questionnaire: String = "https://example/Questionnaire/SUS|F-SUS-2021", items: [String] = items,
        subject: String = #"{"identifier":{"value":"P000"}}"#, also: String = "", occasion: String = "M3"
    ) -> [UInt8] {
        let time = WireInstant.format(lab.start + 90 * 86_400)
        return Array(
            """
            {"specversion":"1.0","id":"\(id)","source":"urn:app","type":"\(type)","time":"\(time)",\
            "experiment":"\(lab.experiment.lowercase)","occasion":"\(occasion)"\(also),\
            "data":{"resourceType":"QuestionnaireResponse","status":"\(status)","questionnaire":"\(questionnaire)",\
            "subject":\(subject),"item":[\(items.joined(separator: ","))]}}
            """.utf8)
    }

    private func with(_ body: (IntakeLab) async throws -> Void) async throws {
        try await IntakeLab.with { lab in try await body(lab) }
    }

    private func told(_ lab: IntakeLab, _ id: String) async throws -> String {
        let receipt = try await lab.receipt(of: id)
        return "\(receipt.outcome.rawValue) \(receipt.reason ?? "-") \(receipt.field ?? "-")"
    }

    @Test func itemsFindTheirPlacesWhateverTheirOrderAndDepth() async throws {
        try await with { lab in
            // given: backwards, half of them in a group, one as a coding and one as a decimal
            var items = Array(Self.items.reversed())
            items[0] = #"{"linkId":"sus-10","answer":[{"valueCoding":{"system":"urn:x","code":"2"}}]}"#
            items[1] = #"{"linkId":"sus-9","answer":[{"valueDecimal":4.0}]}"#
            let group = #"{"linkId":"group","item":[\#(items[..<5].joined(separator: ","))]}"#
            // when
            _ = try await lab.intake.settle([lab.message(event(lab, "a", items: [group] + items[5...]))])
            // then
            #expect(try await told(lab, "a") == "accepted - -")
            #expect(try await lab.scores() == ["P000": 750])
            let rows = try await lab.service.pool.query("select answers from response_values")
            #expect(try rows[0].get("answers", as: String.self) == "[4,2,4,2,4,2,4,2,4,2]")
        }
    }

    @Test func anItemThatIsLeftOutIsMissingAndNotZero() async throws {
        try await with { lab in
            _ = try await lab.intake.settle([lab.message(event(lab, "a", items: Array(Self.items.dropFirst())))])
            // The neutral level 3 in place of 4: 2.5 points less.
            #expect(try await lab.scores() == ["P000": 725])
        }
    }

    @Test func aCorrectionAndAWithdrawalFollowTheStatus() async throws {
        try await with { lab in
            var items = Self.items
            items[0] = #"{"linkId":"sus-1","answer":[{"valueInteger":5}]}"#
            _ = try await lab.intake.settle([lab.message(event(lab, "a"))])
            _ = try await lab.intake.settle([
                lab.message(
                    event(
                        lab, "b", type: FeedbackSubmission.amended, status: "amended", items: items,
                        also: #","amends":"a""#))
            ])
            #expect(try await lab.scores() == ["P000": 775])
            _ = try await lab.intake.settle([
                lab.message(
                    event(
                        lab, "c", type: FeedbackSubmission.retracted, status: "entered-in-error",
                        also: #","amends":"a""#))
            ])
            #expect(try await told(lab, "c") == "accepted - -")
            let rows = try await lab.service.pool.query("select state, version from responses")
            #expect(try rows[0].get("state", as: String.self) == "retracted")
            #expect(try rows[0].get("version", as: Int32.self) == 3)
        }
    }

    @Test(arguments: ["in-progress", "stopped"]) func whatIsNotCompletedIsKeptAndNotCounted(status: String) async throws
    {
        try await with { lab in
            _ = try await lab.intake.settle([lab.message(event(lab, "a", status: status))])
            #expect(try await told(lab, "a") == "refused not-completed /data/status")
            #expect(try await lab.count("quarantine") == 1)
            #expect(try await lab.count("responses") == 0)
        }
    }

    @Test func whatDoesNotFitSaysWhere() async throws {
        try await with { lab in
            let cases: [(String, [UInt8], String)] = [
                (
                    "a", event(lab, "a", items: Self.items + [#"{"linkId":"x","answer":[{"valueInteger":1}]}"#]),
                    "invalid-field /data/item"
                ),
                ("b", event(lab, "b", items: Self.items + [Self.items[0]]), "invalid-field /data/item"),
                (
                    "c", event(lab, "c", questionnaire: "https://example/Questionnaire/SUS|1996"),
                    "not-in-protocol /data/questionnaire"
                ),
                ("d", event(lab, "d", questionnaire: ""), "invalid-field /data/questionnaire"),
                ("e", event(lab, "e", status: "done"), "invalid-field /data/status"),
                ("f", event(lab, "f", status: "amended"), "invalid-field /type"),
                ("g", event(lab, "g", subject: "{}"), "invalid-field /data/subject/identifier/value"),
                ("h", event(lab, "h", occasion: ""), "invalid-field /occasion"),
                (
                    "i", event(lab, "i", items: [#"{"linkId":"sus-1","answer":[{"valueString":"yes"}]}"#]),
                    "invalid-field /data/item"
                ),
                (
                    "j", event(lab, "j", items: [#"{"linkId":"sus-1","answer":[{"valueInteger":9}]}"#]),
                    "level-out-of-range /data/answers/0"
                ),
            ]
            for (id, body, expected) in cases {
                _ = try await lab.intake.settle([lab.message(body)])
                #expect(try await told(lab, id) == "refused \(expected)", "\(id)")
            }
            #expect(try await lab.count("responses") == 0)
        }
    }

    @Test(arguments: [
        #"{"identifier":{"value":"P000","type":{"coding":[{"code":"INS-NIR"}]}}}"#,
        #"{"identifier":{"value":"P000","system":"urn:oid:1.2.250.1.213.1.4.8"}}"#,
        #"{"identifier":{"value":"278072023868943"}}"#,
    ])
    func anIdentifierOfTheRegisterIsRefusedAndNotKept(subject: String) async throws {
        try await with { lab in
            _ = try await lab.intake.settle([lab.message(event(lab, "a", subject: subject))])
            #expect(try await told(lab, "a") == "refused forbidden-identifier /data/subject/identifier")
            let rows = try await lab.service.pool.query("select body from quarantine")
            let kept = String(decoding: try rows[0].get("body", as: [UInt8].self), as: UTF8.self)
            #expect(!kept.contains("278072023868943"))
        }
    }
}
