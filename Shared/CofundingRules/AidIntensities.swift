/// What an aided part of a project is, in the categories of GBER Article 25(2).
package enum KindOfWork: String, Sendable, CaseIterable {
    case fundamentalResearch = "fundamental-research"
    case industrialResearch = "industrial-research"
    case experimentalDevelopment = "experimental-development"
    case feasibilityStudy = "feasibility-study"
}

/// Size of the undertaking with all that is linked to it, as GBER Annex I counts.
package enum EnterpriseSize: String, Sendable, CaseIterable {
    case small
    case medium
    case large

    package var isSME: Bool { self != .large }
}

/// The highest shares of eligible cost that aid for research and development may reach, as data.
///
/// The intensity is the base of the kind of work plus the bonuses. What bonuses raise stays at or below the ceiling; a
/// base above the ceiling (fundamental research) stands as it is.
package struct AidIntensities: Sendable, Equatable {
    /// First day on which aid may be granted under them.
    package let from: CalendarDay
    /// Last day, inclusive; nil while no end is known.
    package let until: CalendarDay?
    /// In 1/10,000 of eligible cost; one for every kind of work.
    package let baseBasisPoints: [KindOfWork: Int]
    package let sizeBonuses: SizeBonuses
    package let collaboration: CollaborationTerms
    /// Whether the bonus for size and the one for collaboration add up. Where they do not, the higher one counts.
    package let bonusesCumulate: Bool
    package let ceilingBasisPoints: Int
    /// Where they are published.
    package let source: String

    /// - Throws: `CofundingRulesError.invalidStateAidRules` with the field at fault.
    package init(
        from: CalendarDay, until: CalendarDay?, baseBasisPoints: [KindOfWork: Int], sizeBonuses: SizeBonuses,
        collaboration: CollaborationTerms, bonusesCumulate: Bool, ceilingBasisPoints: Int, source: String
    ) throws(CofundingRulesError) {
        if let until, until < from {
            throw .invalidStateAidRules(field: "intensities/until", expected: "\(from) or later")
        }
        let bases = KindOfWork.allCases.compactMap { baseBasisPoints[$0] }
        guard bases.count == KindOfWork.allCases.count, bases.allSatisfy((1...BasisPoints.whole).contains) else {
            throw .invalidStateAidRules(
                field: "intensities/baseBasisPoints", expected: "1 to 10000 for every kind of work")
        }
        for (field, value) in [
            ("sizeBonuses/mediumBasisPoints", sizeBonuses.mediumBasisPoints),
            ("sizeBonuses/smallBasisPoints", sizeBonuses.smallBasisPoints),
            ("collaboration/bonusBasisPoints", collaboration.bonusBasisPoints),
            ("collaboration/undertakingMaxBasisPoints", collaboration.undertakingMaxBasisPoints),
            ("collaboration/researchMinBasisPoints", collaboration.researchMinBasisPoints),
        ] where BasisPoints(value) == nil {
            throw .invalidStateAidRules(field: "intensities/\(field)", expected: "0 to 10000")
        }
        guard (1...BasisPoints.whole).contains(ceilingBasisPoints) else {
            throw .invalidStateAidRules(field: "intensities/ceilingBasisPoints", expected: "1 to 10000")
        }
        guard (1...CofundingRuleSet.sourceLengthMax).contains(source.count) else {
            throw .invalidStateAidRules(
                field: "intensities/source", expected: "1 to 300 characters: where the intensities are published")
        }
        self.from = from
        self.until = until
        self.baseBasisPoints = baseBasisPoints
        self.sizeBonuses = sizeBonuses
        self.collaboration = collaboration
        self.bonusesCumulate = bonusesCumulate
        self.ceilingBasisPoints = ceilingBasisPoints
        self.source = source
    }
}

