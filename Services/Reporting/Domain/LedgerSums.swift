/// What the facts say of the money: how much ever reached each step, each a part of the one before.
package struct LedgerSums: Sendable, Equatable {
    /// A class of funding's accounts whose balance is not what the facts come to.
    package struct Difference: Sendable, Equatable {
        package let account: String
        package let ledgerCents: Int64
        package let factsCents: Int64
    }

    /// The facts that move money from one class of accounts to the next.
    package static let steps: [FactKind] = [
        .envelopeOpened, .grantReserved, .agreementSigned, .trancheReleased, .paymentExecuted,
    ]

    private let movedCents: [FactKind: Int64]

    /// - Parameter movedCents: the sum of the amounts of each kind of fact.
    package init(movedCents: [FactKind: Int64]) { self.movedCents = movedCents }

    /// By class, as funding calls them; together 0.
    package var balancesCents: [String: Int64] {
        let moved = Self.steps.map { movedCents[$0, default: 0] }
        return [
            "budget": -moved[0], "available": moved[0] - moved[1], "reserved": moved[1] - moved[2],
            "committed": moved[2] - moved[3], "released": moved[3] - moved[4], "paid": moved[4],
        ]
    }

    /// Every class of either side, in the order of the names.
    package func compared(with ledger: [String: Int64]) -> [Difference] {
        let facts = balancesCents
        return Set(facts.keys).union(ledger.keys).sorted().map {
            Difference(account: $0, ledgerCents: ledger[$0, default: 0], factsCents: facts[$0, default: 0])
        }
    }
}
