import CofundingRules

import struct FoundationEssentials.Date

enum CofundingControls {
    static func rules() throws -> CofundingRuleSet {
        try CofundingRuleSet(
            name: "aap-tle-2022", validFrom: Date(timeIntervalSince1970: 0),
            animation: RateAndCeilings(
                basisPoints: 5000, ceilingCents: ["etablissement_sante_public": 150_000_000]),
            experiment: RateAndCeiling(basisPoints: 5000, ceilingCents: 30_000_000), source: "NOR PRMI2204762A")
    }
}
