/// Which fact adds to which figures: the one place where a figure is defined.
package enum ProgrammeFigures {
    package static func book(of facts: FactBook) -> FigureBook {
        var book = FigureBook()
        for call in facts.facts(.callPublished) {
            book.add(Int64(call.target ?? 0), to: FigureID("places", "target"), because: call)
        }
        addMoney(facts, to: &book)
        for application in ApplicationState.all(facts) {
            book.add(
                to: FigureID("applications", "total"), FigureID("applications", application.state.rawValue),
                because: application.fact)
        }
        for decision in facts.facts(.applicationDecided) {
            guard let outcome = decision.word, ["funded", "reserve"].contains(outcome) else { continue }
            book.add(to: FigureID("places", outcome), because: decision)
        }
        for agreement in facts.facts(.agreementSigned) {
            book.add(to: FigureID("places", "contracted"), because: agreement)
        }
        for site in facts.facts(.siteOpened) { book.add(to: FigureID("places", "opened"), because: site) }
        for milestone in facts.facts(.milestone) {
            book.add(Int64(milestone.count ?? 0), to: self.milestone(milestone), because: milestone)
        }
        return book
    }

    package static func milestone(_ fact: ProgrammeFact) -> FigureID { FigureID("milestone", fact.key) }

    private static func addMoney(_ facts: FactBook, to book: inout FigureBook) {
        for envelope in facts.facts(.envelopeOpened) { add("envelope", envelope, of: envelope.moneyKind, to: &book) }
        for envelope in facts.facts(.envelopeRaised) { add("envelope", envelope, of: envelope.moneyKind, to: &book) }
        for envelope in facts.facts(.envelopeLowered) {
            add("envelope", envelope, of: envelope.moneyKind, sign: -1, to: &book)
        }
        for grant in facts.facts(.grantReserved) { add("reserved", grant, of: grant.moneyKind, to: &book) }
        for cofunding in facts.facts(.cofundingApproved) {
            guard let experiment = cofunding.experiment else { continue }
            book.add(cofunding.amountCents ?? 0, to: FigureID("cofunding", experiment), because: cofunding)
        }
        for grant in facts.facts(.grantReleased) {
            add("reserved", grant, of: grant.moneyKind, sign: -1, to: &book)
        }
        // Agreements, tranches and payments are about the animation of a place, or about one experiment.
        let experiments = Set(facts.facts(.experimentAgreementSigned).compactMap(\.agreement))
        let steps: [(measure: String, kind: FactKind, sign: Int64)] = [
            ("committed", .agreementSigned, 1), ("committed", .experimentAgreementSigned, 1),
            ("released", .trancheReleased, 1), ("paid", .paymentExecuted, 1),
            // What an agreement gives back as it ends or shrinks, and what came back of payments, is the envelope's.
            ("reserved", .agreementTerminated, -1), ("committed", .agreementTerminated, -1),
            ("reserved", .agreementReduced, -1), ("committed", .agreementReduced, -1),
            ("released", .trancheRetracted, -1),
            ("reserved", .recoveryReceived, -1), ("committed", .recoveryReceived, -1),
            ("released", .recoveryReceived, -1), ("paid", .recoveryReceived, -1),
        ]
        for (measure, kind, sign) in steps {
            for fact in facts.facts(kind) {
                let isOfExperiment = fact.agreement.map { experiments.contains($0) } ?? false
                add(measure, fact, of: isOfExperiment ? .experiments : .animation, sign: sign, to: &book)
                guard let agreement = fact.agreement, measure != "reserved" else { continue }
                book.add(sign * (fact.amountCents ?? 0), to: FigureID(measure, agreement), because: fact)
            }
        }
    }

    private static func add(
        _ measure: String, _ fact: ProgrammeFact, of kind: MoneyKind?, sign: Int64 = 1, to book: inout FigureBook
    ) {
        let cents = sign * (fact.amountCents ?? 0)
        book.add(cents, to: FigureID(measure, "total"), because: fact)
        if let kind { book.add(cents, to: FigureID(measure, kind.rawValue), because: fact) }
    }
}
