package import CofundingRules
package import Events

extension StateAidRulesPublished {
    package init(_ rules: StateAidRules) {
        self.init(
            stateAidRules: rules.name, validFromDay: rules.validFrom.description,
            intensities: AidIntensityTerms(rules.intensities), deMinimis: rules.deMinimis.map { DeMinimisTerms($0) })
    }
}

extension AidIntensityTerms {
    fileprivate init(_ intensities: AidIntensities) {
        func base(_ work: KindOfWork) -> Int { intensities.baseBasisPoints[work] ?? 0 }
        self.init(
            fromDay: intensities.from.description, untilDay: intensities.until?.description,
            fundamentalResearchBasisPoints: base(.fundamentalResearch),
            industrialResearchBasisPoints: base(.industrialResearch),
            experimentalDevelopmentBasisPoints: base(.experimentalDevelopment),
            feasibilityStudyBasisPoints: base(.feasibilityStudy),
            mediumBonusBasisPoints: intensities.sizeBonuses.mediumBasisPoints,
            smallBonusBasisPoints: intensities.sizeBonuses.smallBasisPoints,
            collaborationBonusBasisPoints: intensities.collaboration.bonusBasisPoints,
            // In one order, so that the same rules are always the same text.
            collaborationWorks: KindOfWork.allCases.filter(intensities.collaboration.works.contains).compactMap {
                AidedWork(rawValue: $0.rawValue)
            },
            undertakingMaxBasisPoints: intensities.collaboration.undertakingMaxBasisPoints,
            researchMinBasisPoints: intensities.collaboration.researchMinBasisPoints,
            areBonusesCumulative: intensities.bonusesCumulate, ceilingBasisPoints: intensities.ceilingBasisPoints,
            source: intensities.source)
    }
}

extension DeMinimisTerms {
    fileprivate init(_ regime: DeMinimisRegime) {
        let (kind, countsBoundaryDay): (DeMinimisWindowKind, Bool) =
            switch regime.window {
            case .fiscalYears: (.fiscalYears, true)
            case .rollingYears(_, let counts): (.rollingYears, counts)
            }
        self.init(
            fromDay: regime.from.description, untilDay: regime.until?.description, ceilingCents: regime.ceilingCents,
            sgeiCeilingCents: regime.sgeiCeilingCents, windowKind: kind, windowYears: regime.window.years,
            countsBoundaryDay: countsBoundaryDay, source: regime.source)
    }
}
