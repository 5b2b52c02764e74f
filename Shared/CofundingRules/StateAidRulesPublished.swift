extension StateAidRules {
    /// GBER Article 25 and the de minimis regulations of 2014 and 2024, as summed up by the aid schemes that rest on
    /// them.
    ///
    /// The regulation of 2014 has been prolonged several times; no end of its intensities is given here, and rules that
    /// follow are published with a `validFrom` of their own. The bonuses for size and for collaboration add up (70 %
    /// and 15 points, held at 80 %); those that exclude each other are the variants of the second. Whether the day
    /// three years before the grant counts is a choice: it does, as in the published example (a grant of 30 January
    /// 2024 counts from 30 January 2021), which leaves less room.
    package static let gber2014: StateAidRules = {
        do throws(CofundingRulesError) {
            return try StateAidRules(
                name: "gber-2014", validFrom: CalendarDay(known: 2014, 1, 1), intensities: article25(),
                deMinimis: [regulation1407of2013(), regulation2831of2023()])
        } catch {
            preconditionFailure("the published State-aid rules are refused by their own limits: \(error)")
        }
    }()

    private static func article25() throws(CofundingRulesError) -> AidIntensities {
        try AidIntensities(
            from: CalendarDay(known: 2014, 7, 1), until: nil,
            baseBasisPoints: [
                .fundamentalResearch: 10_000, .industrialResearch: 5000, .experimentalDevelopment: 2500,
                .feasibilityStudy: 5000,
            ],
            sizeBonuses: SizeBonuses(mediumBasisPoints: 1000, smallBasisPoints: 2000),
            collaboration: CollaborationTerms(
                bonusBasisPoints: 1500, works: [.industrialResearch, .experimentalDevelopment],
                undertakingMaxBasisPoints: 7000, researchMinBasisPoints: 1000),
            bonusesCumulate: true, ceilingBasisPoints: 8000,
            source: "Regulation (EU) No 651/2014 (GBER), Article 25(5) to (7), as amended by (EU) 2023/1315")
    }

    private static func regulation1407of2013() throws(CofundingRulesError) -> DeMinimisRegime {
        try DeMinimisRegime(
            from: CalendarDay(known: 2014, 1, 1), until: CalendarDay(known: 2023, 12, 31),
            ceilingCents: 20_000_000, sgeiCeilingCents: 50_000_000, window: .fiscalYears(3),
            source: "Regulation (EU) No 1407/2013, Article 3; services of general economic interest: No 360/2012")
    }

    private static func regulation2831of2023() throws(CofundingRulesError) -> DeMinimisRegime {
        try DeMinimisRegime(
            from: CalendarDay(known: 2024, 1, 1), until: CalendarDay(known: 2030, 12, 31),
            ceilingCents: 30_000_000, sgeiCeilingCents: 75_000_000,
            window: .rollingYears(3, countsBoundaryDay: true),
            source: "Regulation (EU) 2023/2831, Article 3; services of general economic interest: 2023/2832")
    }
}
