package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What is known of an experiment, as far as its evaluation depends on it.
package struct EvaluatedExperiment: Sendable, Equatable {
    /// What its evaluation depends on.
    package static let kinds: [FactKind] = [.experimentRegistered] + ends
    private static let ends: [FactKind] = [.experimentCompleted, .experimentTerminated]

    package let experiment: UUID
    package let agreement: UUID
    package let hasEnded: Bool

    /// nil before its registration is known.
    package init?(_ experiment: UUID, facts: FactBook) {
        func known(_ kind: FactKind) -> ProgrammeFact? { facts.facts(kind).first { $0.experiment == experiment } }
        guard let agreement = known(.experimentRegistered)?.agreement else { return nil }
        self.experiment = experiment
        self.agreement = agreement
        hasEnded = Self.ends.contains { known($0) != nil }
    }

    /// A first or a further publication of the experiment's evaluation.
    package func publish(
        _ content: EvaluationContent, by: String, at now: Date
    ) throws(EvaluationError) -> EvaluationPublication {
        try content.check()
        guard hasEnded else { throw .experimentNotEnded }
        return EvaluationPublication(content, by: by, at: now)
    }
}
