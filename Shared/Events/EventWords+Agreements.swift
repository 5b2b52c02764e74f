/// What becomes of agreements, and what is stated of their costs, in words.
extension EventWords {
    static let amendments = [
        on(GrantReleased.self) {
            BusinessWords(
                fr: "restitution de \(EuroText.fr($0.amountCents)) réservés, dossier \($0.application.lowercase)",
                en: "release of \(EuroText.en($0.amountCents)) reserved for application \($0.application.lowercase)")
        },
        on(ExperimentAgreementSigned.self) {
            BusinessWords(
                fr: "signature de la convention de l'expérimentation \($0.experiment.lowercase), "
                    + EuroText.fr($0.grantedCents),
                en: "signature of the agreement of experiment \($0.experiment.lowercase), "
                    + EuroText.en($0.grantedCents))
        },
        on(AgreementDiscarded.self) {
            BusinessWords(
                fr: "abandon du projet de convention \($0.agreement.lowercase)",
                en: "discarding of the draft agreement \($0.agreement.lowercase)")
        },
        on(AgreementAmended.self) {
            BusinessWords(
                fr: "avenant \($0.amendment) à la convention, \(EuroText.fr($0.totalCents))",
                en: "amendment \($0.amendment) of the agreement, \(EuroText.en($0.totalCents))")
        },
        on(AgreementSettled.self) {
            let dueCents = $0.parts.reduce(0) { $0 + $1.dueCents }
            return BusinessWords(
                fr: "solde de la convention : \(EuroText.fr(dueCents)) dus, \(EuroText.fr($0.amountCents)) rendus",
                en: "settlement of the agreement: \(EuroText.en(dueCents)) due, \(EuroText.en($0.amountCents)) back")
        },
        on(TrancheAdjusted.self) {
            BusinessWords(
                fr: "tranche \($0.number) portée à \(EuroText.fr($0.amountCents))",
                en: "tranche \($0.number) now of \(EuroText.en($0.amountCents))")
        },
    ]

    static let statements = [
        on(ExpenseStatementSubmitted.self) {
            BusinessWords(
                fr: "dépôt de l'état de dépenses \($0.number) de \($0.siren), \(EuroText.fr($0.declaredCents))",
                en: "submission of expense statement \($0.number) of \($0.siren), \(EuroText.en($0.declaredCents))")
        },
        on(ExpenseStatementAccepted.self) {
            BusinessWords(
                fr: "acceptation de l'état de dépenses \($0.number) de \($0.siren), "
                    + "\(EuroText.fr($0.eligibleCents)) éligibles",
                en: "acceptance of expense statement \($0.number) of \($0.siren), "
                    + "\(EuroText.en($0.eligibleCents)) eligible")
        },
        on(ExpenseStatementReopened.self) {
            BusinessWords(
                fr: "réouverture de l'état de dépenses \($0.number) de \($0.siren)",
                en: "reopening of expense statement \($0.number) of \($0.siren)")
        },
        on(ExpenseStatementReminded.self) {
            BusinessWords(
                fr: "rappel de l'état de dépenses \($0.number) de \($0.siren), attendu le \($0.dueOn)",
                en: "reminder of expense statement \($0.number) of \($0.siren), due on \($0.dueOn)")
        },
    ]
}
