/// A partner of a project, as far as it matters whether the partners collaborate.
package struct CollaborationPartner: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case undertaking(EnterpriseSize)
        /// `mayPublish` is its right to publish the results of its own research.
        case researchBody(mayPublish: Bool)
    }

    package var kind: Kind
    /// Of the project, borne by this partner.
    package var eligibleCostCents: Int64
    /// The same for all partners of one single undertaking, such as the SIREN of its head.
    package var undertakingGroup: String

    package init(kind: Kind, eligibleCostCents: Int64, undertakingGroup: String) {
        self.kind = kind
        self.eligibleCostCents = eligibleCostCents
        self.undertakingGroup = undertakingGroup
    }
}

/// Why partners collaborate effectively.
package enum CollaborationGround: String, Sendable, CaseIterable {
    /// Two undertakings or more, an SME among them, and none bears too much.
    case betweenUndertakings = "between-undertakings"
    /// An undertaking with research bodies that bear enough and may publish.
    case withResearchBodies = "with-research-bodies"
}

extension CollaborationTerms {
    /// Why the partners collaborate effectively, by GBER Article 25(6)(b)(i); nil where they do not.
    ///
    /// Members of one single undertaking count as one undertaking, of the largest size that any of them has. Whoever
    /// bears none of the eligible cost is no party: an SME that is only named makes no collaboration. Shares are of the
    /// eligible cost of all partners, and both limits are inclusive. Only research bodies that may publish count, and
    /// only beside an undertaking of which they are no part.
    ///
    /// - Throws: `emptyInput` without partners; `negativeAmount` with the place, such as
    ///   `partners/0/eligibleCostCents`.
    package func effectiveCollaboration(
        between partners: [CollaborationPartner]
    ) throws(CofundingRulesError) -> CollaborationGround? {
        if partners.isEmpty { throw .emptyInput(field: "partners") }
        if let index = partners.firstIndex(where: { $0.eligibleCostCents < 0 }) {
            throw .negativeAmount(field: "partners/\(index)/eligibleCostCents")
        }
        let parties = partners.filter { $0.eligibleCostCents > 0 }
        let undertakings = undertakings(among: parties)
        let totalCents = parties.reduce(Int128(0)) { $0 + Int128($1.eligibleCostCents) }
        let whole = Int128(BasisPoints.whole)
        if undertakings.count >= 2, undertakings.values.contains(where: \.size.isSME),
            undertakings.values.allSatisfy({ $0.cents * whole <= totalCents * Int128(undertakingMaxBasisPoints) })
        {
            return .betweenUndertakings
        }
        let research = parties.filter { party in
            party.kind == .researchBody(mayPublish: true)
                && undertakings.keys.contains { $0 != party.undertakingGroup }
        }
        let researchCents = research.reduce(Int128(0)) { $0 + Int128($1.eligibleCostCents) }
        let isEnough = researchCents * whole >= totalCents * Int128(researchMinBasisPoints)
        return isEnough && !research.isEmpty ? .withResearchBodies : nil
    }

    private func undertakings(among parties: [CollaborationPartner]) -> [String: SingleUndertaking] {
        var undertakings: [String: SingleUndertaking] = [:]
        for party in parties {
            guard case .undertaking(let size) = party.kind else { continue }
            undertakings[party.undertakingGroup, default: SingleUndertaking(size: size)].add(
                party.eligibleCostCents, size)
        }
        return undertakings
    }
}

private struct SingleUndertaking {
    var size: EnterpriseSize
    var cents: Int128 = 0

    mutating func add(_ cents: Int64, _ size: EnterpriseSize) {
        self.cents += Int128(cents)
        if size.rank > self.size.rank { self.size = size }
    }
}

extension EnterpriseSize {
    fileprivate var rank: Int {
        switch self {
        case .small: 0
        case .medium: 1
        case .large: 2
        }
    }
}
