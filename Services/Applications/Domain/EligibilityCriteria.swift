import Identifiers

/// Why an application is not eligible. The slugs are published with the decision and never change.
package enum EligibilityReason: String, Sendable, CaseIterable, Codable {
    /// The lead is neither a health structure nor an innovation actor.
    case leadNotAdmitted = "lead-not-admitted"
    /// The lead is an innovation actor, and no member of the consortium is a health structure.
    case noHealthStructure = "no-health-structure"
    case sirenInvalid = "siren-invalid"
    /// Not deposited before the technical closing.
    case submittedLate = "submitted-late"
    /// More is asked for than the rules allow for this budget and this kind of lead.
    case requestedAboveCap = "requested-above-cap"
    /// The rules provide no grant for this kind of lead.
    case noCeiling = "no-ceiling-for-structure-type"
}

/// The hard criteria of the call (domain sources 13 and 15); everything softer is for the reviewers.
package enum EligibilityCriteria {
    /// - Returns: in the order of the cases above; empty when eligible.
    package static func reasons(_ content: ApplicationContent, estimate: GrantEstimate) -> [EligibilityReason] {
        var reasons: [EligibilityReason] = []
        if let structureType = content.lead?.structureType, !structureType.isHealthStructure {
            if structureType != .innovationActor {
                reasons.append(.leadNotAdmitted)
            } else if !content.partners.contains(where: { $0.structureType?.isHealthStructure ?? false }) {
                reasons.append(.noHealthStructure)
            }
        }
        if content.members.contains(where: { $0.siren.map { SIREN($0) == nil } ?? false }) {
            reasons.append(.sirenInvalid)
        }
        if let requestedCents = content.requestedCents, let capCents = estimate.capCents, requestedCents > capCents {
            reasons.append(.requestedAboveCap)
        }
        if case .noCeiling = estimate { reasons.append(.noCeiling) }
        return reasons
    }

    /// The same, for a deposit: also whether it came in time.
    package static func reasons(_ deposit: Deposit, call: Call, estimate: GrantEstimate) -> [EligibilityReason] {
        let isLate = deposit.submittedAt >= call.graceUntil
        let reasons = Set(reasons(deposit.content, estimate: estimate) + (isLate ? [.submittedLate] : []))
        return EligibilityReason.allCases.filter(reasons.contains)
    }
}

extension EligibilityReason {
    /// What an applicant is told before the decision; nil where a finding of severity error says it already.
    var warning: Finding? {
        switch self {
        case .leadNotAdmitted:
            .warning(
                rawValue, "/lead/structureType",
                fr: "le chef de file doit être une structure de santé ou un acteur d'innovation.",
                en: "the lead has to be a health structure or an innovation actor.")
        case .noHealthStructure:
            .warning(
                rawValue, "/partners",
                fr: "un acteur d'innovation doit intégrer au moins une structure de santé.",
                en: "an innovation actor has to bring in at least one health structure.")
        case .requestedAboveCap:
            .warning(
                rawValue, "/requestedCents",
                fr: "la subvention demandée dépasse ce que les règles permettent.",
                en: "more is asked for than the rules allow.")
        case .noCeiling:
            .warning(
                rawValue, "/lead/structureType",
                fr: "les règles ne prévoient pas de plafond pour ce type de chef de file.",
                en: "the rules provide no ceiling for this kind of lead.")
        case .sirenInvalid, .submittedLate: nil
        }
    }
}
