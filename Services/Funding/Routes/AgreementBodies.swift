import CofundingRules
import FundingDomain
import HTTPDefaults

import struct FoundationEssentials.UUID

/// A beneficiary's line as a caller writes it.
struct LineBody: Decodable, Sendable {
    let siren: String
    let budgetCents: Int64?
    let grantedCents: Int64
    /// Of one that joins.
    let structureType: String?
    let sector: String?

    var line: AgreementPlan.Line {
        AgreementPlan.Line(siren: siren, budgetCents: budgetCents, grantedCents: grantedCents)
    }
}

/// The terms of an agreement as a caller writes them.
struct TermsBody: Decodable, Sendable {
    let from: String
    let until: String
    let rateBasisPoints: Int
    let statementMonths: Int
    let statementDueDays: Int

    func terms() throws -> AgreementTerms {
        guard let rate = BasisPoints(rateBasisPoints) else {
            throw Problem.invalid("/terms/rateBasisPoints", expected: "a rate from 1 to 10000")
        }
        return try AgreementTerms(
            from: CalendarDay.read(from, at: "/terms/from"), until: CalendarDay.read(until, at: "/terms/until"),
            rate: rate, calendar: StatementCalendar(months: statementMonths, dueDays: statementDueDays))
    }
}

struct DraftAgreement: Decodable, Sendable {
    struct Share: Decodable, Sendable {
        let shareBasisPoints: Int
        let conditions: [String]
    }

    let grant: UUID
    let lines: [LineBody]?
    let schedule: [Share]?
    let terms: TermsBody?

    func plan() throws -> AgreementPlan {
        AgreementPlan(
            lines: lines?.map(\.line), schedule: try schedule.map { try Self.read($0) },
            terms: try terms?.terms())
    }

    private static func read(_ shares: [Share]) throws -> TrancheSchedule {
        var result: [TrancheSchedule.Share] = []
        for (index, share) in shares.enumerated() {
            guard let points = BasisPoints(share.shareBasisPoints) else {
                throw Problem.invalid("/schedule/\(index)/shareBasisPoints", expected: "a share from 1 to 10000")
            }
            var conditions: [ReleaseCondition] = []
            for (place, text) in share.conditions.enumerated() {
                guard let condition = ReleaseCondition(text) else {
                    let kinds = EvidenceOf.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem.invalid(
                        "/schedule/\(index)/conditions/\(place)",
                        expected: "one of \(kinds), with a count such as experiment-started:3 where it takes more")
                }
                conditions.append(condition)
            }
            result.append(TrancheSchedule.Share(share: points, conditions: conditions))
        }
        return try TrancheSchedule(result)
    }
}

struct SignedBody: Decodable, Sendable {
    struct Signatory: Decodable, Sendable {
        let side: String
        let name: String
        let role: String
    }

    let signatories: [Signatory]
    let signedOn: String

    func signature() throws(Problem) -> AgreementStore.Signature {
        var people: [FundingDomain.Signatory] = []
        for (index, signatory) in signatories.enumerated() {
            let side: SignatorySide = try Reading.oneOf(signatory.side, field: "/signatories/\(index)/side")
            people.append(FundingDomain.Signatory(side: side, name: signatory.name, role: signatory.role))
        }
        return AgreementStore.Signature(signatories: people, day: try Reading.day(signedOn, field: "/signedOn"))
    }
}

struct DraftAmendment: Decodable, Sendable {
    let reason: String
    let lines: [LineBody]?
    let terms: TermsBody?

    func draft() throws -> AmendmentStore.Draft {
        let lines = try lines?.enumerated().map { index, line in
            // Checked here, since they are kept also where nobody joins by them.
            for (name, text) in [("structureType", line.structureType), ("sector", line.sector)] {
                guard let text else { continue }
                try AmendmentPlan.check(word: text, field: "/lines/\(index)/\(name)")
            }
            return AmendmentPlan.Line(
                line.line,
                member: line.structureType.map {
                    Member(siren: line.siren, structureType: $0, sector: line.sector)
                })
        }
        return AmendmentStore.Draft(
            plan: AmendmentPlan(lines: lines, terms: try terms?.terms()), reason: reason)
    }
}
