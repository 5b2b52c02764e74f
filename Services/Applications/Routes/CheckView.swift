import CofundingRules
import Events
import FoundationEssentials

/// What one rule allows, and whether it set the amount.
struct DerivationView: Encodable, Sendable {
    let rule: String
    let valueCents: Int64
    let isBinding: Bool
    let source: String

    init(_ step: DerivationStep) {
        rule = step.rule.rawValue
        valueCents = step.valueCents
        isBinding = step.isBinding
        source = step.source
    }
}

/// One event of an application's history.
struct HistoryView: Encodable, Sendable {
    let id: String
    let type: String
    let time: Date
    let actor: String
    let sequence: Int64

    init(_ line: HistoryLine) {
        id = line.id.lowercase
        type = line.type
        time = line.time
        actor = line.actor
        sequence = line.sequence
    }
}
