import CofundingRules
import Events
import ExperimentationDomain
import FoundationEssentials

struct ExperimentView: Encodable, Sendable {
    struct SolutionView: Encodable, Sendable {
        let id: String
        let name: String
        let supplier: String
    }

    /// What funding decided, and how fresh that is.
    struct CofundingView: Encodable, Sendable {
        let state: String
        let approvedCents: Int64?
        let reason: String?
        /// Time of funding's event; nil while none has come.
        let asOf: Date?
        /// While funding has not decided: what the rules in force would grant.
        let estimate: EstimateView?
    }

    struct EstimateView: Encodable, Sendable {
        let ruleSet: String
        let grantedCents: Int64
        let bindingRule: String
        /// When the caller named a basis and rules for it are in force.
        let stateAid: StateAidView?
    }

    /// What the State-aid rules would allow.
    struct StateAidView: Encodable, Sendable {
        let rule: String
        /// nil where no cap is set.
        let capCents: Int64?
        let stateAidRules: String?
        let source: String
        let inputs: [String]
    }

    struct ParticipantsView: Encodable, Sendable {
        let target: Int
        let count: Int
        let byArm: [String: Int]
    }

    let id: String
    let version: Int64
    let state: String
    let site: String
    let agreement: String
    let title: String
    let solution: SolutionView
    let budgetCents: Int64
    let requestedCents: Int64
    let cofunding: CofundingView
    let approvedProtocol: ProtocolView?
    let participants: ParticipantsView
    /// Nil in lists.
    let milestonesReached: [MilestoneView]?
    let startedAt: Date?
    let completedAt: Date?
    let terminatedAt: Date?
    let terminationReason: String?

    enum CodingKeys: String, CodingKey {
        case id, version, state, site, agreement, title, solution, budgetCents, requestedCents, cofunding
        case approvedProtocol = "protocol"
        case participants, milestonesReached, startedAt, completedAt, terminatedAt, terminationReason
    }

    init(_ record: ExperimentRecord, estimate: CofundingResult? = nil, milestones: [ReachedMilestone]? = nil) {
        let experiment = record.experiment
        id = experiment.id.lowercase
        version = experiment.version
        state = experiment.state.rawValue
        site = experiment.site.lowercase
        agreement = record.site.agreement.lowercase
        title = experiment.title
        solution = SolutionView(
            id: experiment.solution.lowercase, name: record.solution.name, supplier: record.solution.supplier)
        budgetCents = experiment.budgetCents
        requestedCents = experiment.requestedCents
        cofunding = CofundingView(record, estimate)
        approvedProtocol = experiment.approvedProtocol.map(ProtocolView.init)
        participants = ParticipantsView(
            target: experiment.participantsTarget, count: experiment.arms.total,
            byArm: [
                Arm.intervention.rawValue: experiment.arms.intervention, Arm.control.rawValue: experiment.arms.control,
            ])
        milestonesReached = milestones.map { $0.map(MilestoneView.init) }
        startedAt = experiment.startedAt
        completedAt = experiment.completedAt
        terminatedAt = experiment.termination?.terminatedAt
        terminationReason = experiment.termination?.reason
    }
}

extension ExperimentView.CofundingView {
    fileprivate init(_ record: ExperimentRecord, _ estimate: CofundingResult?) {
        let cofunding = record.experiment.cofunding
        state = cofunding.state.rawValue
        if case .approved(let cents) = cofunding { approvedCents = cents } else { approvedCents = nil }
        if case .refused(let why) = cofunding { reason = why } else { reason = nil }
        asOf = record.cofundingAsOf
        self.estimate = estimate.map {
            .init(
                ruleSet: $0.ruleSet, grantedCents: $0.grantedCents, bindingRule: $0.bindingRule.rawValue,
                stateAid: .init($0))
        }
    }
}

extension ExperimentView.StateAidView {
    /// nil where the result rests on no basis.
    fileprivate init?(_ result: CofundingResult) {
        let ofBases: Set<CofundingRule> = [.nonEconomic, .gberIntensity, .deMinimisRoom]
        guard let step = result.derivation.first(where: { ofBases.contains($0.rule) }) else { return nil }
        self.init(
            rule: step.rule.rawValue, capCents: step.rule.isCap ? step.valueCents : nil,
            stateAidRules: result.stateAidRules, source: step.source, inputs: step.inputs)
    }
}

struct ProtocolView: Encodable, Sendable {
    struct Window: Encodable, Sendable {
        let instrument: String
        let instrumentVersion: String
        let occasion: String
        let opensDay: Int
        let closesDay: Int
    }

    struct Milestone: Encodable, Sendable {
        let milestone: String
        let responsesCountMin: Int
    }

    let protocolVersion: Int
    let legalQualification: String
    let evidenceReference: String?
    let consentScope: String
    let windows: [Window]
    let milestones: [Milestone]
    let approvedAt: Date

    init(_ approved: StudyProtocol) {
        protocolVersion = approved.version
        legalQualification = approved.qualification.rawValue
        evidenceReference = approved.evidenceReference
        consentScope = approved.consentScope
        windows = approved.windows.map {
            Window(
                instrument: $0.instrument.rawValue, instrumentVersion: $0.instrumentVersion, occasion: $0.occasion,
                opensDay: $0.opensDay, closesDay: $0.closesDay)
        }
        milestones = approved.milestones.map {
            Milestone(milestone: $0.milestone, responsesCountMin: $0.responsesCountMin)
        }
        approvedAt = approved.approvedAt
    }
}

struct MilestoneView: Encodable, Sendable {
    let milestone: String
    let responsesCountMin: Int
    let responsesCount: Int
    let reachedAt: Date

    init(_ reached: ReachedMilestone) {
        milestone = reached.milestone
        responsesCountMin = reached.responsesCountMin
        responsesCount = reached.responsesCount
        reachedAt = reached.reachedAt
    }
}

/// The answer to an enrolment.
struct EnrolmentView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let participant: String
    let pseudonym: String
    let arm: String

    init(_ participant: Participant) {
        id = participant.id.lowercase
        version = 1
        state = "enrolled"
        self.participant = participant.id.lowercase
        pseudonym = participant.pseudonym.code
        arm = participant.arm.rawValue
    }
}

/// A participant as the site sees them.
struct ParticipantView: Encodable, Sendable {
    let participant: String
    let externalCode: String?
    let pseudonym: String
    let arm: String
    let consentScope: String
    let consentVersion: Int
    let consentedAt: Date
    let enrolledAt: Date

    init(_ participant: EnrolledParticipant) {
        self.participant = participant.id.lowercase
        externalCode = participant.externalCode
        pseudonym = participant.pseudonym
        arm = participant.arm.rawValue
        consentScope = participant.consent.scope
        consentVersion = participant.consent.version
        consentedAt = participant.consent.givenAt
        enrolledAt = participant.enrolledAt
    }
}
