import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct Undertakings {
    private let path = "/v1/undertakings/\(AidControls.head)"

    @Test func whatAnUndertakingDeclaresIsKeptVersionByVersion() async throws {
        try await Programme.withoutMoney { programme in
            // given
            let first = try await programme.declare(AidControls.gber(), members: [AidControls.member])
            #expect(first.status == .ok && first.version == 1)
            // then: who changes it has to know it
            #expect(try await programme.declare(AidControls.gber()).problemSlug == "if-match-required")
            #expect(try await programme.declare(AidControls.gber(), version: 7).problemSlug == "version-mismatch")
            // when
            let second = try await programme.declare(#"{"kind": "non-economic"}"#, version: 1)
            // then
            #expect(second.version == 2)
            let shown = try await programme.service.request(.get, path, as: [.ministry])
            let inForce = try shown.decode(UndertakingAnswer.self)
            #expect(shown.version == 2 && inForce.basis.kind == "non-economic" && inForce.declaredBy == "test-user")
            #expect(inForce.members == [AidControls.head])
            let page = try await programme.service.request(.get, "\(path)/declarations?limit=1", as: [.ministry])
                .decode(PageAnswer<UndertakingAnswer>.self)
            #expect(page.items.map(\.version) == [2])
            let next = try await programme.service.request(
                .get, "\(path)/declarations?after=\(page.next ?? "")", as: [.ministry]
            ).decode(PageAnswer<UndertakingAnswer>.self)
            #expect(next.items.map(\.version) == [1] && next.next == nil)
            #expect(next.items.first?.members == [AidControls.head, AidControls.member].sorted())
        }
    }

    @Test func aSirenBelongsToOneUndertakingAtATime() async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.declare(AidControls.gber(), members: [AidControls.member])
            // when
            let other = try await programme.declare(
                AidControls.gber(), head: AidControls.foreigner, members: ["100000009", AidControls.member])
            // then
            #expect(other.status == .conflict && other.problemSlug == "member-of-another-undertaking")
            #expect(other.problem?.field == "/members/1" && other.problem?.mend != nil)
            let head = try await programme.declare(AidControls.gber(), head: AidControls.member)
            #expect(head.problemSlug == "member-of-another-undertaking" && head.problem?.field == "/siren")
            // when: the first lets it go
            try await programme.declare(AidControls.gber(), version: 1)
            // then
            let again = try await programme.declare(
                AidControls.gber(), head: AidControls.foreigner, members: ["100000009", AidControls.member])
            #expect(again.status == .ok && again.version == 1)
        }
    }

    @Test func ofThoseWhoClaimAMemberAtOnceOneGetsIt() async throws {
        try await Programme.withoutMoney { programme in
            // given
            let heads = [AidControls.head, AidControls.foreigner, "100000009"]
            // when
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for head in heads {
                    group.addTask {
                        try await programme.declare(AidControls.gber(), head: head, members: [AidControls.member])
                    }
                }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            // then
            #expect(answers.filter { $0.status == .ok }.count == 1)
            #expect(answers.filter { $0.problemSlug == "member-of-another-undertaking" }.count == 2)
        }
    }

    @Test(arguments: [
        (#"{"kind": "charity"}"#, "/basis/kind"),
        (#"{"kind": "gber", "size": "small", "isCollaboration": true}"#, "/basis/work"),
        (#"{"kind": "gber", "work": "feasibility-study", "size": "tiny", "isCollaboration": true}"#, "/basis/size"),
        (#"{"kind": "gber", "work": "feasibility-study", "size": "small"}"#, "/basis/isCollaboration"),
        (#"{"kind": "de-minimis", "fiscalYearStart": "01-01", "previousAids": []}"#, "/basis/isSGEI"),
        (
            #"{"kind": "de-minimis", "isSGEI": true, "fiscalYearStart": "02-29", "previousAids": []}"#,
            "/basis/fiscalYearStart"
        ),
        (#"{"kind": "de-minimis", "isSGEI": true, "fiscalYearStart": "01-01"}"#, "/basis/previousAids"),
        (AidControls.deMinimis([("2025-13-01", 1, AidControls.head)]), "/basis/previousAids/0/grantedOn"),
        (AidControls.deMinimis([("2026-03-02", 1, AidControls.head)]), "/basis/previousAids/0/grantedOn"),
        (AidControls.deMinimis([("2025-01-01", 0, AidControls.head)]), "/basis/previousAids/0/amountCents"),
        (AidControls.deMinimis([("2025-01-01", 1, "200034529")]), "/basis/previousAids/0/siren"),
        (
            AidControls.deMinimis([("2025-01-01", 1, AidControls.head), ("2025-01-01", 1, AidControls.foreigner)]),
            "/basis/previousAids/1/siren"
        ),
    ])
    func everyFieldOfABasisIsNamedThatIsNotAsItMustBe(basis: String, field: String) async throws {
        try await Programme.withoutMoney { programme in
            let answer = try await programme.declare(basis)
            #expect(answer.status == .unprocessableContent && answer.problem?.field == field)
        }
    }

    @Test func numbersAndDaysOfADeclarationAreChecked() async throws {
        try await Programme.withoutMoney { programme in
            let basis = #"{"kind": "non-economic"}"#
            #expect(try await programme.declare(basis, head: "200034529").problem?.field == "/siren")
            let members = try await programme.declare(basis, members: [AidControls.member, "123456789"])
            #expect(members.problem?.field == "/members/1")
            #expect(try await programme.declare(basis, on: "2026-03-03").problem?.field == "/declaredOn")
            #expect(try await programme.declare(basis, on: "yesterday").problem?.field == "/declaredOn")
            for address in [path, "/v1/undertakings/%00", "\(path)/declarations"] {
                let unknown = try await programme.service.request(.get, address, as: [.operator])
                #expect(unknown.problemSlug == "not-found")
            }
            let filtered = try await programme.service.request(
                .get, "/v1/de-minimis-register?siren=%00", as: [.operator])
            #expect(filtered.problemSlug == "bad-parameter" && filtered.problem?.field == "?siren")
        }
    }

    @Test func membersReadTheirUndertakingAndNobodyElseOfTheConsortiaDoes() async throws {
        try await Programme.withoutMoney { programme in
            // given
            try await programme.declare(AidControls.gber(), members: [AidControls.member])
            func read(_ path: String, by organisation: String) async throws -> HTTPResponse.Status {
                try await programme.service.request(.get, path, as: [.applicant], organisation: organisation).status
            }
            // then
            for path in [path, "\(path)/declarations"] {
                #expect(try await read(path, by: AidControls.member) == .ok)
                #expect(try await read(path, by: AidControls.foreigner) == .notFound)
            }
            let declared = try await programme.service.request(
                .put, path, as: [.applicant], organisation: AidControls.head, json: "{}")
            #expect(declared.problemSlug == "forbidden")
        }
    }
}
