import Testing

import struct FoundationEssentials.Date

@testable import ApplicationsDomain

struct EligibilityTests {
    @Test(arguments: StructureType.allCases)
    func aLeadOfEveryKindIsJudgedByThePredicateOfTheCall(_ lead: StructureType) throws {
        for partner in [nil] + StructureType.allCases.map(Optional.some) {
            // given
            var content = Controls.content()
            content.lead?.structureType = lead
            content.partners =
                partner.map {
                    [.init(siren: Controls.partnerSiren, structureType: $0, sector: nil, name: "Partenaire")]
                } ?? []
            // when
            let reasons = EligibilityCriteria.reasons(content, estimate: .contentMissing)
            // then
            let isAdmitted =
                lead.isHealthStructure || (lead == .innovationActor && partner?.isHealthStructure ?? false)
            #expect(reasons.isEmpty == isAdmitted, "\(lead) with \(String(describing: partner))")
        }
    }

    @Test func exactlyTheCareStructuresAreHealthStructures() {
        #expect(
            StructureType.allCases.filter(\.isHealthStructure).map(\.rawValue) == [
                "etablissement_sante_public", "etablissement_sante_prive", "esms", "structure_ville",
            ])
    }

    @Test func theSlugsAreTheOnesThatWerePublished() {
        #expect(
            EligibilityReason.allCases.map(\.rawValue) == [
                "lead-not-admitted", "no-health-structure", "siren-invalid", "submitted-late", "requested-above-cap",
                "no-ceiling-for-structure-type",
            ])
    }

    @Test func everyReasonIsGivenAtOnceAndInOrder() throws {
        // given
        let call = try Controls.call()
        var content = Controls.content()
        content.lead?.structureType = .innovationActor
        content.partners[0].siren = "123456789"
        content.requestedCents = 75_000_001
        let deposit = Deposit(
            number: 1, content: content, canonical: [], receipt: "", submittedAt: call.graceUntil)
        // when
        let reasons = EligibilityCriteria.reasons(deposit, call: call, estimate: try Controls.estimate(content))
        // then
        #expect(reasons == [.noHealthStructure, .sirenInvalid, .submittedLate, .requestedAboveCap])
    }

    @Test func theCapItselfMayBeAskedFor() throws {
        var content = Controls.content()
        content.requestedCents = 75_000_000
        #expect(EligibilityCriteria.reasons(content, estimate: try Controls.estimate(content)).isEmpty)
        content.requestedCents = 75_000_001
        #expect(
            EligibilityCriteria.reasons(content, estimate: try Controls.estimate(content)) == [.requestedAboveCap])
    }

    @Test func nothingIsDecidedBeforeTheClosing() throws {
        let call = try Controls.call()
        let application = try Controls.application(.submitted, in: call)
        let last = call.graceUntil.addingTimeInterval(-0.001)
        #expect(
            refusal { _ = try application.decide(try Controls.assess(call), at: last) }?.slug == "call-still-open")
        #expect(throws: Never.self) { try application.decide(try Controls.assess(call), at: call.graceUntil) }
    }

    @Test func nothingIsDecidedWithoutRules() throws {
        let call = try Controls.call()
        let application = try Controls.application(.submitted, in: call)
        let command = DecideEligibility(by: "operator-1", call: call, estimate: .ruleSetUnknown)
        let explanation = refusal { _ = try application.decide(.decideEligibility(command), at: Controls.afterCall) }
        #expect(explanation?.slug == "rule-set-not-known" && explanation?.kind == .conflict)
    }

    @Test func anIneligibleApplicationEndsThere() throws {
        // given
        let call = try Controls.call()
        var content = Controls.content()
        content.lead?.structureType = .supplier
        var application = try Controls.draft(call, content: content)
        try application.obey(try Controls.submit(call, content), at: Controls.duringCall)
        // when
        try application.obey(try Controls.assess(call, content), at: Controls.afterCall)
        // then
        #expect(application.state == .ineligible)
        #expect(application.eligibility?.reasons == [.leadNotAdmitted, .noCeiling])
        #expect(
            refusal { _ = try application.decide(Controls.review(by: "r"), at: Controls.afterCall) }?.slug
                == "wrong-state")
    }
}
