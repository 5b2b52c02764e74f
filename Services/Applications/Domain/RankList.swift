/// The ranked decisions of a call: 1, 2, 3 … without gaps, funded before reserve.
///
/// Funding allots the envelope in this order and waits for every lower rank, so a gap would stop all allotments
/// behind it.
package struct RankList: Sendable, Equatable {
    /// By rank; the first has rank 1.
    package let outcomes: [Outcome]

    package static let empty = RankList(outcomes: [])

    /// - Parameter outcomes: in the order of their ranks.
    package init(outcomes: [Outcome]) {
        self.outcomes = outcomes
    }

    package var next: Int { outcomes.count + 1 }

    func admit(_ outcome: Outcome, rank: Int) throws(ApplicationsError) {
        guard rank >= next else { throw .rankTaken(rank) }
        guard rank == next else { throw .rankGap(next: next) }
        if outcome == .funded, let reserve = outcomes.firstIndex(of: .reserve) {
            throw .fundedAfterReserve(reserve + 1)
        }
    }
}
