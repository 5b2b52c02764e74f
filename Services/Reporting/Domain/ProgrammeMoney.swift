import struct FoundationEssentials.UUID

/// Money against what was meant: every step is a part of the one before.
package struct ProgrammeMoney: Sendable, Equatable, Encodable {
    package struct Line: Sendable, Equatable, Encodable {
        package let envelope: AmountFigure
        package let reserved: AmountFigure
        package let committed: AmountFigure
        package let released: AmountFigure
        package let paid: AmountFigure

        fileprivate init(_ scope: String, _ figures: FigureBook) {
            envelope = figures.amount(FigureID("envelope", scope))
            reserved = figures.amount(FigureID("reserved", scope))
            committed = figures.amount(FigureID("committed", scope))
            released = figures.amount(FigureID("released", scope))
            paid = figures.amount(FigureID("paid", scope))
        }
    }

    package struct Tranche: Sendable, Equatable, Encodable {
        package let tranche: String
        package let number: Int
        package let amountCents: Int64
        /// `opened`, `released`, `ordered`, `paid` or `cancelled`.
        package let state: String
    }

    package struct Agreement: Sendable, Equatable, Encodable {
        package let agreement: String
        package let application: String?
        package let call: String?
        package let siren: String?
        package let committed: AmountFigure
        package let released: AmountFigure
        package let paid: AmountFigure
        package let tranches: [Tranche]
    }

    package let total: Line
    package let animation: Line
    package let experiments: Line
    package let agreements: [Agreement]

    init(facts: FactBook, figures: FigureBook) {
        total = Line("total", figures)
        animation = Line(MoneyKind.animation.rawValue, figures)
        experiments = Line(MoneyKind.experiments.rawValue, figures)
        let tranches = Self.tranches(facts)
        agreements = facts.facts(.agreementSigned).compactMap { fact in
            guard let agreement = fact.agreement else { return nil }
            return Agreement(
                agreement: fact.key, application: fact.application?.figureText, call: fact.call?.figureText,
                siren: fact.siren, committed: figures.amount(FigureID("committed", agreement)),
                released: figures.amount(FigureID("released", agreement)),
                paid: figures.amount(FigureID("paid", agreement)), tranches: tranches[agreement, default: []])
        }
    }

    /// Per agreement by number. A tranche is as far as the furthest thing that is known about it; it is paid when all
    /// its beneficiaries are, or when the rest of it was given back.
    private static func tranches(_ facts: FactBook) -> [UUID: [Tranche]] {
        var tranches: [UUID: [UUID: Tranche]] = [:]
        let steps: [(FactKind, String)] = [
            (.trancheAdjusted, "opened"), (.trancheOpened, "opened"), (.trancheReleased, "released"),
            (.paymentOrdered, "ordered"), (.trancheCancelled, "cancelled"), (.trancheRetracted, "cancelled"),
            (.paymentExecuted, "paid"),
        ]
        let ended = Set(facts.facts(.paymentEnded).map(\.key))
        var paidCents: [UUID: Int64] = [:]
        for (kind, state) in steps {
            for fact in facts.facts(kind) {
                guard let agreement = fact.agreement, let tranche = fact.tranche else { continue }
                if kind == .paymentOrdered, ended.contains(fact.key) { continue }
                let known = tranches[agreement]?[tranche]
                let amountCents = known?.amountCents ?? fact.amountCents ?? 0
                var reached = state
                if kind == .paymentExecuted {
                    paidCents[tranche, default: 0] += fact.amountCents ?? 0
                    let isPaid = known?.state == "cancelled" || paidCents[tranche, default: 0] >= amountCents
                    reached = isPaid ? "paid" : "ordered"
                }
                tranches[agreement, default: [:]][tranche] = Tranche(
                    tranche: tranche.figureText, number: known?.number ?? fact.ordinal ?? 0, amountCents: amountCents,
                    state: reached)
            }
        }
        return tranches.mapValues { $0.values.sorted { ($0.number, $0.tranche) < ($1.number, $1.tranche) } }
    }
}
