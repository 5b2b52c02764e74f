import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox

/// How what happened to an experiment is told to the other services. Titles and names stay here.
extension ExperimentRecord {
    /// The registration, and the request for money where there is one.
    func registrationEvents(_ context: CommandContext) -> [NewEvent] {
        let registered = ExperimentRegistered(
            experiment: experiment.id, site: site.id, agreement: site.agreement, solution: experiment.solution,
            budgetCents: experiment.budgetCents, participantsTarget: experiment.participantsTarget)
        var events = [context.event(registered, about: experiment.id)]
        guard experiment.cofunding == .requested else { return events }
        let requested = CofundingRequested(
            experiment: experiment.id, site: site.id, agreement: site.agreement, application: site.application,
            call: site.call, siren: site.siren, budgetCents: experiment.budgetCents,
            requestedCents: experiment.requestedCents)
        events.append(context.event(requested, about: experiment.id))
        return events
    }

    /// nil for what stays in this service.
    func event(of fact: ExperimentFact, context: CommandContext) -> NewEvent? {
        switch fact {
        case .cofundingSettled: nil
        case .protocolApproved(let approved): context.event(wire(approved), about: experiment.id)
        case .started(let instant):
            context.event(
                ExperimentStarted(
                    experiment: experiment.id, site: site.id, agreement: site.agreement,
                    protocolVersion: experiment.approvedProtocol?.version ?? 0, startedAt: instant),
                about: experiment.id)
        case .completed(let instant):
            context.event(
                ExperimentCompleted(
                    experiment: experiment.id, site: site.id, agreement: site.agreement,
                    participantsCount: experiment.arms.total, completedAt: instant), about: experiment.id)
        case .terminated(let termination):
            context.event(
                ExperimentTerminated(
                    experiment: experiment.id, site: site.id, agreement: site.agreement,
                    participantsCount: experiment.arms.total, terminatedAt: termination.terminatedAt),
                about: experiment.id)
        }
    }

    private func wire(_ approved: StudyProtocol) -> ProtocolApproved {
        ProtocolApproved(
            experiment: experiment.id, protocolVersion: approved.version,
            legalQualification: approved.qualification.rawValue, consentScope: approved.consentScope,
            windows: approved.windows.map {
                InstrumentWindow(
                    instrument: $0.instrument.rawValue, instrumentVersion: $0.instrumentVersion, occasion: $0.occasion,
                    opensDay: $0.opensDay, closesDay: $0.closesDay)
            },
            milestones: approved.milestones.map {
                MilestoneTerms(milestone: $0.milestone, responsesCountMin: $0.responsesCountMin)
            })
    }
}

extension Participant {
    var enrolled: ParticipantEnrolled {
        ParticipantEnrolled(
            participant: id, experiment: experiment, arm: arm.rawValue, pseudonym: pseudonym.code,
            consentScope: consent.scope, consentVersion: consent.version, consentedAt: consent.givenAt)
    }
}
