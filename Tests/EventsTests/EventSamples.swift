import Events
import Foundation

/// One sensible payload per event type with every member, and one with as few as may be: what the golden files hold.
enum EventSamples {
    static let complete: [any EventPayload] =
        applications + funding + agreements + recoveries + [stateAid(isEndKnown: true)] + experimentation + siteReports
        + feedback + evaluations + checkpoints

    /// The types that may leave something out.
    static let minimal: [any EventPayload] = [
        AnswerPublished(answer: id(20), experiment: id(9), theme: nil, languages: ["fr"], publishedAt: instant),
        ApplicationRecommended(
            application: id(2), call: id(1), recommendation: .rejected, rank: nil, reviewCount: 2,
            meanScoreHundredths: 4150),
        ApplicationDecided(
            application: id(2), call: id(1), outcome: .rejected, rank: nil,
            lead: ConsortiumMember(siren: "200034528", structureType: "acteur_innovation", sector: nil), partners: [],
            animationBudgetCents: 150_000_000, requestedCents: 75_000_000, decidedAt: instant),
        GrantReserved(
            grant: id(5), envelope: id(4), call: id(1), kind: .animation, application: id(2), experiment: nil,
            beneficiarySiren: "200034528", reservedCents: 75_000_000, ruleSet: "aap-tle-2022",
            bindingRule: "animation-rate"),
        GrantReleased(
            grant: id(5), envelope: id(4), call: id(1), kind: .animation, application: id(2), experiment: nil,
            amountCents: 20_000_000),
        stateAid(isEndKnown: false),
        ResponsesRecorded(experiment: id(9), items: [], personal: nil),
        ResponseAmended(experiment: id(9), item: item(version: 2), personal: nil),
    ]

    static func id(_ number: UInt64) -> UUID { UUID(high: 0x0192_0000_0000_7000, low: 0x8000_0000_0000_0000 | number) }
    static let instant = Date(timeIntervalSince1970: 1_653_472_800.5)

    private static let lead = ConsortiumMember(
        siren: "200034528", structureType: "etablissement_sante_public", sector: "sanitaire")
    private static let partner = ConsortiumMember(
        siren: "100000009", structureType: "entreprise_fournisseur", sector: nil)
    private static let terms = [
        TrancheTerms(tranche: id(7), number: 1, amountCents: 22_500_000, conditions: [.agreementSigned, .siteOpened]),
        TrancheTerms(tranche: id(8), number: 2, amountCents: 52_500_000, conditions: [.milestoneReached]),
    ]

    private static let applications: [any EventPayload] = [
        CallPublished(
            call: id(1), wave: 1, title: "Tiers-lieux d'expérimentation, vague 1", opensAt: instant, deadline: instant,
            graceUntil: instant, placesTarget: 10, animationEnvelopeCents: 2_900_000_000,
            experimentsEnvelopeCents: 3_000_000_000),
        ApplicationSubmitted(
            application: id(2), call: id(1), lead: lead, partners: [partner], animationBudgetCents: 150_000_000,
            requestedCents: 75_000_000, receipt: String(repeating: "0f", count: 32), submittedAt: instant),
        ApplicationEligibilityDecided(
            application: id(2), call: id(1), isEligible: false, reasons: ["lead-is-not-a-health-structure"]),
        ApplicationRecommended(
            application: id(2), call: id(1), recommendation: .funded, rank: 1, reviewCount: 2, meanScoreHundredths: 8275
        ),
        ApplicationDecided(
            application: id(2), call: id(1), outcome: .funded, rank: 1, lead: lead, partners: [partner],
            animationBudgetCents: 150_000_000, requestedCents: 75_000_000, decidedAt: instant),
    ]

