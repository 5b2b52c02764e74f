import Events
import Inbox
import ReportingDomain

/// Envelopes, grants, agreements, tranches and payments.
enum FundingConsumer {
    static let handlers = programme + reservations + agreements + tranches + changes + waysBack

    private static let waysBack: [EventHandler] = [
        FactConsumer.handler(
            AgreementTerminated.self, .agreementTerminated, key: { $0.agreement.figureText }
        ) { terminated, fact in
            fact.agreement = terminated.agreement
            fact.amountCents = terminated.amountCents
            fact.time = terminated.terminatedAt
        },
        FactConsumer.handler(GrantReleased.self, .grantReleased, key: { $0.grant.figureText }) { released, fact in
            fact.call = released.call
            fact.application = released.application
            fact.experiment = released.experiment
            fact.moneyKind = MoneyKind(released.kind)
            fact.amountCents = released.amountCents
        },
        FactConsumer.handler(
            ExperimentAgreementSigned.self, .experimentAgreementSigned, key: { $0.agreement.figureText }
        ) { signed, fact in
            fact.agreement = signed.agreement
            fact.application = signed.application
            fact.experiment = signed.experiment
            fact.call = signed.call
            fact.siren = signed.siren
            fact.moneyKind = .experiments
            fact.amountCents = signed.grantedCents
            fact.time = signed.signedAt
        },
        // An agreement may shrink more than once: each time is a fact of its own, named after its event.
        FactConsumer.handler(
            AgreementAmended.self, .agreementReduced, key: { $0.agreement.figureText }
        ) { amended, fact in
            fact.key = fact.event.figureText
            fact.agreement = amended.agreement
            fact.amountCents = amended.amountCents
            fact.time = amended.amendedAt
        },
        FactConsumer.handler(
            AgreementSettled.self, .agreementReduced, key: { $0.agreement.figureText }
        ) { settled, fact in
            fact.key = fact.event.figureText
            fact.agreement = settled.agreement
            fact.amountCents = settled.amountCents
            fact.time = settled.settledAt
        },
        FactConsumer.handler(
            TrancheCancelled.self, .trancheCancelled, key: { $0.tranche.figureText }
        ) { cancelled, fact in
            if cancelled.wasReleased { fact.kind = .trancheRetracted }
            fact.tranche = cancelled.tranche
            fact.agreement = cancelled.agreement
            fact.ordinal = cancelled.number
            fact.amountCents = cancelled.amountCents
        },
        FactConsumer.handler(RecoveryOrdered.self, .recoveryOrdered, key: { $0.recovery.figureText }) { ordered, fact in
            fact.agreement = ordered.agreement
            fact.amountCents = ordered.amountCents
        },
        // Each instalment is a fact of its own, named after its event.
        FactConsumer.handler(
            RecoveryReceived.self, .recoveryReceived, key: { $0.recovery.figureText }
        ) { received, fact in
            fact.key = fact.event.figureText
            fact.agreement = received.agreement
            fact.amountCents = received.amountCents
        },
        FactConsumer.handler(RecoveryWaived.self, .recoveryWaived, key: { $0.recovery.figureText }) { waived, fact in
            fact.agreement = waived.agreement
            fact.amountCents = waived.amountCents
        },
    ]

    private static let changes: [EventHandler] = [
        FactConsumer.handler(TrancheAdjusted.self, .trancheAdjusted, key: { $0.tranche.figureText }) { adjusted, fact in
            fact.tranche = adjusted.tranche
            fact.agreement = adjusted.agreement
            fact.ordinal = adjusted.number
            fact.amountCents = adjusted.amountCents
        },
        FactConsumer.handler(PaymentRejected.self, .paymentEnded, key: { $0.payment.figureText }) { rejected, fact in
            fact.tranche = rejected.tranche
            fact.agreement = rejected.agreement
        },
        FactConsumer.handler(PaymentCancelled.self, .paymentEnded, key: { $0.payment.figureText }) { cancelled, fact in
            fact.tranche = cancelled.tranche
            fact.agreement = cancelled.agreement
        },
    ]

