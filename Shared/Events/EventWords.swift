import FoundationEssentials

/// What an event says, in business words. One table for all listeners, so that a thing is called the same everywhere.
package enum EventWords {
    typealias Wording = @Sendable ([UInt8]) -> BusinessWords?

    /// nil for a type that is not known here, or a payload that cannot be read.
    package static func of(_ type: String, data: [UInt8]) -> BusinessWords? { wordings[type]?(data) }

    private static let wordings: [String: Wording] = Dictionary(
        uniqueKeysWithValues: applications + money + agreements + amendments + statements + recoveries + sites
            + experiments + feedback + evaluations + checkpoints)

    static func on<Payload: EventPayload>(
        _: Payload.Type, _ words: @escaping @Sendable (Payload) -> BusinessWords
    ) -> (String, Wording) {
        (Payload.type.name, { data in (try? WireCoding.decode(Payload.self, from: data)).map(words) })
    }

    private static let applications = [
        on(CallPublished.self) {
            BusinessWords(
                fr: "publication de l'appel à projets \($0.call.lowercase), vague \($0.wave)",
                en: "publication of call \($0.call.lowercase), wave \($0.wave)")
        },
        on(ApplicationSubmitted.self) {
            BusinessWords(
                fr: "dépôt du dossier \($0.application.lowercase), \(EuroText.fr($0.requestedCents)) demandés",
                en: "submission of application \($0.application.lowercase), \(EuroText.en($0.requestedCents)) requested"
            )
        },
        on(ApplicationEligibilityDecided.self) {
            BusinessWords(
                fr: "dossier \($0.application.lowercase) déclaré \($0.isEligible ? "recevable" : "irrecevable")",
                en: "application \($0.application.lowercase) found \($0.isEligible ? "eligible" : "not eligible")")
        },
        on(ApplicationRecommended.self) {
            BusinessWords(
                fr: "avis du comité sur le dossier \($0.application.lowercase)",
                en: "the committee's opinion on application \($0.application.lowercase)")
        },
        on(ApplicationDecided.self) {
            let rank = $0.rank.map { (fr: ", rang \($0)", en: ", rank \($0)") }
            return BusinessWords(
                fr: "décision de l'État sur le dossier \($0.application.lowercase)\(rank?.fr ?? "")",
                en: "the State's decision on application \($0.application.lowercase)\(rank?.en ?? "")")
        },
    ]

    private static let money = [
        on(RuleSetPublished.self) {
            BusinessWords(fr: "règles de cofinancement \($0.ruleSet)", en: "co-funding rules \($0.ruleSet)")
        },
        on(StateAidRulesPublished.self) {
            BusinessWords(
                fr: "règles d'aides d'État \($0.stateAidRules)", en: "State-aid rules \($0.stateAidRules)")
        },
        on(ProgrammeOpened.self) {
            BusinessWords(
                fr: "ouverture du programme, \(EuroText.fr($0.amountCents))",
                en: "opening of the programme, \(EuroText.en($0.amountCents))")
        },
        on(ProgrammeAllotted.self) {
            BusinessWords(
                fr: "affectation de \(EuroText.fr($0.changeCents)) au volet \($0.kind.rawValue)",
                en: "allotment of \(EuroText.en($0.changeCents)) to the part \($0.kind.rawValue)")
        },
        on(EnvelopeAdjusted.self) {
            BusinessWords(
                fr: "ajustement d'une enveloppe à \(EuroText.fr($0.amountCents)) pour l'appel \($0.call.lowercase)",
                en: "adjustment of an envelope to \(EuroText.en($0.amountCents)) for call \($0.call.lowercase)")
        },
        on(ReservationMade.self) {
            BusinessWords(
                fr: "réservation \($0.reservation.lowercase) de \(EuroText.fr($0.amountCents))",
                en: "reservation \($0.reservation.lowercase) of \(EuroText.en($0.amountCents))")
        },
        on(ReservationLetGo.self) {
            BusinessWords(
                fr: "abandon de la réservation \($0.reservation.lowercase)",
                en: "letting go of reservation \($0.reservation.lowercase)")
        },
        on(EnvelopeOpened.self) {
            BusinessWords(
                fr: "ouverture d'une enveloppe de \(EuroText.fr($0.amountCents)) pour l'appel \($0.call.lowercase)",
                en: "opening of an envelope of \(EuroText.en($0.amountCents)) for call \($0.call.lowercase)")
        },
        on(GrantReserved.self) {
            BusinessWords(
                fr: "réservation de \(EuroText.fr($0.reservedCents)) pour le dossier \($0.application.lowercase)",
                en: "reservation of \(EuroText.en($0.reservedCents)) for application \($0.application.lowercase)")
        },
        on(GrantRefused.self) {
            BusinessWords(
                fr: "refus de subvention au dossier \($0.application.lowercase) (\($0.reason))",
                en: "refusal of a grant to application \($0.application.lowercase) (\($0.reason))")
        },
        on(CofundingApproved.self) {
            BusinessWords(
                fr: "cofinancement de \(EuroText.fr($0.approvedCents)) pour l'expérimentation "
                    + $0.experiment.lowercase,
                en: "co-funding of \(EuroText.en($0.approvedCents)) for experiment \($0.experiment.lowercase)")
        },
        on(CofundingRefused.self) {
            BusinessWords(
                fr: "refus de cofinancement de l'expérimentation \($0.experiment.lowercase) (\($0.reason))",
                en: "refusal of co-funding for experiment \($0.experiment.lowercase) (\($0.reason))")
        },
    ]

    private static let recoveries = [
        on(AgreementSuspended.self) {
            BusinessWords(
                fr: "suspension de la convention \($0.agreement.lowercase)",
                en: "suspension of agreement \($0.agreement.lowercase)")
        },
        on(AgreementResumed.self) {
            BusinessWords(
                fr: "reprise de la convention \($0.agreement.lowercase)",
                en: "resumption of agreement \($0.agreement.lowercase)")
        },
        on(AgreementTerminated.self) {
            BusinessWords(
                fr: "résiliation de la convention, \(EuroText.fr($0.amountCents)) rendus à l'enveloppe",
                en: "termination of the agreement, \(EuroText.en($0.amountCents)) back in the envelope")
        },
        on(TrancheCancelled.self) {
            BusinessWords(
                fr: "annulation de la tranche \($0.number), \(EuroText.fr($0.amountCents))",
                en: "cancellation of tranche \($0.number), \(EuroText.en($0.amountCents))")
        },
        on(TrancheHeld.self) {
            let lost = $0.lost.map(\.rawValue).joined(separator: ", ")
            return BusinessWords(
                fr: "retenue de la tranche \($0.number) : \(lost) n'est plus acquis",
                en: "hold of tranche \($0.number): \(lost) is met no more")
        },
        on(TrancheResumed.self) {
            BusinessWords(
                fr: "levée de la retenue de la tranche \($0.number)", en: "end of the hold of tranche \($0.number)")
        },
        on(PaymentRejected.self) {
            BusinessWords(
                fr: "rejet par la banque d'un paiement de \(EuroText.fr($0.amountCents))",
                en: "rejection by the bank of a payment of \(EuroText.en($0.amountCents))")
        },
        on(PaymentCancelled.self) {
            BusinessWords(
                fr: "annulation d'un paiement de \(EuroText.fr($0.amountCents))",
                en: "cancellation of a payment of \(EuroText.en($0.amountCents))")
        },
        on(RecoveryProposed.self) {
            BusinessWords(
                fr: "proposition de recouvrer \(EuroText.fr($0.amountCents))",
                en: "proposal to recover \(EuroText.en($0.amountCents))")
        },
        on(RecoveryWithdrawn.self) {
            BusinessWords(
                fr: "abandon de la proposition de recouvrer \(EuroText.fr($0.amountCents))",
                en: "withdrawal of the proposal to recover \(EuroText.en($0.amountCents))")
        },
        on(RecoveryOrdered.self) {
            BusinessWords(
                fr: "ordre de recouvrer \(EuroText.fr($0.amountCents))",
                en: "order to recover \(EuroText.en($0.amountCents))")
        },
        on(RecoveryReceived.self) {
            BusinessWords(
                fr: "recouvrement de \(EuroText.fr($0.amountCents)), reste \(EuroText.fr($0.openCents))",
                en: "recovery of \(EuroText.en($0.amountCents)), \(EuroText.en($0.openCents)) open")
        },
        on(RecoveryWaived.self) {
            BusinessWords(
                fr: "remise de \(EuroText.fr($0.amountCents)) à recouvrer",
                en: "waiver of \(EuroText.en($0.amountCents)) to recover")
        },
        on(RecoverySettled.self) {
            BusinessWords(
                fr: "solde du recouvrement \($0.recovery.lowercase)",
                en: "settlement of recovery \($0.recovery.lowercase)")
        },
    ]

    private static let agreements = [
        on(AgreementSigned.self) {
            BusinessWords(
                fr: "signature de la convention \($0.agreement.lowercase), \(EuroText.fr($0.grantedCents))",
                en: "signature of agreement \($0.agreement.lowercase), \(EuroText.en($0.grantedCents))")
        },
        on(TrancheOpened.self) {
            BusinessWords(
                fr: "ouverture de la tranche \($0.number) de la convention \($0.agreement.lowercase)",
                en: "opening of tranche \($0.number) of agreement \($0.agreement.lowercase)")
        },
        on(TrancheReleased.self) {
            BusinessWords(
                fr: "déblocage de la tranche \($0.number) de la convention \($0.agreement.lowercase), "
                    + EuroText.fr($0.amountCents),
                en: "release of tranche \($0.number) of agreement \($0.agreement.lowercase), "
                    + EuroText.en($0.amountCents))
        },
        on(PaymentOrdered.self) {
            BusinessWords(
                fr: "ordre de versement de \(EuroText.fr($0.amountCents)), convention \($0.agreement.lowercase)",
                en: "order to pay \(EuroText.en($0.amountCents)), agreement \($0.agreement.lowercase)")
        },
        on(PaymentExecuted.self) {
            BusinessWords(
                fr: "versement de \(EuroText.fr($0.amountCents)), convention \($0.agreement.lowercase)",
                en: "payment of \(EuroText.en($0.amountCents)), agreement \($0.agreement.lowercase)")
        },
    ]

    private static let sites = [
        on(SiteOpened.self) {
            BusinessWords(
                fr: "ouverture du tiers-lieu \($0.site.lowercase), convention \($0.agreement.lowercase)",
                en: "opening of third place \($0.site.lowercase), agreement \($0.agreement.lowercase)")
        },
        on(SiteReportSubmitted.self) {
            BusinessWords(
                fr: "dépôt du rapport \($0.number) du tiers-lieu \($0.site.lowercase)",
                en: "submission of report \($0.number) of third place \($0.site.lowercase)")
        },
        on(SiteReportAccepted.self) {
            BusinessWords(
                fr: "acceptation du rapport \($0.number) du tiers-lieu \($0.site.lowercase)",
                en: "acceptance of report \($0.number) of third place \($0.site.lowercase)")
        },
        on(SiteReportReopened.self) {
            BusinessWords(
                fr: "réouverture du rapport \($0.number) du tiers-lieu \($0.site.lowercase)",
                en: "reopening of report \($0.number) of third place \($0.site.lowercase)")
        },
    ]

    private static let experiments = [
        on(ExperimentRegistered.self) {
            BusinessWords(
                fr: "déclaration de l'expérimentation \($0.experiment.lowercase), convention \($0.agreement.lowercase)",
                en: "registration of experiment \($0.experiment.lowercase), agreement \($0.agreement.lowercase)")
        },
        on(CofundingRequested.self) {
            BusinessWords(
                fr: "demande de \(EuroText.fr($0.requestedCents)) pour l'expérimentation \($0.experiment.lowercase)",
                en: "request of \(EuroText.en($0.requestedCents)) for experiment \($0.experiment.lowercase)")
        },
        on(ProtocolApproved.self) {
            BusinessWords(
                fr: "protocole \($0.protocolVersion) de l'expérimentation \($0.experiment.lowercase) approuvé",
                en: "approval of protocol \($0.protocolVersion) of experiment \($0.experiment.lowercase)")
        },
        on(ExperimentStarted.self) {
            BusinessWords(
                fr: "début de l'expérimentation \($0.experiment.lowercase)",
                en: "start of experiment \($0.experiment.lowercase)")
        },
        // No id of the participant, let alone the pseudonym.
        on(ParticipantEnrolled.self) {
            BusinessWords(
                fr: "inclusion d'une personne dans l'expérimentation \($0.experiment.lowercase)",
                en: "enrolment of a person in experiment \($0.experiment.lowercase)")
        },
        on(ExperimentTerminated.self) {
            BusinessWords(
                fr: "arrêt de l'expérimentation \($0.experiment.lowercase), convention \($0.agreement.lowercase)",
                en: "termination of experiment \($0.experiment.lowercase), agreement \($0.agreement.lowercase)")
        },
        on(ExperimentCompleted.self) {
            BusinessWords(
                fr: "fin de l'expérimentation \($0.experiment.lowercase), convention \($0.agreement.lowercase)",
                en: "end of experiment \($0.experiment.lowercase), agreement \($0.agreement.lowercase)")
        },
    ]

    private static let evaluations = [
        on(EvaluationPublished.self) {
            BusinessWords(
                fr: "publication de l'évaluation de l'expérimentation \($0.experiment.lowercase)",
                en: "publication of the evaluation of experiment \($0.experiment.lowercase)")
        }
    ]

    private static let feedback = [
        on(ResponsesRecorded.self) {
            BusinessWords(
                fr: "\($0.items.count) réponses de l'expérimentation \($0.experiment.lowercase)",
                en: "\($0.items.count) responses of experiment \($0.experiment.lowercase)")
        },
        on(ResponseAmended.self) {
            BusinessWords(
                fr: "correction d'une réponse de l'expérimentation \($0.experiment.lowercase)",
                en: "correction of a response of experiment \($0.experiment.lowercase)")
        },
        on(PublisherRegistered.self) {
            BusinessWords(
                fr: "inscription de l'émetteur \($0.publisher)", en: "registration of publisher \($0.publisher)")
        },
        on(PublisherSuspended.self) {
            BusinessWords(
                fr: "suspension de l'émetteur \($0.publisher)", en: "suspension of publisher \($0.publisher)")
        },
        on(PublisherResumed.self) {
            BusinessWords(
                fr: "reprise de l'émetteur \($0.publisher)", en: "publisher \($0.publisher) may send again")
        },
        on(InstrumentPublished.self) {
            BusinessWords(
                fr: "publication du questionnaire \($0.instrument) \($0.instrumentVersion)",
                en: "publication of instrument \($0.instrument) \($0.instrumentVersion)")
        },
        on(ResponseRetracted.self) {
            BusinessWords(
                fr: "retrait d'une réponse de l'expérimentation \($0.experiment.lowercase)",
                en: "withdrawal of a response of experiment \($0.experiment.lowercase)")
        },
        on(ResponseExcluded.self) {
            BusinessWords(
                fr: "exclusion d'une réponse de l'expérimentation \($0.experiment.lowercase) (\($0.reason))",
                en: "exclusion of a response of experiment \($0.experiment.lowercase) (\($0.reason))")
        },
        on(AnswerPublished.self) {
            BusinessWords(
                fr: "réponse du tiers-lieu aux avis de l'expérimentation \($0.experiment.lowercase)",
                en: "the third place's answer to what was said in experiment \($0.experiment.lowercase)")
        },
        on(MilestoneLost.self) {
            BusinessWords(
                fr: "palier \($0.milestone) de l'expérimentation \($0.experiment.lowercase) perdu, "
                    + "\($0.responsesCount) réponses",
                en: "milestone \($0.milestone) of experiment \($0.experiment.lowercase) lost, "
                    + "\($0.responsesCount) responses")
        },
        on(MilestoneReached.self) {
            BusinessWords(
                fr: "palier \($0.milestone) de l'expérimentation \($0.experiment.lowercase), "
                    + "\($0.responsesCount) réponses",
                en: "milestone \($0.milestone) of experiment \($0.experiment.lowercase), \($0.responsesCount) responses"
            )
        },
    ]

    private static let checkpoints = [
        on(LogCheckpointed<ApplicationsLog>.self) { checkpoint(.applications, $0.position) },
        on(LogCheckpointed<FundingLog>.self) { checkpoint(.funding, $0.position) },
        on(LogCheckpointed<ExperimentationLog>.self) { checkpoint(.experimentation, $0.position) },
        on(LogCheckpointed<FeedbackLog>.self) { checkpoint(.feedback, $0.position) },
        on(LogCheckpointed<ReportingLog>.self) { checkpoint(.reporting, $0.position) },
        on(LedgerSealed.self) {
            BusinessWords(
                fr: "scellement du bloc \($0.block) du grand livre",
                en: "sealing of block \($0.block) of the ledger")
        },
        on(LedgerCheckpointed.self) {
            BusinessWords(
                fr: "soldes du grand livre à la position \($0.position)",
                en: "balances of the ledger at position \($0.position)")
        },
    ]

    private static func checkpoint(_ owner: EventOwner, _ position: Int64) -> BusinessWords {
        BusinessWords(
            fr: "point de contrôle du journal de \(owner.rawValue) à la position \(position)",
            en: "checkpoint of the log of \(owner.rawValue) at position \(position)")
    }
}
