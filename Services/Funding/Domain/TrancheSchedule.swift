package import CofundingRules

/// What a tranche waits for.
package enum ReleaseCondition: String, Sendable, CaseIterable, Hashable {
    case agreementSigned = "agreement-signed"
    case siteOpened = "site-opened"
    case milestoneReached = "milestone-reached"
    case experimentCompleted = "experiment-completed"
}

/// How a grant is paid: shares of it, each released by evidence.
///
/// The programme's own schedule is not public; advance, intermediate payment and balance are the common practice of the
/// programmes that the same operator runs.
package struct TrancheSchedule: Sendable, Equatable {
    package struct Share: Sendable, Equatable {
        package let share: BasisPoints
        package let conditions: [ReleaseCondition]

        package init(share: BasisPoints, conditions: [ReleaseCondition]) {
            self.share = share
            self.conditions = conditions
        }
    }

    /// In the order of the tranches' numbers.
    package let shares: [Share]

    /// nil unless there is a tranche, each has a condition, and all make the whole grant.
    package init?(_ shares: [Share]) {
        guard !shares.isEmpty, shares.allSatisfy({ $0.share.value > 0 && !$0.conditions.isEmpty }),
            shares.reduce(0, { $0 + $1.share.value }) == BasisPoints.whole
        else { return nil }
        self.shares = shares
    }

    /// The amounts in cents: each rounded down, the last takes the rest, so that they add up to the grant exactly.
    package func amounts(of grantedCents: Int64) -> [Int64] {
        var rest = grantedCents
        var amounts: [Int64] = []
        for share in shares.dropLast() {
            let amount = share.share.roundedDown(of: grantedCents)
            amounts.append(amount)
            rest -= amount
        }
        return amounts + [rest]
    }

    /// Advance of 30 % at signature and opening of the site, 50 % at a milestone, balance of 20 % when the experiment
    /// is completed.
    package static let standard = TrancheSchedule(
        unchecked: [
            (3000, [.agreementSigned, .siteOpened]),
            (5000, [.milestoneReached]),
            (2000, [.experimentCompleted]),
        ])

    private init(unchecked shares: [(Int, [ReleaseCondition])]) {
        self.shares = shares.compactMap { points, conditions in
            BasisPoints(points).map { Share(share: $0, conditions: conditions) }
        }
    }
}
