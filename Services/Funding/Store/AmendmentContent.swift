import CofundingRules
import FundingDomain

import struct FoundationEssentials.UUID

/// What an amendment is to change, as it is stored.
struct AmendmentContent: Codable, Sendable {
    struct Line: Codable, Sendable {
        let siren: String
        let budgetCents: Int64?
        let grantedCents: Int64
        /// Of one that joins.
        let structureType: String?
        let sector: String?
    }

    struct Terms: Codable, Sendable, Equatable {
        let from: String
        let until: String
        let rateBasisPoints: Int
        let statementMonths: Int
        let statementDueDays: Int

        init(_ terms: AgreementTerms) {
            from = terms.from.description
            until = terms.until.description
            rateBasisPoints = terms.rate.value
            statementMonths = terms.calendar.months
            statementDueDays = terms.calendar.dueDays
        }

        func terms() throws -> AgreementTerms {
            guard let from = CalendarDay(from), let until = CalendarDay(until), let rate = BasisPoints(rateBasisPoints)
            else { throw Unreadable() }
            return try AgreementTerms(
                from: from, until: until, rate: rate,
                calendar: StatementCalendar(months: statementMonths, dueDays: statementDueDays))
        }

        private struct Unreadable: Error {}
    }

    let lines: [Line]?
    let terms: Terms?

    init(_ plan: AmendmentPlan) {
        lines = plan.lines?.map {
            Line(
                siren: $0.line.siren, budgetCents: $0.line.budgetCents, grantedCents: $0.line.grantedCents,
                structureType: $0.member?.structureType, sector: $0.member?.sector)
        }
        terms = plan.terms.map { Terms($0) }
    }

    func plan() throws -> AmendmentPlan {
        AmendmentPlan(
            lines: lines?.map { line in
                AmendmentPlan.Line(
                    AgreementPlan.Line(
                        siren: line.siren, budgetCents: line.budgetCents, grantedCents: line.grantedCents),
                    member: line.structureType.map {
                        Member(siren: line.siren, structureType: $0, sector: line.sector)
                    })
            }, terms: try terms?.terms())
    }
}

/// What an amendment changes, before and after; whatever stays is left out.
struct AgreementDifference: Codable, Sendable, Equatable {
    struct Line: Codable, Sendable, Equatable {
        enum Change: String, Codable, Sendable {
            case joins, leaves, changes
        }

        struct Content: Codable, Sendable, Equatable {
            let budgetCents: Int64?
            let grantedCents: Int64
        }

        let siren: String
        let change: Change
        let before: Content?
        let after: Content
    }

    struct Tranche: Codable, Sendable, Equatable {
        struct Part: Codable, Sendable, Equatable {
            let siren: String
            let beforeCents: Int64
            let afterCents: Int64
        }

        let number: Int
        let beforeCents: Int64
        let afterCents: Int64
        /// Those that change.
        let parts: [Part]
    }

    struct Terms: Codable, Sendable, Equatable {
        let before: AmendmentContent.Terms?
        let after: AmendmentContent.Terms
    }

    let beforeCents: Int64
    let afterCents: Int64
    /// What the envelope gets back.
    let givenBackCents: Int64
    let lines: [Line]
    let tranches: [Tranche]
    let terms: Terms?

    init(_ amended: AmendedAgreement) {
        let (before, after) = (amended.before, amended.after)
        beforeCents = before.grantedCents
        afterCents = after.grantedCents
        givenBackCents = amended.givenBackCents
        lines = after.lines.compactMap { line in
            Self.line(before.lines.first { $0.siren == line.siren }, line)
        }
        var sirens: [UUID: String] = [:]
        for line in after.lines { sirens[line.id] = line.siren }
        tranches = zip(before.tranches, after.tranches).compactMap { Self.tranche($0, $1, sirens) }
        if let terms = after.terms, terms != before.terms {
            self.terms = Terms(before: before.terms.map { .init($0) }, after: .init(terms))
        } else {
            terms = nil
        }
    }

    private static func line(_ before: AgreementLine?, _ after: AgreementLine) -> Line? {
        guard let before else {
            return Line(siren: after.siren, change: .joins, before: nil, after: content(after))
        }
        guard content(before) != content(after) || before.hasLeft != after.hasLeft else { return nil }
        let change: Line.Change = before.hasLeft == after.hasLeft ? .changes : after.hasLeft ? .leaves : .joins
        return Line(siren: after.siren, change: change, before: content(before), after: content(after))
    }

    private static func content(_ line: AgreementLine) -> Line.Content {
        Line.Content(budgetCents: line.budgetCents, grantedCents: line.grantedCents)
    }

    private static func tranche(
        _ before: FundingDomain.Tranche, _ after: FundingDomain.Tranche, _ sirens: [UUID: String]
    ) -> Tranche? {
        guard before != after else { return nil }
        func cents(_ tranche: FundingDomain.Tranche, _ line: UUID) -> Int64 {
            tranche.parts.first { $0.line == line }?.cents ?? 0
        }
        let parts = sirens.sorted { $0.value < $1.value }.compactMap { line, siren -> Tranche.Part? in
            let part = Tranche.Part(siren: siren, beforeCents: cents(before, line), afterCents: cents(after, line))
            return part.beforeCents == part.afterCents ? nil : part
        }
        return Tranche(
            number: after.number, beforeCents: before.amountCents, afterCents: after.amountCents, parts: parts)
    }
}
