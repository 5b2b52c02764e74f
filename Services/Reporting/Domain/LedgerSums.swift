/// What the facts say of the money: how much each kind of fact moved from one class of funding's accounts to another.
package struct LedgerSums: Sendable, Equatable {
    /// A class of funding's accounts whose balance is not what the facts come to.
    package struct Difference: Sendable, Equatable {
        package let account: String
        package let ledgerCents: Int64
        package let factsCents: Int64
    }

    private static let moves: [FactKind: (from: String, to: String)] = [
        .programmeOpened: ("budget", "programme"),
        .programmeAllotted: ("programme", "part"), .programmeTakenBack: ("part", "programme"),
        .envelopeOpened: ("part", "available"), .envelopeRaised: ("part", "available"),
        .envelopeLowered: ("available", "part"),
        .reservationMade: ("available", "held"), .reservationLetGo: ("held", "available"),
        .grantReserved: ("available", "reserved"), .agreementSigned: ("reserved", "committed"),
        .trancheReleased: ("committed", "released"), .paymentExecuted: ("released", "paid"),
        // What was released goes back first; then all that is not paid goes the whole way.
        .trancheRetracted: ("released", "committed"), .agreementTerminated: ("committed", "available"),
        .agreementReduced: ("committed", "available"), .grantReleased: ("reserved", "available"),
        .experimentAgreementSigned: ("reserved", "committed"),
        .recoveryOrdered: ("paid", "claimed"), .recoveryReceived: ("claimed", "available"),
        .recoveryWaived: ("claimed", "paid"),
    ]

    /// The facts that move money.
    package static let steps: [FactKind] = moves.keys.sorted { $0.rawValue < $1.rawValue }

    private let movedCents: [FactKind: Int64]

    /// - Parameter movedCents: the sum of the amounts of each kind of fact.
    package init(movedCents: [FactKind: Int64]) { self.movedCents = movedCents }

    /// By class, as funding calls them; together 0.
    package var balancesCents: [String: Int64] {
        var balances: [String: Int64] = [:]
        for (kind, move) in Self.moves {
            let cents = movedCents[kind, default: 0]
            balances[move.from, default: 0] -= cents
            balances[move.to, default: 0] += cents
        }
        // Envelopes of before there was a programme drew on the budget itself; once it is opened, they are its parts'.
        if movedCents[.programmeOpened, default: 0] == 0 {
            for name in ["programme", "part"] {
                balances["budget", default: 0] += balances[name, default: 0]
                balances[name] = 0
            }
        }
        return balances
    }

    /// Every class of either side, in the order of the names.
    package func compared(with ledger: [String: Int64]) -> [Difference] {
        let facts = balancesCents
        return Set(facts.keys).union(ledger.keys).sorted().map {
            Difference(account: $0, ledgerCents: ledger[$0, default: 0], factsCents: facts[$0, default: 0])
        }
    }
}
