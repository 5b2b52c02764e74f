import Events
import Foundation
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Funding

/// What beneficiaries have spent: submitted, judged, reminded of, and settled in the end.
@Suite(.timeLimit(.minutes(10))) struct Statements {
    static func submit(
        _ statement: StatementAnswer, _ json: String, by subject: String = "beneficiary", _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/expense-statements/\(statement.id.lowercase)/submit", as: [.applicant], subject: subject,
            organisation: statement.siren, json: json, headers: Programme.ifMatch(statement.version))
    }

    static func accept(
        _ statement: UUID, judging json: String = "{}", version: Int64 = 2, by subject: String = "operator",
        _ programme: Programme
    ) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/expense-statements/\(statement.lowercase)/accept", as: [.operator], subject: subject,
            json: json, headers: Programme.ifMatch(version))
    }

    private static func reopen(_ statement: UUID, version: Int64, _ programme: Programme) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/expense-statements/\(statement.lowercase)/reopen", as: [.operator],
            json: #"{"reason": "une pièce manque"}"#, headers: Programme.ifMatch(version))
    }

    private static let spent = """
        {"items": [{"category": "staff", "declaredCents": 90000000}, {"category": "travel", "declaredCents": 500000}]}
        """

    @Test func aBeneficiaryStatesItsOwnCostsAndSomebodyElseJudgesThem() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            let statement = try #require(try await programme.statements(of: agreement.id).first)
            // then: another organisation knows of no such statement
            let stranger = try await programme.service.request(
                .post, "/v1/expense-statements/\(statement.id.lowercase)/submit", as: [.applicant],
                organisation: Amendments.newcomer, json: Self.spent, headers: Programme.ifMatch(1))
            #expect(stranger.status == .notFound)
            for (json, field) in [
                (#"{"items": [{"category": "lunch", "declaredCents": 1}]}"#, "/items/0/category"),
                (#"{"items": [{"category": "staff", "declaredCents": 0}]}"#, "/items/0/declaredCents"),
                (Self.spent.replacing("travel", with: "staff"), "/items/1/category"),
            ] {
                #expect(try await Self.submit(statement, json, programme).problem?.field == field)
            }
            // when
            let submitted = try await Self.submit(statement, Self.spent, programme)
            // then
            #expect(submitted.status == .ok, "\(submitted.text)")
            #expect(try submitted.decode(StatementAnswer.self).declaredCents == 90_500_000)
            let own = try await Self.accept(statement.id, by: "beneficiary", programme)
            #expect(own.status == .forbidden && own.problemSlug == "submitter-may-not-accept")
            let unexplained = try await Self.accept(
                statement.id, judging: #"{"items": [{"category": "travel", "eligibleCents": 300000}]}"#, programme)
            #expect(unexplained.problem?.field == "/items/0/reason")
            // when
            let accepted = try await Self.accept(
                statement.id,
                judging: #"{"items": [{"category": "travel", "eligibleCents": 300000, "reason": "hors du projet"}]}"#,
                programme)
            // then
            #expect(accepted.status == .ok, "\(accepted.text)")
            #expect(try accepted.decode(StatementAnswer.self).eligibleCents == 90_300_000)
            // when
            let reopened = try await Self.reopen(statement.id, version: 3, programme)
            // then: nothing is eligible until it is accepted again
            #expect(try reopened.decode(StatementAnswer.self).eligibleCents == 0)
            let history = try await programme.service.request(
                .get, "/v1/agreements/\(agreement.id.lowercase)/history", as: [.ministry])
            #expect(history.text.contains("état de dépenses 1 de \(statement.siren)"), "\(history.text)")
            let types = try await programme.eventTypes().filter { $0.hasPrefix("expense-statement") }
            #expect(
                types == ["expense-statement.submitted", "expense-statement.accepted", "expense-statement.reopened"])
        }
    }

    @Test func anAcceptedStatementReleasesATrancheAndAReopenedOneHoldsIt() async throws {
        try await Programme.with { programme in
            // given: the balance waits for two accepted statements
            try await programme.prepare()
            let agreement = try await Amendments.agreement(
                programme,
                schedule: """
                    , "schedule": [
                      {"shareBasisPoints": 4000, "conditions": ["agreement-signed"]},
                      {"shareBasisPoints": 6000, "conditions": ["expense-statement-accepted:2"]}]
                    """)
            let statements = try await programme.statements(of: agreement.id)
            #expect(agreement.tranches.map(\.state) == ["released", "opened"])
            // when
            for statement in statements.prefix(2) {
                #expect(try await programme.tranche(2, of: agreement.id).state == "opened")
                _ = try await Self.submit(statement, Self.spent, programme)
                #expect(try await Self.accept(statement.id, programme).status == .ok)
            }
            // then
            let released = try await programme.tranche(2, of: agreement.id)
            #expect(released.state == "released" && released.evidence.count == 2)
            // when: it is paid to one, and a statement is taken up again
            try await Amendments.pay(released.id, to: Amendments.partner, programme)
            #expect(try await Self.reopen(statements[0].id, version: 3, programme).status == .ok)
            // then
            let held = try await programme.tranche(2, of: agreement.id)
            #expect(held.evidenceLost == ["expense-statement-accepted:2"])
            #expect(try await programme.order(released.id).problemSlug == "evidence-lost")
            // when: it is accepted again
            let again = try #require(
                try await programme.statements(of: agreement.id).first { $0.id == statements[0].id })
            _ = try await Self.submit(again, Self.spent, programme)
            #expect(try await Self.accept(again.id, version: again.version + 1, programme).status == .ok)
            // then
            #expect(try await programme.tranche(2, of: agreement.id).evidenceLost == [])
            try await Amendments.pay(released.id, to: Controls.siren, programme)
            #expect(try await programme.tranche(2, of: agreement.id).state == "paid")
            try await programme.expectBalancedLedger()
        }
    }

    /// What is told of statements from now on: reminder, number and day.
    private func remind(_ programme: Programme, on day: String) async throws -> [String] {
        programme.service.clock.set(try #require(WireInstant.parse("\(day)T10:00:00Z")))
        let before = try await programme.service.recordedEvents(type: ExpenseStatementReminded.type.name).count
        let reminders = StatementReminders(pool: programme.service.pool, clock: programme.service.clock.clock)
        // Two replicas at once.
        async let first = reminders.remind()
        async let second = reminders.remind()
        let count = try await first + second
        let told = try await programme.service.recordedEvents(type: ExpenseStatementReminded.type.name).dropFirst(
            before)
        #expect(told.count == count)
        return try told.map { event in
            let reminded = try event.decode(ExpenseStatementReminded.self)
            return "\(reminded.reminder.rawValue) \(reminded.siren) \(reminded.number) \(reminded.dueOn)"
        }.sorted()
    }

    @Test func eachReminderComesOnceAndFollowsADayThatMoves() async throws {
        try await Programme.with { programme in
            // given: the first statements of both are due on 29 April 2027; the lead has made its own
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            let own = try #require(
                try await programme.statements(of: agreement.id).first { $0.siren == Controls.siren })
            _ = try await Self.submit(own, Self.spent, programme)
            // then
            #expect(try await remind(programme, on: "2027-03-29") == [])
            #expect(
                try await remind(programme, on: "2027-03-30") == ["month-before \(Amendments.partner) 1 2027-04-29"])
            #expect(try await remind(programme, on: "2027-04-10") == [])
            #expect(try await remind(programme, on: "2027-04-22") == ["week-before \(Amendments.partner) 1 2027-04-29"])
            // when: both sides give it a month more
            let moved: Amendments.AmendmentAnswer = try await Amendments.draft(
                agreement.id,
                """
                "terms": {"from": "2026-03-01", "until": "2028-02-29", "rateBasisPoints": 5000,
                          "statementMonths": 12, "statementDueDays": 91}
                """, programme
            ).decode()
            #expect(try await Amendments.sign(moved.id, programme).status == .ok)
            // then: nothing on the old day, and everything anew before the new one
            #expect(try await remind(programme, on: "2027-04-29") == [])
            #expect(try await remind(programme, on: "2027-05-23") == ["week-before \(Amendments.partner) 1 2027-05-30"])
            #expect(try await remind(programme, on: "2027-05-30") == ["due-today \(Amendments.partner) 1 2027-05-30"])
            #expect(try await remind(programme, on: "2027-06-02") == ["overdue \(Amendments.partner) 1 2027-05-30"])
            #expect(try await remind(programme, on: "2027-08-02") == [])
        }
    }

    /// A late statement stays asked for, and nobody is asked for days on which it took no part.
    @Test func anAmendmentTakesNoStatementAwayAndAsksNobodyForTimesOfOthers() async throws {
        try await Programme.with { programme in
            // given: the second of two years is stated, the first is late
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            let own = try await programme.statements(of: agreement.id).filter { $0.siren == Controls.siren }
            _ = try await Self.submit(own[1], Self.spent, programme)
            // when: in the second year the partner leaves and another joins
            programme.service.clock.set(try #require(WireInstant.parse("2027-06-01T10:00:00Z")))
            let content = Amendments.lines((Controls.siren, 70_000_000), (Amendments.newcomer, 30_000_000))
            for attempt in 1...2 {
                // The second changes nothing but a budget, a year later.
                let change =
                    attempt == 1 ? content : content.replacing("30000000", with: "30000000, \"budgetCents\": 90000000")
                let amendment: Amendments.AmendmentAnswer = try await Amendments.draft(agreement.id, change, programme)
                    .decode()
                #expect(try await Amendments.sign(amendment.id, programme).status == .ok)
                programme.service.clock.set(try #require(WireInstant.parse("2028-03-01T10:00:00Z")))
                // then
                let left = try await programme.statements(of: agreement.id).map {
                    "\($0.siren) \($0.number) \($0.state)"
                }
                #expect(
                    left.sorted() == [
                        "\(Amendments.newcomer) 2 expected", "\(Controls.siren) 1 expected",
                        "\(Controls.siren) 2 submitted",
                    ])
            }
            #expect(try await Self.submit(own[0], Self.spent, programme).status == .ok)
            #expect(try await settle(agreement.id, version: 4, programme).problemSlug == "statements-missing")
        }
    }

    @Test func onlyAnOperatorStatesForOthersWhateverElseTheyMayRead() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            let statement = try #require(try await programme.statements(of: agreement.id).first)
            // when
            let answer = try await programme.service.request(
                .post, "/v1/expense-statements/\(statement.id.lowercase)/submit", as: [.applicant, .ministry],
                organisation: Amendments.newcomer, json: Self.spent, headers: Programme.ifMatch(1))
            // then
            #expect(answer.status == .notFound)
            // A partner reads its own line of the settlement, and no more; of others' recoveries nothing.
            let path = "/v1/agreements/\(agreement.id.lowercase)"
            let partner = try await programme.service.request(
                .get, "\(path)/settlement", as: [.applicant], organisation: Amendments.partner
            ).decode(SettlementAnswer.self)
            #expect(partner.lines.map(\.siren) == [Amendments.partner])
        }
    }

    private struct SettlementAnswer: Decodable {
        struct Line: Decodable {
            let siren: String
            let dueCents: Int64
            let balanceCents: Int64
            let excessCents: Int64
        }

        let lines: [Line]
    }

    private func settle(_ agreement: UUID, version: Int64, _ programme: Programme) async throws -> TestAnswer {
        try await programme.service.request(
            .post, "/v1/agreements/\(agreement.lowercase)/settlement", as: [.operator],
            json: #"{"reason": "fin du projet"}"#, headers: Programme.ifMatch(version))
    }

    /// Has every statement of a beneficiary accepted, each of so many cents.
    private func state(_ cents: Int64, by siren: String, of agreement: UUID, _ programme: Programme) async throws {
        for statement in try await programme.statements(of: agreement)
        where statement.siren == siren && statement.state == "expected" {
            let items = cents > 0 ? #"{"category": "staff", "declaredCents": \#(cents)}"# : ""
            let submitted = try await Self.submit(statement, #"{"items": [\#(items)]}"#, programme)
            #expect(submitted.status == .ok, "\(submitted.text)")
            #expect(try await Self.accept(statement.id, programme).status == .ok)
        }
    }

    /// 700,000 euros for the lead, 300,000 for its partner, at 50 % of what they spent.
    @Test func theSettlementPaysWhatIsDueGivesBackTheRestAndClaimsWhatIsTooMuch() async throws {
        try await Programme.with { programme in
            // given: both got 80 %, the balance waits for the end of an experiment
            try await programme.prepare(animationCents: 150_000_000)
            let agreement = try await Amendments.agreement(programme)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let experiment = UUID()
            try await programme.service.deliver(
                Controls.registered(experiment, under: agreement.id), subject: experiment.lowercase)
            try await programme.service.deliver(Controls.milestone(experiment), subject: experiment.lowercase)
            for tranche in agreement.tranches.prefix(2) {
                for siren in [Controls.siren, Amendments.partner] {
                    try await Amendments.pay(tranche.id, to: siren, programme)
                }
            }
            #expect(try await settle(agreement.id, version: 2, programme).problemSlug == "statements-missing")
            // when: the lead spent 1,300,000 in two years, its partner 400,000
            try await state(65_000_000, by: Controls.siren, of: agreement.id, programme)
            try await state(20_000_000, by: Amendments.partner, of: agreement.id, programme)
            let path = "/v1/agreements/\(agreement.id.lowercase)/settlement"
            let preview = try await programme.service.request(
                .get, path, as: [.applicant], organisation: Controls.siren
            ).decode(SettlementAnswer.self)
            // then
            #expect(preview.lines.map(\.dueCents) == [65_000_000, 20_000_000])
            #expect(preview.lines.map(\.balanceCents) == [9_000_000, 0])
            #expect(preview.lines.map(\.excessCents) == [0, 4_000_000])
            // when
            let settled = try await settle(agreement.id, version: 2, programme)
            // then: of the 200,000 that were left, 90,000 are the balance
            #expect(settled.status == .ok, "\(settled.text)")
            let after = try await programme.agreement(agreement.id)
            #expect(
                after.state == "settled" && after.tranches.map(\.state) == ["paid", "paid", "cancelled", "released"])
            #expect(after.tranches[3].parts.map(\.amountCents) == [9_000_000])
            #expect(after.tranches[3].parts.map(\.siren) == [Controls.siren])
            #expect(try await programme.envelopes()["animation"]?.availableCents == 61_000_000)
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            #expect(try proposed.map { try $0.decode(RecoveryProposed.self).amountCents } == [4_000_000])
            try await programme.expectBalancedLedger()
            // when: what is due waits for nothing more
            try await Amendments.pay(after.tranches[3].id, to: Controls.siren, programme)
            // then: nothing more happens to it
            #expect(try await programme.envelopes()["animation"]?.paidCents == 89_000_000)
            #expect(try await settle(agreement.id, version: 3, programme).problemSlug == "agreement-settled")
            let statement = try #require(try await programme.statements(of: agreement.id).first)
            let reopened = try await Self.reopen(statement.id, version: statement.version, programme)
            #expect(reopened.problemSlug == "agreement-settled")
            try await programme.expectBalancedLedger()
        }
    }

    @Test func aTerminatedAgreementIsSettledAndClaimsWhatWasNotSpent() async throws {
        try await Programme.with { programme in
            // given: the advance is paid, and the agreement ends in its first year
            try await programme.prepare()
            let agreement = try await Amendments.agreement(programme)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            for siren in [Controls.siren, Amendments.partner] {
                try await Amendments.pay(agreement.tranches[0].id, to: siren, programme)
            }
            programme.service.clock.set(try #require(WireInstant.parse("2026-09-01T10:00:00Z")))
            let terminated = try await programme.service.request(
                .post, "/v1/agreements/\(agreement.id.lowercase)/terminate", as: [.operator],
                json: #"{"reason": "abandon"}"#, headers: Programme.ifMatch(2))
            #expect(terminated.status == .ok)
            // then: nobody has to state the second year
            #expect(try await programme.statements(of: agreement.id).map(\.number) == [1, 1])
            // when
            try await state(50_000_000, by: Controls.siren, of: agreement.id, programme)
            try await state(0, by: Amendments.partner, of: agreement.id, programme)
            #expect(try await settle(agreement.id, version: 3, programme).status == .ok)
            // then: the partner owes all, the lead nothing; it is not paid more, either
            let proposed = try await programme.service.recordedEvents(type: RecoveryProposed.type.name)
            #expect(try proposed.map { try $0.decode(RecoveryProposed.self).amountCents } == [9_000_000])
            #expect(
                try await programme.agreement(agreement.id).tranches.map(\.state) == ["paid", "cancelled", "cancelled"])
            try await programme.expectBalancedLedger()
        }
    }
}
