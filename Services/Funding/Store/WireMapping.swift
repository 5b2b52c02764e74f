import CofundingRules
import Events
import FundingDomain
import Postgres

/// The consortium as it is stored, in the form of the wire.
struct ConsortiumColumn: Codable {
    let lead: ConsortiumMember
    let partners: [ConsortiumMember]

    init(_ consortium: Consortium) {
        lead = ConsortiumMember(consortium.lead)
        partners = consortium.partners.map { ConsortiumMember($0) }
    }

    var consortium: Consortium {
        Consortium(lead: Member(lead), partners: partners.map { Member($0) })
    }

    static func json(_ consortium: Consortium) throws -> PostgresJSON {
        PostgresJSON(bytes: try WireCoding.encode(ConsortiumColumn(consortium)))
    }

    static func read(_ json: PostgresJSON) throws -> Consortium {
        try WireCoding.decode(ConsortiumColumn.self, from: json.bytes).consortium
    }
}

extension ConsortiumMember {
    init(_ member: Member) {
        self.init(siren: member.siren, structureType: member.structureType, sector: member.sector)
    }
}

extension Member {
    init(_ member: ConsortiumMember) {
        self.init(siren: member.siren, structureType: member.structureType, sector: member.sector)
    }
}

extension EnvelopeKind {
    init(_ purpose: EnvelopePurpose) {
        switch purpose {
        case .animation: self = .animation
        case .experiments: self = .experiments
        }
    }
}

extension DecidedOutcome {
    init(_ outcome: SelectionOutcome) {
        switch outcome {
        case .funded: self = .funded
        case .reserve: self = .reserve
        case .rejected: self = .rejected
        }
    }
}

extension EvidenceKind {
    init(_ kind: EvidenceOf) {
        switch kind {
        case .agreementSigned: self = .agreementSigned
        case .siteOpened: self = .siteOpened
        case .experimentStarted: self = .experimentStarted
        case .responsesCollected: self = .responsesCollected
        case .siteReportAccepted: self = .siteReportAccepted
        case .statementAccepted: self = .statementAccepted
        case .evaluationPublished: self = .evaluationPublished
        case .milestoneReached: self = .milestoneReached
        case .experimentCompleted: self = .experimentCompleted
        }
    }
}

extension AppliedRule {
    init(_ step: DerivationStep) {
        self.init(
            rule: step.rule.rawValue, valueCents: step.valueCents, isBinding: step.isBinding, source: step.source)
    }
}

/// A step of a derivation as a grant keeps and shows it. Events leave out what a value was computed from.
struct DerivationLine: Codable, Sendable {
    let rule: String
    let valueCents: Int64
    let isBinding: Bool
    let source: String
    /// nil where the value is a rule's own.
    let inputs: [String]?

    init(_ step: DerivationStep) {
        rule = step.rule.rawValue
        valueCents = step.valueCents
        isBinding = step.isBinding
        source = step.source
        inputs = step.inputs.isEmpty ? nil : step.inputs
    }
}

extension TrancheTerms {
    init(_ tranche: Tranche) {
        self.init(
            tranche: tranche.id, number: tranche.number, amountCents: tranche.amountCents,
            conditions: tranche.conditions.map { EvidenceKind($0.kind) })
    }
}
