/// Every event type with its owner and the services that handle it: the one place that topology, relay and tests
/// read.
package enum EventCatalogue {
    package struct Entry: Sendable {
        package let payload: any EventPayload.Type
        /// The services with a handler. A service that follows the noun for another type receives this one too, and
        /// only counts it.
        package let handledBy: Set<EventOwner>
        package var type: EventType { payload.type }
    }

    package static let entries = domainEntries + checkpoints

    private static let domainEntries: [Entry] = [
        Entry(payload: CallPublished.self, handledBy: [.funding, .reporting]),
        Entry(payload: ApplicationSubmitted.self, handledBy: [.reporting]),
        Entry(payload: ApplicationEligibilityDecided.self, handledBy: [.reporting]),
        Entry(payload: ApplicationRecommended.self, handledBy: [.reporting]),
        Entry(payload: ApplicationDecided.self, handledBy: [.funding, .reporting]),
        Entry(payload: RuleSetPublished.self, handledBy: [.applications, .experimentation]),
        Entry(payload: StateAidRulesPublished.self, handledBy: [.applications, .experimentation]),
        Entry(payload: ProgrammeOpened.self, handledBy: [.reporting]),
        Entry(payload: ProgrammeAllotted.self, handledBy: [.reporting]),
        Entry(payload: EnvelopeOpened.self, handledBy: [.reporting]),
        Entry(payload: EnvelopeAdjusted.self, handledBy: [.reporting]),
        Entry(payload: ReservationMade.self, handledBy: [.reporting]),
        Entry(payload: ReservationLetGo.self, handledBy: [.reporting]),
        Entry(payload: GrantReserved.self, handledBy: [.applications, .reporting]),
        Entry(payload: GrantRefused.self, handledBy: [.applications, .reporting]),
        Entry(payload: AgreementSigned.self, handledBy: [.applications, .experimentation, .reporting]),
        Entry(payload: CofundingApproved.self, handledBy: [.experimentation, .reporting]),
        Entry(payload: CofundingRefused.self, handledBy: [.experimentation, .reporting]),
        Entry(payload: TrancheOpened.self, handledBy: [.reporting]),
        Entry(payload: TrancheReleased.self, handledBy: [.reporting]),
        Entry(payload: PaymentOrdered.self, handledBy: [.reporting]),
        Entry(payload: PaymentExecuted.self, handledBy: [.reporting]),
        Entry(payload: AgreementSuspended.self, handledBy: []),
        Entry(payload: AgreementResumed.self, handledBy: []),
        Entry(payload: AgreementTerminated.self, handledBy: [.reporting]),
        Entry(payload: GrantReleased.self, handledBy: [.reporting]),
        Entry(payload: ExperimentAgreementSigned.self, handledBy: [.reporting]),
        Entry(payload: AgreementDiscarded.self, handledBy: []),
        Entry(payload: AgreementAmended.self, handledBy: [.reporting]),
        Entry(payload: AgreementSettled.self, handledBy: [.reporting]),
        Entry(payload: TrancheAdjusted.self, handledBy: [.reporting]),
        Entry(payload: ExpenseStatementSubmitted.self, handledBy: []),
        Entry(payload: ExpenseStatementAccepted.self, handledBy: []),
        Entry(payload: ExpenseStatementReopened.self, handledBy: []),
        Entry(payload: ExpenseStatementReminded.self, handledBy: []),
        Entry(payload: TrancheHeld.self, handledBy: []),
        Entry(payload: TrancheResumed.self, handledBy: []),
        Entry(payload: TrancheCancelled.self, handledBy: [.reporting]),
        Entry(payload: PaymentRejected.self, handledBy: [.reporting]),
        Entry(payload: PaymentCancelled.self, handledBy: [.reporting]),
        Entry(payload: RecoveryProposed.self, handledBy: []),
        Entry(payload: RecoveryWithdrawn.self, handledBy: []),
        Entry(payload: RecoveryOrdered.self, handledBy: [.reporting]),
        Entry(payload: RecoveryReceived.self, handledBy: [.reporting]),
        Entry(payload: RecoveryWaived.self, handledBy: [.reporting]),
        Entry(payload: RecoverySettled.self, handledBy: []),
        Entry(payload: LedgerCheckpointed.self, handledBy: [.reporting]),
        Entry(payload: LedgerSealed.self, handledBy: [.reporting]),
        Entry(payload: SiteOpened.self, handledBy: [.funding, .feedback, .reporting]),
        Entry(payload: ExperimentRegistered.self, handledBy: [.funding, .feedback, .reporting]),
        Entry(payload: CofundingRequested.self, handledBy: [.funding]),
        Entry(payload: ProtocolApproved.self, handledBy: [.feedback, .reporting]),
        Entry(payload: ExperimentStarted.self, handledBy: [.funding, .feedback, .reporting]),
        Entry(payload: ParticipantEnrolled.self, handledBy: [.feedback, .reporting]),
        Entry(payload: ExperimentCompleted.self, handledBy: [.funding, .feedback, .reporting]),
        Entry(payload: ExperimentTerminated.self, handledBy: [.funding, .feedback, .reporting]),
        Entry(payload: SiteReportSubmitted.self, handledBy: []),
        Entry(payload: SiteReportAccepted.self, handledBy: [.funding]),
        Entry(payload: SiteReportReopened.self, handledBy: [.funding]),
        Entry(payload: PublisherRegistered.self, handledBy: []),
        Entry(payload: PublisherSuspended.self, handledBy: []),
        Entry(payload: PublisherResumed.self, handledBy: []),
        Entry(payload: ResponsesRecorded.self, handledBy: [.reporting]),
        Entry(payload: ResponseAmended.self, handledBy: [.reporting]),
        Entry(payload: InstrumentPublished.self, handledBy: []),
        Entry(payload: ResponseRetracted.self, handledBy: [.reporting]),
        Entry(payload: ResponseExcluded.self, handledBy: [.reporting]),
        Entry(payload: MilestoneReached.self, handledBy: [.funding, .experimentation, .reporting]),
        Entry(payload: AnswerPublished.self, handledBy: []),
        Entry(payload: MilestoneLost.self, handledBy: [.funding, .experimentation, .reporting]),
        Entry(payload: EvaluationPublished.self, handledBy: [.funding]),
    ]

    /// Whoever listens to an owner hears its checkpoints.
    private static let checkpoints = EventOwner.allCases.map { owner in
        let listeners = domainEntries.filter { $0.type.owner == owner }.flatMap(\.handledBy)
        return Entry(payload: checkpointPayload(of: owner.log), handledBy: Set(listeners))
    }

    private static func checkpointPayload<Log: LogOwner>(of log: Log.Type) -> any EventPayload.Type {
        LogCheckpointed<Log>.self
    }

    /// A listener follows whole nouns, so that it sees every sequence number of a subject.
    package struct Binding: Hashable, Sendable {
        package let exchange: String
        /// `<owner>.<noun>.#`
        package let routingKey: String
    }

    private static let byType = Dictionary(uniqueKeysWithValues: entries.map { ($0.type, $0) })

    package static func entry(for type: EventType) -> Entry? { byType[type] }

    /// Whether any service follows the type's noun; if none does, the broker may return the message and it counts as
    /// published.
    package static func hasListener(_ type: EventType) -> Bool {
        entries.contains { $0.type.owner == type.owner && $0.type.noun == type.noun && !$0.handledBy.isEmpty }
    }

    /// Whether the listener gets every event of the type, handled or not.
    package static func follows(_ listener: EventOwner, _ type: EventType) -> Bool {
        entries.contains {
            $0.type.owner == type.owner && $0.type.noun == type.noun && $0.handledBy.contains(listener)
        }
    }

    /// The owners that the listener hears of.
    package static func owners(followedBy listener: EventOwner) -> [EventOwner] {
        Set(entries.filter { $0.handledBy.contains(listener) }.map(\.type.owner)).sorted()
    }

    /// The topic exchange that the owner alone publishes to.
    package static func exchange(of owner: EventOwner) -> String { "maillage.\(owner.rawValue)" }

    /// The quorum queue that all replicas of a listener share.
    package static func queue(of listener: EventOwner) -> String { "maillage.\(listener.rawValue).inbox" }

    /// Where old events are sent to a listener once more, apart from the new ones.
    package static func replayQueue(of listener: EventOwner, generation: Int) -> String {
        "maillage.\(listener.rawValue).replay.\(generation)"
    }

    /// Where the broker puts what the listener's queue gave up on; the listener alone drains it.
    package static func deadQueue(of listener: EventOwner) -> String { "maillage.\(listener.rawValue).dead" }

    package static func bindings(of listener: EventOwner) -> [Binding] {
        let followed = entries.filter { $0.handledBy.contains(listener) }
        let bindings = followed.map {
            Binding(
                exchange: exchange(of: $0.type.owner), routingKey: "\($0.type.owner.rawValue).\($0.type.noun).#")
        }
        return Set(bindings).sorted { ($0.exchange, $0.routingKey) < ($1.exchange, $1.routingKey) }
    }
}
