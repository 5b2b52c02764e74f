import Events
import Inbox
import ReportingDomain

/// Sites, experiments and protocols.
enum ExperimentationConsumer {
    static let handlers: [EventHandler] = [
        FactConsumer.handler(SiteOpened.self, .siteOpened, key: { $0.site.figureText }) { opened, fact in
            fact.site = opened.site
            fact.agreement = opened.agreement
            fact.application = opened.application
            fact.call = opened.call
            fact.siren = opened.siren
            fact.time = opened.openedAt
        },
        FactConsumer.handler(
            ExperimentRegistered.self, .experimentRegistered, key: { $0.experiment.figureText }
        ) { registered, fact in
            fact.experiment = registered.experiment
            fact.site = registered.site
            fact.agreement = registered.agreement
            fact.amountCents = registered.budgetCents
            fact.target = registered.participantsTarget
        },
        FactConsumer.handler(
            ProtocolApproved.self, .protocolApproved, key: { $0.experiment.figureText }
        ) { approved, fact in
            fact.experiment = approved.experiment
            fact.ordinal = approved.protocolVersion
            fact.word = approved.legalQualification
        },
        FactConsumer.handler(
            ExperimentStarted.self, .experimentStarted, key: { $0.experiment.figureText }
        ) { started, fact in
            fact.experiment = started.experiment
            fact.site = started.site
            fact.agreement = started.agreement
            fact.time = started.startedAt
        },
        FactConsumer.handler(
            ExperimentCompleted.self, .experimentCompleted, key: { $0.experiment.figureText }
        ) { completed, fact in
            fact.experiment = completed.experiment
            fact.site = completed.site
            fact.agreement = completed.agreement
            fact.count = completed.participantsCount
            fact.time = completed.completedAt
        },
        FactConsumer.handler(
            ExperimentTerminated.self, .experimentTerminated, key: { $0.experiment.figureText }
        ) { terminated, fact in
            fact.experiment = terminated.experiment
            fact.site = terminated.site
            fact.agreement = terminated.agreement
            fact.count = terminated.participantsCount
            fact.time = terminated.terminatedAt
        },
    ]
}
