package import FoundationEssentials

/// The evaluation of an experiment is published. The subject is the evaluation.
package struct EvaluationPublished: EventPayload {
    package static let type = EventType(.reporting, "evaluation", "published")
    package var evaluation: UUID
    package var experiment: UUID
    package var agreement: UUID
    package var publishedAt: Date

    package init(evaluation: UUID, experiment: UUID, agreement: UUID, publishedAt: Date) {
        self.evaluation = evaluation
        self.experiment = experiment
        self.agreement = agreement
        self.publishedAt = publishedAt
    }
}
