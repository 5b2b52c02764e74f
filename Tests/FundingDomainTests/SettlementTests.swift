import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.UUID

/// Parts, periods and the end of an agreement, as pure arithmetic.
@Suite struct Settlements {
    private func agreement(_ lines: [Int64]) throws -> Agreement {
        let members = (0..<lines.count).map { Member(siren: "\($0)", structureType: "esms", sector: nil) }
        let grant = Grant(
            id: UUID(), purpose: .animation, state: .reserved, of: (call: UUID(), application: UUID()),
            consortium: Consortium(lead: members[0], partners: Array(members.dropFirst())),
            reservedCents: lines.reduce(0, +))
        let planned = zip(members, lines).map {
            AgreementPlan.Line(siren: $0.siren, budgetCents: nil, grantedCents: $1)
        }
        var agreement = try Agreement.draft(
            id: UUID(), of: grant, as: AgreementPlan(lines: planned), nextID: UUID.init)
        _ = try agreement.sign(by: Controls.signatories, on: Controls.now, at: Controls.now)
        return agreement
    }

    @Test func partsAddUpToTheirTranchesAndToTheirLinesToTheCent() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            // given: up to seven beneficiaries, some of them with nothing
            let lines = (0...Int.random(in: 0...6, using: &random)).map { index in
                index > 0 && Int.random(in: 0...3, using: &random) == 0
                    ? 0 : Int64(random.next() >> UInt64.random(in: 24...58, using: &random)) + 10
            }
            // when
            let agreement = try agreement(lines)
            // then
            for tranche in agreement.tranches {
                #expect(tranche.parts.map(\.cents).reduce(0, +) == tranche.amountCents)
                #expect(tranche.parts.allSatisfy { $0.cents > 0 })
            }
            for line in agreement.lines {
                let parts = agreement.tranches.flatMap(\.parts).filter { $0.line == line.id }
                #expect(parts.map(\.cents).reduce(0, +) == line.grantedCents)
            }
        }
    }

    @Test func whateverAnAmendmentChangesNothingIsMadeOrLost() throws {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<2_000 {
            // given: a first tranche that was paid
            var agreement = try agreement((0..<3).map { _ in Int64.random(in: 1_000...90_000_000, using: &random) })
            let paid = Dictionary(
                uniqueKeysWithValues: agreement.tranches[0].parts.map { ($0.line, $0.cents) })
            agreement = try agreement.withPaid(first: 1)
            // when: one leaves, one joins, and the sum may shrink
            let left = agreement.grantedCents - paid.values.reduce(0, +)
            let open = Int64.random(in: 10...left, using: &random)
            let joins = Int64.random(in: 1..<open, using: &random)
            let lines = [("0", (paid[agreement.lines[0].id] ?? 0) + open - joins), ("9", joins)].map { siren, cents in
                AmendmentPlan.Line(
                    AgreementPlan.Line(siren: siren, budgetCents: nil, grantedCents: cents),
                    member: Member(siren: siren, structureType: "esms", sector: nil))
            }
            // A made-up SIREN is refused where it joins: the check digits say so.
            guard
                let amended = try? agreement.amended(
                    by: AmendmentPlan(lines: lines.map { $0.named("732829320") }, terms: nil),
                    paid: .init(cents: paid), nextID: UUID.init)
            else { continue }
            // then
            let after = amended.after
            #expect(after.tranches.map(\.amountCents).reduce(0, +) == after.grantedCents)
            #expect(after.tranches[0] == agreement.tranches[0])
            #expect(after.lines.map(\.hasLeft) == [false, true, true, false])
            for line in after.lines {
                let parts = after.tranches.flatMap(\.parts).filter { $0.line == line.id }
                #expect(parts.map(\.cents).reduce(0, +) == line.grantedCents)
            }
            #expect(amended.givenBackCents == left - open)
        }
    }

    @Test func periodsCoverEveryDayOnceWhateverTheMonthsAre() throws {
        var random = SeededGenerator(seed: 13)
        for _ in 0..<2_000 {
            // given
            let from = try #require(CalendarDay("2024-01-01")).adding(days: Int.random(in: 0...800, using: &random))
            let until = from.adding(days: Int.random(in: 0...2_000, using: &random))
            let calendar = try StatementCalendar(
                months: Int.random(in: 1...24, using: &random), dueDays: Int.random(in: 1...90, using: &random))
            // when
            let periods = calendar.periods(from: from, until: until)
            // then
            #expect(periods.first?.from == from && periods.last?.until == until)
            #expect(periods.map(\.number) == Array(1...periods.count))
            for (one, next) in zip(periods, periods.dropFirst()) { #expect(one.until.adding(days: 1) == next.from) }
            #expect(periods.allSatisfy { $0.dueOn.days(since: $0.until) == calendar.dueDays })
        }
    }

    @Test func aMonthThatIsTooShortDoesNotMoveTheOnesBehindIt() throws {
        let calendar = try StatementCalendar(months: 1, dueDays: 30)
        let periods = calendar.periods(
            from: try #require(CalendarDay("2024-01-31")), until: try #require(CalendarDay("2024-04-30")))
        #expect(periods.map(\.from.description) == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"])
    }

    @Test func remindersFollowOneAnotherWithoutAGap() throws {
        let due = try #require(CalendarDay("2026-06-30"))
        for days in -400...60 {
            let day = due.adding(days: -days)
            let said = StatementReminder.allCases.filter { $0.dueDays(on: day).contains(due) }
            switch days {
            case ..<0: #expect(said == [.overdue])
            case 0: #expect(said == [.dueToday])
            case 1...7: #expect(said == [.weekBefore])
            case 8...30: #expect(said == [.monthBefore])
            default: #expect(said == [])
            }
        }
    }

    @Test func whatIsDueIsTheLesserOfTheGrantAndTheRateOfWhatWasSpent() throws {
        let lines = (0..<4).map { AgreementLine(id: UUID(), siren: "\($0)", budgetCents: nil, grantedCents: 100) }
        let rate = try #require(BasisPoints(3_333))
        let settlement = Settlement(
            lines, rate: rate, eligible: [lines[0].id: 1_000, lines[1].id: 299, lines[2].id: 90],
            paid: [lines[0].id: 60, lines[1].id: 99, lines[2].id: 40, lines[3].id: 10], claimed: [lines[2].id: 5])
        #expect(settlement.lines.map(\.dueCents) == [100, 99, 29, 0])
        #expect(settlement.lines.map(\.balanceCents) == [40, 0, 0, 0])
        #expect(settlement.lines.map(\.excessCents) == [0, 0, 6, 10])
    }

    @Test func calendarDaysAreCountedAsTheyFollowOneAnother() throws {
        var day = try #require(CalendarDay("1999-12-25"))
        let first = day
        for count in 1...3_000 {
            let next = day.adding(days: 1)
            #expect(next > day && next.adding(days: -1) == day)
            #expect(next.days(since: first) == count && first.adding(days: count) == next)
            day = next
        }
        #expect(day.description == "2008-03-12")
        #expect(CalendarDay("9999-12-31")?.adding(days: 1).description == "9999-12-31")
        #expect(CalendarDay("0001-01-01")?.adding(days: -1).description == "0001-01-01")
    }
}

extension Agreement {
    /// With its first tranches paid to all.
    fileprivate func withPaid(first count: Int) throws -> Agreement {
        let tranches = tranches.map { tranche in
            tranche.number > count
                ? tranche
                : Tranche(
                    id: tranche.id, agreement: id, grant: grant, number: tranche.number,
                    amountCents: tranche.amountCents, conditions: tranche.conditions,
                    parts: tranche.parts.map { TranchePart(line: $0.line, cents: $0.cents, isPaid: true) },
                    state: .paid)
        }
        let reserved = Grant(
            id: grant, purpose: .animation, state: .reserved, of: (call: call, application: application),
            consortium: consortium, reservedCents: grantedCents)
        return Agreement(
            id: id, of: reserved,
            content: Content(consortium: consortium, lines: lines, terms: terms, tranches: tranches), state: .signed)
    }
}

extension AmendmentPlan.Line {
    /// The same for another who joins.
    fileprivate func named(_ siren: String) -> AmendmentPlan.Line {
        guard line.siren == "9" else { return self }
        return AmendmentPlan.Line(
            AgreementPlan.Line(siren: siren, budgetCents: nil, grantedCents: line.grantedCents), member: member)
    }
}