    private static let recoveries: [any EventPayload] = [
        AgreementSuspended(agreement: id(6), suspendedAt: instant),
        AgreementResumed(agreement: id(6), resumedAt: instant),
        AgreementTerminated(
            agreement: id(6), grant: id(5), envelope: id(4), amountCents: 52_500_000, terminatedAt: instant),
        TrancheCancelled(
            tranche: id(7), agreement: id(6), number: 2, amountCents: 37_500_000, wasReleased: true),
        TrancheHeld(
            tranche: id(7), agreement: id(6), number: 2, amountCents: 37_500_000, lost: [.milestoneReached],
            cause: id(22)),
        TrancheResumed(tranche: id(7), agreement: id(6), number: 2, cause: id(23)),
        PaymentRejected(payment: id(8), tranche: id(7), agreement: id(6), amountCents: 22_500_000),
        PaymentCancelled(payment: id(8), tranche: id(7), agreement: id(6), amountCents: 22_500_000),
        RecoveryProposed(
            recovery: id(24), payment: id(8), tranche: id(7), agreement: id(6), amountCents: 22_500_000, cause: id(22)),
        RecoveryWithdrawn(recovery: id(24), agreement: id(6), amountCents: 22_500_000),
        RecoveryOrdered(recovery: id(24), agreement: id(6), amountCents: 22_500_000),
        RecoveryReceived(
            recovery: id(24), agreement: id(6), envelope: id(4), amountCents: 10_000_000, openCents: 12_500_000),
        RecoveryWaived(recovery: id(24), agreement: id(6), amountCents: 12_500_000),
        RecoverySettled(
            recovery: id(24), agreement: id(6), receivedCents: 10_000_000, waivedCents: 12_500_000),
    ]

    private static let agreements: [any EventPayload] = [
        GrantReleased(
            grant: id(5), envelope: id(4), call: id(1), kind: .experiments, application: id(2), experiment: id(9),
            amountCents: 20_000_000),
        ExperimentAgreementSigned(
            agreement: id(33), grant: id(5), experiment: id(9), application: id(2), call: id(1), siren: "200034528",
            grantedCents: 20_000_000,
            tranches: [
                TrancheTerms(
                    tranche: id(34), number: 1, amountCents: 20_000_000,
                    conditions: [.agreementSigned, .experimentStarted])
            ], signedAt: instant),
        AgreementDiscarded(agreement: id(6), grant: id(5), discardedAt: instant),
        AgreementAmended(
            agreement: id(6), amendment: 1, grant: id(5), envelope: id(4), amountCents: 5_000_000,
            totalCents: 70_000_000,
            parts: [
                AgreementPart(siren: "200034528", partCents: 60_000_000, hasLeft: false),
                AgreementPart(siren: "180020026", partCents: 10_000_000, hasLeft: true),
            ], amendedAt: instant),
        AgreementSettled(
            agreement: id(6), grant: id(5), envelope: id(4), amountCents: 10_000_000,
            parts: [
                SettledPart(
                    siren: "200034528", partCents: 75_000_000, eligibleCents: 130_000_000, dueCents: 65_000_000,
                    paidCents: 60_000_000)
            ], settledAt: instant),
        TrancheAdjusted(tranche: id(7), agreement: id(6), number: 3, amountCents: 5_000_000),
        ExpenseStatementSubmitted(
            statement: id(30), agreement: id(6), siren: "200034528", number: 1, declaredCents: 130_000_000,
            periodFrom: "2026-03-01", periodUntil: "2027-02-28", dueOn: "2027-04-29", submittedAt: instant),
        ExpenseStatementAccepted(
            statement: id(30), agreement: id(6), siren: "200034528", number: 1, declaredCents: 130_000_000,
            eligibleCents: 125_000_000, acceptedAt: instant),
        ExpenseStatementReopened(
            statement: id(30), agreement: id(6), siren: "200034528", number: 1, wasAccepted: true,
            reopenedAt: instant),
        ExpenseStatementReminded(
            statement: id(30), agreement: id(6), siren: "200034528", number: 1, dueOn: "2027-04-29",
            reminder: .weekBefore, remindedAt: instant),
    ]

    private static let siteReports: [any EventPayload] = [
        ExperimentTerminated(
            experiment: id(9), site: id(10), agreement: id(6), participantsCount: 120, terminatedAt: instant),
        SiteReportSubmitted(report: id(31), site: id(10), agreement: id(6), number: 1, submittedAt: instant),
        SiteReportAccepted(report: id(31), site: id(10), agreement: id(6), number: 1, acceptedAt: instant),
        SiteReportReopened(
            report: id(31), site: id(10), agreement: id(6), number: 1, wasAccepted: true, reopenedAt: instant),
    ]

