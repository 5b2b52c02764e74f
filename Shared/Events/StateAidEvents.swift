/// The State-aid rules in force, as data: they bound what a beneficiary may get beside the call's own rules. Days are
/// `yyyy-MM-dd`, in Europe/Paris; shares are in 1/10,000 of the eligible cost.
package struct StateAidRulesPublished: EventPayload {
    package static let type = EventType(.funding, "state-aid-rules", "published")
    /// Name and version, such as `gber-2014`.
    package var stateAidRules: String
    /// In force from this day until the next rules' first.
    package var validFromDay: String
    package var intensities: AidIntensityTerms
    /// No two cover the same day.
    package var deMinimis: [DeMinimisTerms]

    package init(
        stateAidRules: String, validFromDay: String, intensities: AidIntensityTerms, deMinimis: [DeMinimisTerms]
    ) {
        self.stateAidRules = stateAidRules
        self.validFromDay = validFromDay
        self.intensities = intensities
        self.deMinimis = deMinimis
    }
}

/// What an aided part of a project is.
package enum AidedWork: String, Codable, Sendable, CaseIterable {
    case fundamentalResearch = "fundamental-research"
    case industrialResearch = "industrial-research"
    case experimentalDevelopment = "experimental-development"
    case feasibilityStudy = "feasibility-study"
}

/// The highest shares of eligible cost under the block exemption.
package struct AidIntensityTerms: Codable, Sendable, Equatable {
    package var fromDay: String
    /// Inclusive; nil while no end is known.
    package var untilDay: String?
    package var fundamentalResearchBasisPoints: Int
    package var industrialResearchBasisPoints: Int
    package var experimentalDevelopmentBasisPoints: Int
    package var feasibilityStudyBasisPoints: Int
    package var mediumBonusBasisPoints: Int
    package var smallBonusBasisPoints: Int
    package var collaborationBonusBasisPoints: Int
    /// The kinds of work that get the bonus for collaboration.
    package var collaborationWorks: [AidedWork]
    /// The largest share of the cost that one undertaking of a collaboration may bear.
    package var undertakingMaxBasisPoints: Int
    /// The smallest share that its research bodies have to bear together.
    package var researchMinBasisPoints: Int
    /// Whether both bonuses add up; else the higher one counts.
    package var areBonusesCumulative: Bool
    package var ceilingBasisPoints: Int
    /// Where they are published.
    package var source: String

    package init(
        fromDay: String, untilDay: String?, fundamentalResearchBasisPoints: Int, industrialResearchBasisPoints: Int,
        experimentalDevelopmentBasisPoints: Int, feasibilityStudyBasisPoints: Int, mediumBonusBasisPoints: Int,
        smallBonusBasisPoints: Int, collaborationBonusBasisPoints: Int, collaborationWorks: [AidedWork],
        undertakingMaxBasisPoints: Int, researchMinBasisPoints: Int, areBonusesCumulative: Bool,
        ceilingBasisPoints: Int, source: String
    ) {
        self.fromDay = fromDay
        self.untilDay = untilDay
        self.fundamentalResearchBasisPoints = fundamentalResearchBasisPoints
        self.industrialResearchBasisPoints = industrialResearchBasisPoints
        self.experimentalDevelopmentBasisPoints = experimentalDevelopmentBasisPoints
        self.feasibilityStudyBasisPoints = feasibilityStudyBasisPoints
        self.mediumBonusBasisPoints = mediumBonusBasisPoints
        self.smallBonusBasisPoints = smallBonusBasisPoints
        self.collaborationBonusBasisPoints = collaborationBonusBasisPoints
        self.collaborationWorks = collaborationWorks
        self.undertakingMaxBasisPoints = undertakingMaxBasisPoints
        self.researchMinBasisPoints = researchMinBasisPoints
        self.areBonusesCumulative = areBonusesCumulative
        self.ceilingBasisPoints = ceilingBasisPoints
        self.source = source
    }
}

/// The time before a grant in which de minimis aid counts.
package enum DeMinimisWindowKind: String, Codable, Sendable, CaseIterable {
    case fiscalYears = "fiscal-years"
    case rollingYears = "rolling-years"
}

/// How much de minimis aid a single undertaking may get over which time.
package struct DeMinimisTerms: Codable, Sendable, Equatable {
    package var fromDay: String
    /// Inclusive; nil while no end is known.
    package var untilDay: String?
    package var ceilingCents: Int64
    /// For services of general economic interest.
    package var sgeiCeilingCents: Int64
    package var windowKind: DeMinimisWindowKind
    package var windowYears: Int
    /// Whether the day so many years before the grant counts; of rolling years alone.
    package var countsBoundaryDay: Bool
    /// Where they are published.
    package var source: String

    package init(
        fromDay: String, untilDay: String?, ceilingCents: Int64, sgeiCeilingCents: Int64,
        windowKind: DeMinimisWindowKind, windowYears: Int, countsBoundaryDay: Bool, source: String
    ) {
        self.fromDay = fromDay
        self.untilDay = untilDay
        self.ceilingCents = ceilingCents
        self.sgeiCeilingCents = sgeiCeilingCents
        self.windowKind = windowKind
        self.windowYears = windowYears
        self.countsBoundaryDay = countsBoundaryDay
        self.source = source
    }
}