    private static let programme: [EventHandler] = [
        FactConsumer.handler(ProgrammeOpened.self, .programmeOpened, key: { $0.programme.figureText }) { opened, fact in
            fact.amountCents = opened.amountCents
        },
        // Each change is a fact of its own, named after its event: together they are what the part holds.
        FactConsumer.handler(
            ProgrammeAllotted.self, .programmeAllotted, key: { $0.programme.figureText }
        ) { allotted, fact in
            if allotted.changeCents < 0 { fact.kind = .programmeTakenBack }
            fact.key = fact.event.figureText
            fact.moneyKind = MoneyKind(allotted.kind)
            fact.amountCents = Int64(clamping: allotted.changeCents.magnitude)
        },
        FactConsumer.handler(
            EnvelopeAdjusted.self, .envelopeRaised, key: { $0.envelope.figureText }
        ) { adjusted, fact in
            if adjusted.changeCents < 0 { fact.kind = .envelopeLowered }
            fact.key = fact.event.figureText
            fact.call = adjusted.call
            fact.moneyKind = MoneyKind(adjusted.kind)
            fact.amountCents = Int64(clamping: adjusted.changeCents.magnitude)
        },
        FactConsumer.handler(ReservationMade.self, .reservationMade, key: { $0.reservation.figureText }) { made, fact in
            fact.call = made.call
            fact.siren = made.beneficiarySiren
            fact.moneyKind = MoneyKind(made.kind)
            fact.amountCents = made.amountCents
        },
        FactConsumer.handler(
            ReservationLetGo.self, .reservationLetGo, key: { $0.reservation.figureText }
        ) { freed, fact in
            fact.amountCents = freed.amountCents
        },
    ]

    private static let reservations: [EventHandler] = [
        FactConsumer.handler(EnvelopeOpened.self, .envelopeOpened, key: { $0.envelope.figureText }) { opened, fact in
            fact.call = opened.call
            fact.moneyKind = MoneyKind(opened.kind)
            fact.amountCents = opened.amountCents
        },
        FactConsumer.handler(GrantReserved.self, .grantReserved, key: { $0.grant.figureText }) { reserved, fact in
            fact.call = reserved.call
            fact.application = reserved.application
            fact.experiment = reserved.experiment
            fact.siren = reserved.beneficiarySiren
            fact.moneyKind = MoneyKind(reserved.kind)
            fact.amountCents = reserved.reservedCents
        },
        FactConsumer.handler(GrantRefused.self, .grantRefused, key: { $0.grant.figureText }) { refused, fact in
            fact.call = refused.call
            fact.application = refused.application
            fact.experiment = refused.experiment
            fact.moneyKind = MoneyKind(refused.kind)
            fact.amountCents = refused.requestedCents
            fact.reasons = [refused.reason]
        },
        FactConsumer.handler(
            CofundingApproved.self, .cofundingApproved, key: { $0.experiment.figureText }
        ) { approved, fact in
            fact.experiment = approved.experiment
            fact.agreement = approved.agreement
            fact.amountCents = approved.approvedCents
        },
        FactConsumer.handler(
            CofundingRefused.self, .cofundingRefused, key: { $0.experiment.figureText }
        ) { refused, fact in
            fact.experiment = refused.experiment
            fact.agreement = refused.agreement
            fact.amountCents = refused.requestedCents
            fact.reasons = [refused.reason]
        },
    ]

    private static let agreements: [EventHandler] = [
        FactConsumer.handler(AgreementSigned.self, .agreementSigned, key: { $0.agreement.figureText }) { signed, fact in
            fact.agreement = signed.agreement
            fact.application = signed.application
            fact.call = signed.call
            fact.siren = signed.lead.siren
            fact.amountCents = signed.grantedCents
            fact.time = signed.signedAt
        }
    ]

    private static let tranches: [EventHandler] = [
        FactConsumer.handler(TrancheOpened.self, .trancheOpened, key: { $0.tranche.figureText }) { opened, fact in
            fact.tranche = opened.tranche
            fact.agreement = opened.agreement
            fact.ordinal = opened.number
            fact.amountCents = opened.amountCents
        },
        FactConsumer.handler(TrancheReleased.self, .trancheReleased, key: { $0.tranche.figureText }) { released, fact in
            fact.tranche = released.tranche
            fact.agreement = released.agreement
            fact.ordinal = released.number
            fact.amountCents = released.amountCents
            fact.time = released.releasedAt
        },
        FactConsumer.handler(PaymentOrdered.self, .paymentOrdered, key: { $0.payment.figureText }) { ordered, fact in
            fact.tranche = ordered.tranche
            fact.agreement = ordered.agreement
            fact.amountCents = ordered.amountCents
            fact.time = ordered.orderedAt
        },
        FactConsumer.handler(PaymentExecuted.self, .paymentExecuted, key: { $0.payment.figureText }) { executed, fact in
            fact.tranche = executed.tranche
            fact.agreement = executed.agreement
            fact.amountCents = executed.amountCents
            fact.time = executed.executedAt
        },
    ]
}

extension MoneyKind {
    fileprivate init(_ kind: EnvelopeKind) {
        switch kind {
        case .animation: self = .animation
        case .experiments: self = .experiments
        }
    }
}