    private static let evaluations: [any EventPayload] = [
        EvaluationPublished(evaluation: id(32), experiment: id(9), agreement: id(6), publishedAt: instant)
    ]

    private static let funding: [any EventPayload] = [
        RuleSetPublished(
            ruleSet: "aap-tle-2022", validFrom: instant, animationRateBasisPoints: 5000,
            animationCeilingCents: ["etablissement_sante_public": 150_000_000], experimentRateBasisPoints: 5000,
            experimentCeilingCents: 30_000_000, source: "arrêté du 17 février 2022, NOR PRMI2204762A"),
        ProgrammeOpened(programme: id(20), amountCents: 6_300_000_000),
        ProgrammeAllotted(programme: id(20), kind: .experiments, changeCents: -100_000_000),
        EnvelopeOpened(envelope: id(4), call: id(1), kind: .animation, amountCents: 2_900_000_000),
        EnvelopeAdjusted(
            envelope: id(4), call: id(1), kind: .animation, changeCents: -50_000_000, amountCents: 2_850_000_000),
        ReservationMade(
            reservation: id(21), envelope: id(4), call: id(1), kind: .animation, beneficiarySiren: "200034528",
            amountCents: 30_000_000),
        ReservationLetGo(reservation: id(21), envelope: id(4), amountCents: 30_000_000),
        GrantReserved(
            grant: id(5), envelope: id(4), call: id(1), kind: .experiments, application: id(2), experiment: id(9),
            beneficiarySiren: "200034528", reservedCents: 30_000_000, ruleSet: "aap-tle-2022",
            bindingRule: "experiment-ceiling"),
        GrantRefused(
            grant: id(5), call: id(1), kind: .animation, application: id(2), experiment: id(9),
            requestedCents: 75_000_000,
            reason: "envelope-exhausted"),
        AgreementSigned(
            agreement: id(6), grant: id(5), application: id(2), call: id(1), lead: lead, partners: [partner],
            grantedCents: 75_000_000, tranches: terms, signedAt: instant),
        CofundingApproved(
            experiment: id(9), grant: id(5), agreement: id(6), budgetCents: 80_000_000, approvedCents: 30_000_000,
            ruleSet: "aap-tle-2022",
            derivation: [
                AppliedRule(rule: "experiment-rate", valueCents: 40_000_000, isBinding: false, source: "AAP"),
                AppliedRule(rule: "experiment-ceiling", valueCents: 30_000_000, isBinding: true, source: "AAP"),
            ]),
        CofundingRefused(experiment: id(9), agreement: id(6), requestedCents: 30_000_000, reason: "envelope-exhausted"),
        TrancheOpened(
            tranche: id(7), agreement: id(6), number: 1, amountCents: 22_500_000,
            conditions: [.agreementSigned, .siteOpened]),
        TrancheReleased(
            tranche: id(7), agreement: id(6), number: 1, amountCents: 22_500_000,
            evidence: [Evidence(condition: .siteOpened, event: id(20))], releasedAt: instant),
        PaymentOrdered(payment: id(11), tranche: id(7), agreement: id(6), amountCents: 22_500_000, orderedAt: instant),
        PaymentExecuted(
            payment: id(11), tranche: id(7), agreement: id(6), amountCents: 22_500_000,
            bankReference: "BDT-2022-000017",
            executedAt: instant),
    ]

