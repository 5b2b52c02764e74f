package import CofundingRules

package import struct FoundationEssentials.UUID

/// What one beneficiary of an agreement gets, and towards which cost.
package struct AgreementLine: Sendable, Equatable {
    package let id: UUID
    package let siren: String
    /// The eligible cost that it forecasts, in cents; nil where nobody has said.
    package let budgetCents: Int64?
    package let grantedCents: Int64
    /// It is no partner any more; what it keeps is what it was paid.
    package let hasLeft: Bool

    package init(id: UUID, siren: String, budgetCents: Int64?, grantedCents: Int64, hasLeft: Bool = false) {
        self.id = id
        self.siren = siren
        self.budgetCents = budgetCents
        self.grantedCents = grantedCents
        self.hasLeft = hasLeft
    }
}

/// How long an agreement runs, which part of the cost it bears, and when statements are due.
package struct AgreementTerms: Sendable, Equatable {
    /// First and last day of the project.
    package let from: CalendarDay
    package let until: CalendarDay
    /// Of the eligible cost, that is paid at most.
    package let rate: BasisPoints
    package let calendar: StatementCalendar

    package init(
        from: CalendarDay, until: CalendarDay, rate: BasisPoints, calendar: StatementCalendar
    ) throws(FundingError) {
        guard (1990...2200).contains(from.year) else {
            throw .invalid(field: "/terms/from", expected: "a day from 1990 to 2200")
        }
        guard from <= until, until <= from.adding(years: 20) else {
            throw .invalid(field: "/terms/until", expected: "a day from \(from) to \(from.adding(years: 20))")
        }
        guard rate.value > 0 else {
            throw .invalid(field: "/terms/rateBasisPoints", expected: "a rate from 1 to 10000")
        }
        self.from = from
        self.until = until
        self.rate = rate
        self.calendar = calendar
    }
}

/// What an agreement is drafted with.
package struct AgreementPlan: Sendable, Equatable {
    /// What a line is to be.
    package struct Line: Sendable, Equatable {
        package let siren: String
        package let budgetCents: Int64?
        package let grantedCents: Int64

        package init(siren: String, budgetCents: Int64?, grantedCents: Int64) {
            self.siren = siren
            self.budgetCents = budgetCents
            self.grantedCents = grantedCents
        }

        func check(at index: Int) throws(FundingError) {
            guard (0...Checks.centsMax).contains(grantedCents) else {
                throw .invalid(
                    field: "/lines/\(index)/grantedCents", expected: "a whole number of cents from 0 on")
            }
            guard let budgetCents else { return }
            guard (grantedCents...Checks.centsMax).contains(budgetCents) else {
                throw .invalid(
                    field: "/lines/\(index)/budgetCents", expected: "a cost that is not below what is granted for it")
            }
        }
    }

    /// nil gives all to the lead. A member without a line gets nothing.
    package let lines: [Line]?
    /// nil for the standard one of what is paid for.
    package let schedule: TrancheSchedule?
    /// nil where no statements are asked for.
    package let terms: AgreementTerms?

    package init(lines: [Line]? = nil, schedule: TrancheSchedule? = nil, terms: AgreementTerms? = nil) {
        self.lines = lines
        self.schedule = schedule
        self.terms = terms
    }

    /// A line for each member of the consortium, the lead first.
    func agreementLines(of grant: Grant, nextID: () -> UUID) throws(FundingError) -> [AgreementLine] {
        let members = [grant.consortium.lead] + grant.consortium.partners
        let planned = lines ?? [Line(siren: members[0].siren, budgetCents: nil, grantedCents: grant.reservedCents)]
        var bySiren: [String: Line] = [:]
        for (index, line) in planned.enumerated() {
            guard members.contains(where: { $0.siren == line.siren }), bySiren[line.siren] == nil else {
                throw .invalid(field: "/lines/\(index)/siren", expected: "a member of the consortium, each once")
            }
            try line.check(at: index)
            bySiren[line.siren] = line
        }
        guard planned.count <= 100, planned.reduce(0, { $0 + $1.grantedCents }) == grant.reservedCents else {
            throw .invalid(field: "/lines", expected: "lines that add up to the grant: \(grant.reservedCents) cents")
        }
        var seen: Set<String> = []
        var result: [AgreementLine] = []
        for member in members where seen.insert(member.siren).inserted {
            let line = bySiren[member.siren]
            result.append(
                AgreementLine(
                    id: nextID(), siren: member.siren, budgetCents: line?.budgetCents,
                    grantedCents: line?.grantedCents ?? 0))
        }
        return result
    }
}

/// The part of a tranche that one beneficiary gets.
package struct TranchePart: Sendable, Equatable {
    package let line: UUID
    /// Above 0.
    package let cents: Int64
    /// The bank paid it.
    package let isPaid: Bool

    package init(line: UUID, cents: Int64, isPaid: Bool = false) {
        self.line = line
        self.cents = cents
        self.isPaid = isPaid
    }

    /// Splits tranches over lines, exact to the cent in both directions: what a line still has to get is spread over
    /// the tranches in proportion to their amounts.
    ///
    /// - Parameters:
    ///   - amounts: of the tranches, above 0, in their order.
    ///   - owed: to each line, from 0; together as much as the tranches.
    /// - Returns: for each tranche the parts above 0, in the order of the lines.
    static func split(_ amounts: [Int64], over owed: [(line: UUID, cents: Int64)]) -> [[TranchePart]] {
        var left = owed.map(\.cents)
        return amounts.map { amount in
            // Every tranche is at most what is left, since all of them together are all that is owed.
            guard let shares = try? PartnerShares.split(amount, by: left) else {
                preconditionFailure("tranches and lines add up to the same")
            }
            for (index, share) in shares.enumerated() { left[index] -= share }
            return zip(owed, shares).compactMap { $1 > 0 ? TranchePart(line: $0.line, cents: $1) : nil }
        }
    }
}
