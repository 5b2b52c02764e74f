import Events

extension EventSamples {
    /// As the European Union has them.
    static func stateAid(isEndKnown: Bool) -> StateAidRulesPublished {
        StateAidRulesPublished(
            stateAidRules: "gber-2014", validFromDay: "2014-01-01",
            intensities: AidIntensityTerms(
                fromDay: "2014-07-01", untilDay: isEndKnown ? "2026-12-31" : nil,
                fundamentalResearchBasisPoints: 10_000, industrialResearchBasisPoints: 5000,
                experimentalDevelopmentBasisPoints: 2500, feasibilityStudyBasisPoints: 5000,
                mediumBonusBasisPoints: 1000, smallBonusBasisPoints: 2000, collaborationBonusBasisPoints: 1500,
                collaborationWorks: [.industrialResearch, .experimentalDevelopment], undertakingMaxBasisPoints: 7000,
                researchMinBasisPoints: 1000, areBonusesCumulative: true, ceilingBasisPoints: 8000,
                source: "Regulation (EU) No 651/2014, Article 25"),
            deMinimis: [
                DeMinimisTerms(
                    fromDay: "2024-01-01", untilDay: isEndKnown ? "2030-12-31" : nil, ceilingCents: 30_000_000,
                    sgeiCeilingCents: 75_000_000, windowKind: .rollingYears, windowYears: 3, countsBoundaryDay: true,
                    source: "Regulation (EU) 2023/2831, Article 3")
            ])
    }
}