    private static let experimentation: [any EventPayload] = [
        SiteOpened(
            site: id(10), agreement: id(6), application: id(2), call: id(1), siren: "200034528", openedAt: instant),
        ExperimentRegistered(
            experiment: id(9), site: id(10), agreement: id(6), solution: id(12), budgetCents: 80_000_000,
            participantsTarget: 400),
        CofundingRequested(
            experiment: id(9), site: id(10), agreement: id(6), application: id(2), call: id(1), siren: "200034528",
            budgetCents: 80_000_000, requestedCents: 40_000_000),
        ProtocolApproved(
            experiment: id(9), protocolVersion: 1, legalQualification: "non_RIPH_satisfaction",
            consentScope: "usability",
            windows: [
                InstrumentWindow(
                    instrument: "SUS", instrumentVersion: "F-SUS-2021", occasion: "M3", opensDay: 80, closesDay: 101)
            ], milestones: [MilestoneTerms(milestone: "half", responsesCountMin: 10_000)]),
        ExperimentStarted(experiment: id(9), site: id(10), agreement: id(6), protocolVersion: 1, startedAt: instant),
        ParticipantEnrolled(
            participant: id(13), experiment: id(9), arm: "intervention", pseudonym: "7QK2M4X9TBWN",
            consentScope: "usability",
            consentVersion: 1, consentedAt: instant),
        ExperimentCompleted(
            experiment: id(9), site: id(10), agreement: id(6), participantsCount: 400, completedAt: instant),
    ]

    private static func item(version: Int) -> ResponseItem {
        ResponseItem(
            response: id(14), version: version, state: .valid, instrument: "SUS", instrumentVersion: "F-SUS-2021",
            occasion: "M3", participant: id(13), answeredAt: instant, digest: String(repeating: "a1", count: 32))
    }

    private static func withoutValues(_ state: ResponseState) -> ResponseItem {
        var item = item(version: 3)
        item.state = state
        item.digest = nil
        return item
    }

    private static func values(version: Int) -> ResponseValues {
        ResponseValues(
            response: id(14), version: version, salt: "c2FsdA", score: 775, answers: [4, 2, 5, 1, 4, 2, 4, nil, 4, 2])
    }

    private static let checkpoints: [any EventPayload] =
        EventOwner.allCases.map { checkpoint(of: $0.log) } + [
            LedgerCheckpointed(
                position: 1_280,
                balancesCents: [
                    "budget": -2_900_000_000, "available": 2_825_000_000, "reserved": 0, "committed": 52_500_000,
                    "released": 0, "paid": 22_500_000,
                ]),
            LedgerSealed(
                block: 12, position: 1_280, entryCount: 7,
                hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ]

    private static func checkpoint<Log: LogOwner>(of log: Log.Type) -> any EventPayload {
        LogCheckpointed<Log>(
            position: 1_279, counts: ["\(Log.owner).noun.done.v1": 1_270],
            changed: [SubjectMark(noun: "noun", subject: id(2).lowercase, sequence: 3)], changedCount: 1)
    }

    private static let feedback: [any EventPayload] = [
        PublisherRegistered(
            publisher: "telesuivi", organisation: "Télésuivi SAS", experiments: [id(9)], registeredAt: instant),
        PublisherSuspended(publisher: "telesuivi", reason: "fuite de clé", suspendedAt: instant),
        PublisherResumed(publisher: "telesuivi", reason: "clé changée", resumedAt: instant),
        ResponsesRecorded(experiment: id(9), items: [item(version: 1)], personal: [values(version: 1)]),
        ResponseAmended(experiment: id(9), item: item(version: 2), personal: values(version: 2)),
        MilestoneReached(
            experiment: id(9), milestone: "half", responsesCountMin: 10_000, responsesCount: 10_012,
            reachedAt: instant, version: 1),
        MilestoneLost(
            experiment: id(9), milestone: "half", responsesCountMin: 10_000, responsesCount: 9_999, lostAt: instant,
            version: 2),
        AnswerPublished(
            answer: id(20), experiment: id(9), theme: "readability", languages: ["fr", "en"], publishedAt: instant),
        InstrumentPublished(
            instrument: "COMFORT", instrumentVersion: "2", itemsCount: 4,
            scales: [ScaleTerms(scale: "comfort", unit: "hundredths of a level")], source: "the site's own",
            publishedAt: instant),
        ResponseRetracted(experiment: id(9), item: withoutValues(.retracted)),
        ResponseExcluded(experiment: id(9), item: withoutValues(.excluded), reason: "experiment-completed"),
    ]
}
