import CofundingRules
import FundingDomain
import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@Suite struct StateAidSteps {
    private let siren = "200034528"

    private func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

    private func aid(
        _ basis: AidBasis, on text: String = "2026-03-02", rules: StateAidRules? = .gber2014
    ) throws -> BeneficiaryAid {
        BeneficiaryAid(undertaking: siren, basis: basis, day: try day(text), rules: rules)
    }

    private func step(_ aid: BeneficiaryAid?, requestedCents: Int64 = 100_000_000) throws -> GrantStep? {
        let decision = Controls.decision(rank: 1, requestedCents: requestedCents)
        return CallAllotment(call: decision.call).step(
            decision, ruleSets: [try Controls.ruleSet()], envelope: UUID(), grant: UUID(), aid: aid)
    }

    private func result(_ aid: BeneficiaryAid?) throws -> CofundingResult? {
        guard case .reserve(let claim) = try step(aid) else { return nil }
        #expect(claim.aid == aid)
        return claim.result
    }

    @Test func aBasisBindsAndWithoutOneNothingChanges() throws {
        let without = try #require(try result(nil))
        #expect(without.derivation.map(\.rule) == [.animationRate, .animationCeiling, .requestedAmount])
        #expect(without.grantedCents == 100_000_000 && without.stateAidRules == nil)
        let gber = try aid(.gber(work: .experimentalDevelopment, size: .large, isCollaboration: false))
        let bound = try #require(try result(gber))
        #expect(bound.grantedCents == 50_000_000 && bound.bindingRule == .gberIntensity)
        #expect(try result(try aid(.nonEconomic, rules: nil))?.grantedCents == 100_000_000)
    }

    @Test func withoutRulesOfItsBasisARankWaitsAndWithoutRoomItIsRefused() throws {
        let gber = AidBasis.gber(work: .industrialResearch, size: .small, isCollaboration: true)
        #expect(try step(try aid(gber, rules: nil)) == .wait(.ruleSet))
        // Rules are in force, intensities not yet.
        #expect(try step(try aid(gber, on: "2014-06-30")) == .wait(.ruleSet))
        let used = [DeMinimisAid(grantedOn: try day("2025-01-01"), cents: 30_000_000, siren: siren)]
        func deMinimis(_ previous: [DeMinimisAid], on text: String = "2026-03-02") throws -> BeneficiaryAid {
            try aid(.deMinimis(previous: previous, fiscalYearStart: .january, isSGEI: false), on: text)
        }
        // Beyond the last regime.
        #expect(try step(try deMinimis([], on: "2031-01-01")) == .wait(.ruleSet))
        guard case .refuse(let refusal) = try step(try deMinimis(used)) else {
            Issue.record("what is used up was granted")
            return
        }
        #expect(refusal.reason == GrantRefusal.deMinimisExhausted)
        guard case .refuse(let nothing) = try step(try deMinimis([]), requestedCents: 0) else {
            Issue.record("nothing was granted")
            return
        }
        #expect(nothing.reason == GrantRefusal.nothingToGrant)
    }

    @Test func rulesOfStateAidFollowOneAnotherByDays() throws {
        func rules(_ name: String, from text: String) throws -> StateAidRules {
            try StateAidRules(
                name: name, validFrom: try day(text), intensities: StateAidRules.gber2014.intensities,
                deMinimis: StateAidRules.gber2014.deMinimis)
        }
        let today = try day("2026-03-02")
        // The first may begin in the past, and may be published for later.
        try RuleSetSuccession.check(.gber2014, after: [], on: today)
        try RuleSetSuccession.check(try rules("b", from: "2026-03-02"), after: [.gber2014], on: today)
        #expect(throws: FundingError.stateAidRulesExist) {
            try RuleSetSuccession.check(.gber2014, after: [.gber2014], on: today)
        }
        let past = try rules("b", from: "2026-03-01")
        #expect(throws: FundingError.stateAidRulesBackdated) {
            try RuleSetSuccession.check(past, after: [.gber2014], on: today)
        }
        let (earlier, later) = (try rules("b", from: "2026-04-01"), try rules("c", from: "2026-05-01"))
        #expect(throws: FundingError.stateAidRulesBackdated) {
            try RuleSetSuccession.check(earlier, after: [later], on: today)
        }
    }

    @Test func aDeclarationNamesItsHeadAmongItsMembersOnce() throws {
        let declaration = try AidDeclaration.declare(
            head: siren, members: ["732829320", siren, "732829320"], basis: .nonEconomic,
            declaredOn: try day("2026-03-02"), today: try day("2026-03-02"))
        #expect(declaration.members == [siren, "732829320"])
        #expect(declaration.basis.ground(with: []) == .nonEconomic)
    }
}
