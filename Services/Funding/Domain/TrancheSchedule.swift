package import CofundingRules

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

    package static let trancheCountMax = 24
    private static let conditionCountMax = 10

    /// - Throws: `invalid` unless there is a tranche, each has a share and a condition, and all make the whole grant.
    package init(_ shares: [Share]) throws(FundingError) {
        guard (1...Self.trancheCountMax).contains(shares.count) else {
            throw .invalid(field: "/schedule", expected: "1 to \(Self.trancheCountMax) tranches")
        }
        for (index, share) in shares.enumerated() {
            guard share.share.value > 0 else {
                throw .invalid(field: "/schedule/\(index)/shareBasisPoints", expected: "a share from 1 to 10000")
            }
            let kinds = Set(share.conditions.map(\.kind))
            guard (1...Self.conditionCountMax).contains(share.conditions.count), kinds.count == share.conditions.count
            else {
                throw .invalid(
                    field: "/schedule/\(index)/conditions",
                    expected: "1 to \(Self.conditionCountMax) conditions, one of each kind")
            }
        }
        guard shares.reduce(0, { $0 + $1.share.value }) == BasisPoints.whole else {
            throw .invalid(field: "/schedule", expected: "shares that add up to 10000 basis points")
        }
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

    /// Of one experiment: 30 % as it starts, 50 % at a milestone, 20 % when it is completed.
    package static let experiment = TrancheSchedule(
        unchecked: [
            (3000, [.agreementSigned, .experimentStarted]),
            (5000, [.milestoneReached]),
            (2000, [.experimentCompleted]),
        ])

    /// One experiment starts, ends and is evaluated once, and opens no site.
    func checkForExperiment() throws(FundingError) {
        for (index, share) in shares.enumerated() {
            for (place, condition) in share.conditions.enumerated() {
                let isMet: Bool
                switch condition.kind {
                case .siteOpened, .siteReportAccepted: isMet = false
                case .agreementSigned, .experimentStarted, .experimentCompleted, .evaluationPublished:
                    isMet = condition.count == 1
                case .milestoneReached, .responsesCollected, .statementAccepted: isMet = true
                }
                guard isMet else {
                    throw .invalid(
                        field: "/schedule/\(index)/conditions/\(place)",
                        expected: "what one experiment can meet: no site or report, and starts and ends once")
                }
            }
        }
    }

    private init(unchecked shares: [(Int, [ReleaseCondition])]) {
        self.shares = shares.compactMap { points, conditions in
            BasisPoints(points).map { Share(share: $0, conditions: conditions) }
        }
    }
}