/// What the size of an undertaking adds to the intensity of every kind of work, in 1/10,000 of eligible cost.
package struct SizeBonuses: Sendable, Equatable {
    package var mediumBasisPoints: Int
    package var smallBasisPoints: Int

    package init(mediumBasisPoints: Int, smallBasisPoints: Int) {
        self.mediumBasisPoints = mediumBasisPoints
        self.smallBasisPoints = smallBasisPoints
    }
}

/// When partners collaborate effectively, and what that is worth.
package struct CollaborationTerms: Sendable, Equatable {
    /// In 1/10,000 of eligible cost.
    package var bonusBasisPoints: Int
    /// The kinds of work that get the bonus.
    package var works: Set<KindOfWork>
    /// The largest share of the eligible cost that a single undertaking may bear, inclusive.
    package var undertakingMaxBasisPoints: Int
    /// The smallest share that research bodies have to bear together, inclusive.
    package var researchMinBasisPoints: Int

    package init(
        bonusBasisPoints: Int, works: Set<KindOfWork>, undertakingMaxBasisPoints: Int, researchMinBasisPoints: Int
    ) {
        self.bonusBasisPoints = bonusBasisPoints
        self.works = works
        self.undertakingMaxBasisPoints = undertakingMaxBasisPoints
        self.researchMinBasisPoints = researchMinBasisPoints
    }
}

extension AidIntensities {
    package func isInForce(on day: CalendarDay) -> Bool { from <= day && until.map { day <= $0 } ?? true }

    /// The highest share of eligible cost for this work by an undertaking of this size.
    ///
    /// - Parameter isCollaboration: as `effectiveCollaboration(between:)` finds it.
    package func intensity(of work: KindOfWork, size: EnterpriseSize, isCollaboration: Bool) -> AidIntensity {
        let sizeBonus =
            switch size {
            case .small: sizeBonuses.smallBasisPoints
            case .medium: sizeBonuses.mediumBasisPoints
            case .large: 0
            }
        return AidIntensity(
            base: baseBasisPoints[work] ?? 0, sizeBonus: sizeBonus,
            collaborationBonus: isCollaboration && collaboration.works.contains(work)
                ? collaboration.bonusBasisPoints : 0,
            bonusesCumulate: bonusesCumulate, ceiling: ceilingBasisPoints)
    }
}

/// An intensity with all that led to it, each in 1/10,000 of eligible cost.
package struct AidIntensity: Sendable, Equatable {
    package let base: Int
    package let sizeBonus: Int
    package let collaborationBonus: Int
    package let bonusesCumulate: Bool
    package let ceiling: Int

    package var basisPoints: Int {
        let bonus = bonusesCumulate ? sizeBonus + collaborationBonus : max(sizeBonus, collaborationBonus)
        return min(base + bonus, max(base, ceiling))
    }

    /// What the share follows from, for people.
    package var inputs: [String] {
        [
            "base \(percent(base))", "size +\(percent(sizeBonus))", "collaboration +\(percent(collaborationBonus))",
            bonusesCumulate ? "bonuses add up" : "the higher bonus counts", "ceiling \(percent(ceiling))",
            "intensity \(percent(basisPoints))",
        ]
    }

    /// The most that may be granted, rounded down to the cent.
    ///
    /// - Parameter eligibleCostCents: not negative.
    package func capCents(of eligibleCostCents: Int64) -> Int64 {
        // Bases and the ceiling are at most the whole, so this is a share.
        BasisPoints(basisPoints)?.roundedDown(of: eligibleCostCents) ?? 0
    }
}

/// 1/10,000 as per cent with as many decimals as are needed: 4250 is `42.5 %`.
private func percent(_ basisPoints: Int) -> String {
    let (whole, rest) = basisPoints.quotientAndRemainder(dividingBy: 100)
    if rest == 0 { return "\(whole) %" }
    return rest.isMultiple(of: 10) ? "\(whole).\(rest / 10) %" : "\(whole).\(rest < 10 ? "0" : "")\(rest) %"
}
