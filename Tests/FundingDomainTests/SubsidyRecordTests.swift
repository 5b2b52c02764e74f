import CofundingRules
import FundingDomain
import Identifiers
import Testing

@Suite struct SubsidyRecords {
    @Test func theColumnsAreThoseOfTheFormatInItsOrder() {
        #expect(
            SubsidyField.header.joined(separator: ",")
                == "nomAttribuant,idAttribuant,dateConvention,referenceDecision,nomBeneficiaire,idBeneficiaire,objet,"
                + "montant,nature,conditionsVersement,datesPeriodeVersement,idRAE,notificationUE,pourcentageSubvention")
    }

    @Test func anAgreementWithEverythingHasARowForEachBeneficiary() throws {
        // given
        let lines = [
            try SubsidyControls.line(), try SubsidyControls.line("CH Test", siret: "18002002600019", cents: 10_000_000),
        ]
        // when
        let rows = try SubsidyControls.agreement(lines: lines).rows(.beneficiarysPart)
        // then
        #expect(rows.map(\.faults) == [[], []])
        #expect(rows.compactMap(\.record).map(\.amountCents) == [30_000_000, 10_000_000])
        #expect(rows.compactMap(\.record).map(\.share.value) == [7_500_000_000, 2_500_000_000])
        #expect(rows.compactMap(\.record).map(\.beneficiary.siren.digits) == ["200034528", "180020026"])
    }

    /// Every column but idRAE, which a subsidy may lack.
    @Test func everyMissingFieldIsNamedAndNothingIncompleteIsPublished() throws {
        let removals: [SubsidyField: (inout SubsidyDraft) -> Void] = [
            .funderName: { $0.funderName = "" }, .funder: { $0.funder = "" }, .signedOn: { $0.signedOn = nil },
            .reference: { $0.reference = " " }, .beneficiaryName: { $0.beneficiaryName = "" },
            .beneficiary: { $0.beneficiary = "" }, .object: { $0.object = "\u{00A0}" },
            .amount: { $0.amountCents = nil }, .natures: { $0.natures = [] }, .conditions: { $0.conditions = nil },
            .period: { $0.period = nil }, .isDeMinimis: { $0.isDeMinimis = nil }, .share: { $0.share = nil },
        ]
        #expect(removals.count == SubsidyField.allCases.count - 1)
        let whole = try SubsidyControls.row(of: SubsidyControls.agreement()).draft
        #expect(SubsidyRecord(whole) != nil)
        for (field, remove) in removals {
            // given
            var draft = whole
            // when
            remove(&draft)
            // then
            #expect(draft.missing == [field])
            #expect(
                draft.faults.allSatisfy { !$0.mend.isEmpty && $0.title.hasPrefix("\(field.rawValue) is missing: ") })
            #expect(SubsidyRecord(draft) == nil)
        }
        #expect(SubsidyDraft().missing == SubsidyField.allCases.filter { $0 != .aidID })
    }

    @Test func everyWrongFieldIsNamedWithHowToMendIt() throws {
        let long = String(repeating: "é", count: 257)
        let back = PaymentPeriod(
            first: try SubsidyControls.day("2026-03-02"), last: try SubsidyControls.day("2026-03-01"))
        let oneDay = PaymentPeriod(on: try SubsidyControls.day("2026-03-02"))
        let spoils: [(SubsidyField, (inout SubsidyDraft) -> Void)] = [
            (.funderName, { $0.funderName = "A\nB" }), (.funder, { $0.funder = "18002002600018" }),
            (.reference, { $0.reference = " TLE" }), (.reference, { $0.reference = "TLE\u{200B}1" }),
            (.beneficiaryName, { $0.beneficiaryName = "Caisse " }), (.beneficiary, { $0.beneficiary = "200034528" }),
            (.object, { $0.object = long }), (.amount, { $0.amountCents = 0 }), (.amount, { $0.amountCents = -1 }),
            (.amount, { $0.amountCents = 1_000_000_000_000_001 }),
            (.conditions, { $0.conditions = .other("unique") }), (.conditions, { $0.conditions = .other("échelonné") }),
            (.conditions, { $0.conditions = .other("à\tvoir") }), (.period, { $0.period = back }),
            (.period, { $0.period = oneDay }), (.aidID, { $0.aidID = "" }), (.aidID, { $0.aidID = "123456" }),
            (.aidID, { $0.aidID = "1 2" }),
        ]
        let whole = try SubsidyControls.row(of: SubsidyControls.agreement()).draft
        for (field, spoil) in spoils {
            var draft = whole
            spoil(&draft)
            #expect(draft.faults.map(\.field) == [field])
            #expect(draft.faults.allSatisfy { !$0.isMissing && $0.title.hasPrefix("\(field.rawValue) is wrong: ") })
            #expect(SubsidyRecord(draft) == nil)
        }
        var longest = whole
        longest.object = String(long.dropLast())
        longest.conditions = .other("autre")
        #expect(longest.faults.isEmpty)
    }

    @Test func beneficiariesAddUpToTheAgreementAndAreNamedOnce() throws {
        // given
        var agreement = try SubsidyControls.agreement(lines: [SubsidyControls.line(), SubsidyControls.line()])
        // then
        #expect(agreement.rows(.beneficiarysPart).map { $0.faults.map(\.field) } == [[.beneficiary], [.beneficiary]])
        // when
        agreement.lines[1].siret = "18002002600019"
        agreement.grantedCents += 1
        // then
        for meaning in SubsidyAmountMeaning.allCases {
            #expect(agreement.rows(meaning).map { $0.faults.map(\.field) } == [[.amount], [.amount]])
        }
        agreement.lines[1].isDeMinimis = nil
        #expect(agreement.rows(.beneficiarysPart)[1].faults.map(\.field) == [.amount, .isDeMinimis])
        agreement.lines[1].isDeMinimis = false
        agreement.grantedCents -= 1
        agreement.lines[1].cents = nil
        for meaning in SubsidyAmountMeaning.allCases {
            #expect(agreement.rows(meaning).map(\.missing) == [[], [.amount, .share]])
        }
    }

    @Test func agreementWithoutBeneficiariesIsNotPassedOver() throws {
        let rows = try SubsidyControls.agreement(lines: []).rows(.beneficiarysPart)
        #expect(rows.count == 1)
        #expect(rows[0].missing.contains(.beneficiaryName))
        #expect(rows[0].record == nil)
    }

    @Test func theAmountIsThePartOrTheWholeAsThePolicySays() throws {
        let lines = [
            try SubsidyControls.line(cents: 1), try SubsidyControls.line(siret: "18002002600019", cents: 2),
        ]
        let agreement = try SubsidyControls.agreement(lines: lines)
        #expect(agreement.rows(.beneficiarysPart).compactMap(\.record).map(\.amountCents) == [1, 2])
        let whole = agreement.rows(.wholeSubsidy).compactMap(\.record)
        #expect(whole.map(\.amountCents) == [3, 3])
        #expect(whole.map(\.share.value) == [3_333_333_333, 6_666_666_666])
        #expect(whole.map { $0.share.cents(of: $0.amountCents) } == [1, 2])
    }

    @Test func aPartNeverClaimsMoreThanItIs() throws {
        var random = SeededGenerator(seed: 7)
        #expect(SubsidyShare(0, of: 0) == nil)
        #expect(SubsidyShare(0, of: -1) == nil)
        #expect(SubsidyShare(2, of: 1) == nil)
        #expect(SubsidyShare(-1, of: 1) == nil)
        #expect(SubsidyShare(.max, of: .max)?.value == SubsidyShare.whole)
        for _ in 0..<10_000 {
            let total = Int64(clamping: random.next() >> UInt64.random(in: 1...60, using: &random)) + 1
            let cents = Int64.random(in: 0...total, using: &random)
            let share = try #require(SubsidyShare(cents, of: total))
            // share ≤ cents / total < share + 1 / whole
            #expect(Int128(share.value) * Int128(total) <= Int128(cents) * Int128(SubsidyShare.whole))
            #expect(Int128(share.value + 1) * Int128(total) > Int128(cents) * Int128(SubsidyShare.whole))
            #expect((share.value == SubsidyShare.whole) == (cents == total))
            if total <= 10_000_000_000 { #expect(share.cents(of: total) == cents) }
        }
    }
}
