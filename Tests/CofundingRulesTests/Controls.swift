import CofundingRules

import struct FoundationEssentials.Date

/// The call as far as it is known, with rates and ceilings of one's own where they matter.
enum Controls {
    static func rules(
        experimentRate: Int = 5000, experimentCeiling: Int64 = 30_000_000, animationRate: Int = 5000,
        animationCeiling: Int64 = 37_500_000
    ) throws -> CofundingRuleSet {
        try CofundingRuleSet(
            name: "aap-tle-2022", validFrom: Date(timeIntervalSince1970: 0),
            animation: RateAndCeilings(
                basisPoints: animationRate,
                ceilingCents: ["etablissement_sante_public": 150_000_000, "esms": animationCeiling]),
            experiment: RateAndCeiling(basisPoints: experimentRate, ceilingCents: experimentCeiling),
            source: callSource)
    }

    static let callSource = "arrêté du 17 février 2022, NOR PRMI2204762A"

    /// `StateAidRules.gber2014` with the two policies chosen.
    static func stateAid(bonusesCumulate: Bool = true, countsBoundaryDay: Bool = true) throws -> StateAidRules {
        let published = StateAidRules.gber2014
        let intensities = published.intensities
        return try StateAidRules(
            name: published.name, validFrom: published.validFrom,
            intensities: AidIntensities(
                from: intensities.from, until: intensities.until, baseBasisPoints: intensities.baseBasisPoints,
                sizeBonuses: intensities.sizeBonuses, collaboration: intensities.collaboration,
                bonusesCumulate: bonusesCumulate, ceilingBasisPoints: intensities.ceilingBasisPoints,
                source: intensities.source),
            deMinimis: published.deMinimis.map { regime in
                try DeMinimisRegime(
                    from: regime.from, until: regime.until, ceilingCents: regime.ceilingCents,
                    sgeiCeilingCents: regime.sgeiCeilingCents,
                    window: regime.window.counting(boundaryDay: countsBoundaryDay), source: regime.source)
            })
    }

    static func aid(_ day: String, _ cents: Int64, siren: String = "552100554") throws -> DeMinimisAid {
        DeMinimisAid(grantedOn: try Self.day(day), cents: cents, siren: siren)
    }

    static func day(_ text: some StringProtocol) throws -> CalendarDay {
        guard let day = CalendarDay(text) else { throw NoSuchDay(text: String(text)) }
        return day
    }

    private struct NoSuchDay: Error { let text: String }
}

extension DeMinimisWindow {
    fileprivate func counting(boundaryDay: Bool) -> DeMinimisWindow {
        if case .rollingYears(let years, _) = self {
            .rollingYears(years, countsBoundaryDay: boundaryDay)
        } else {
            self
        }
    }
}

/// SplitMix64: the same sequence on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
