package import CofundingRules
package import Events

extension StateAidRules {
    /// - Throws: `CofundingRulesError.invalidStateAidRules` with the field at fault, as a path of the payload such as
    ///   `deMinimis/1/untilDay`.
    package init(_ payload: StateAidRulesPublished) throws(CofundingRulesError) {
        var regimes: [DeMinimisRegime] = []
        for (index, terms) in payload.deMinimis.enumerated() {
            regimes.append(try DeMinimisRegime(terms, at: "deMinimis/\(index)"))
        }
        let validFrom = try day(payload.validFromDay, at: "validFromDay")
        let intensities = try AidIntensities(payload.intensities)
        do throws(CofundingRulesError) {
            try self.init(
                name: payload.stateAidRules, validFrom: validFrom, intensities: intensities, deMinimis: regimes)
        } catch {
            throw error.renamed("", ["name": "stateAidRules"])
        }
    }
}

extension AidIntensities {
    fileprivate init(_ terms: AidIntensityTerms) throws(CofundingRulesError) {
        let from = try day(terms.fromDay, at: "intensities/fromDay")
        let until = try day(terms.untilDay, at: "intensities/untilDay")
        for (field, value) in [
            ("fundamentalResearch", terms.fundamentalResearchBasisPoints),
            ("industrialResearch", terms.industrialResearchBasisPoints),
            ("experimentalDevelopment", terms.experimentalDevelopmentBasisPoints),
            ("feasibilityStudy", terms.feasibilityStudyBasisPoints),
        ] where value < 1 || value > BasisPoints.whole {
            throw .invalidStateAidRules(field: "intensities/\(field)BasisPoints", expected: "1 to 10000")
        }
        do throws(CofundingRulesError) {
            try self.init(
                from: from, until: until,
                baseBasisPoints: [
                    .fundamentalResearch: terms.fundamentalResearchBasisPoints,
                    .industrialResearch: terms.industrialResearchBasisPoints,
                    .experimentalDevelopment: terms.experimentalDevelopmentBasisPoints,
                    .feasibilityStudy: terms.feasibilityStudyBasisPoints,
                ],
                sizeBonuses: SizeBonuses(
                    mediumBasisPoints: terms.mediumBonusBasisPoints, smallBasisPoints: terms.smallBonusBasisPoints),
                collaboration: CollaborationTerms(
                    bonusBasisPoints: terms.collaborationBonusBasisPoints,
                    works: Set(terms.collaborationWorks.map { KindOfWork($0) }),
                    undertakingMaxBasisPoints: terms.undertakingMaxBasisPoints,
                    researchMinBasisPoints: terms.researchMinBasisPoints),
                bonusesCumulate: terms.areBonusesCumulative, ceilingBasisPoints: terms.ceilingBasisPoints,
                source: terms.source)
        } catch {
            throw error.renamed(
                "intensities",
                [
                    "until": "untilDay", "sizeBonuses/mediumBasisPoints": "mediumBonusBasisPoints",
                    "sizeBonuses/smallBasisPoints": "smallBonusBasisPoints",
                    "collaboration/bonusBasisPoints": "collaborationBonusBasisPoints",
                    "collaboration/undertakingMaxBasisPoints": "undertakingMaxBasisPoints",
                    "collaboration/researchMinBasisPoints": "researchMinBasisPoints",
                ])
        }
    }
}

extension DeMinimisRegime {
    fileprivate init(_ terms: DeMinimisTerms, at place: String) throws(CofundingRulesError) {
        let from = try day(terms.fromDay, at: "\(place)/fromDay")
        let until = try day(terms.untilDay, at: "\(place)/untilDay")
        let window: DeMinimisWindow =
            switch terms.windowKind {
            case .fiscalYears: .fiscalYears(terms.windowYears)
            case .rollingYears: .rollingYears(terms.windowYears, countsBoundaryDay: terms.countsBoundaryDay)
            }
        do throws(CofundingRulesError) {
            try self.init(
                from: from, until: until, ceilingCents: terms.ceilingCents, sgeiCeilingCents: terms.sgeiCeilingCents,
                window: window, source: terms.source)
        } catch {
            throw error.renamed(place, ["until": "untilDay", "window": "windowYears"])
        }
    }
}

extension KindOfWork {
    fileprivate init(_ work: AidedWork) {
        switch work {
        case .fundamentalResearch: self = .fundamentalResearch
        case .industrialResearch: self = .industrialResearch
        case .experimentalDevelopment: self = .experimentalDevelopment
        case .feasibilityStudy: self = .feasibilityStudy
        }
    }
}

extension CofundingRulesError {
    /// The same with the field as the payload calls it: the part below `intensities` or `deMinimis`, under `place`.
    fileprivate func renamed(_ place: String, _ names: [String: String]) -> CofundingRulesError {
        guard case .invalidStateAidRules(let path, let expected) = self else { return self }
        let own = place.isEmpty ? path : path.drop { $0 != "/" }.dropFirst().description
        let name = names[own] ?? own
        return .invalidStateAidRules(field: place.isEmpty ? name : "\(place)/\(name)", expected: expected)
    }
}

private func day(_ text: String, at field: String) throws(CofundingRulesError) -> CalendarDay {
    guard let day = CalendarDay(text) else {
        throw .invalidStateAidRules(field: field, expected: "a day such as 2026-01-31")
    }
    return day
}

private func day(_ text: String?, at field: String) throws(CofundingRulesError) -> CalendarDay? {
    guard let text else { return nil }
    let found: CalendarDay = try day(text, at: field)
    return found
}
