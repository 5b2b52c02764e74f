package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What an event can prove of an agreement.
package enum EvidenceOf: String, Sendable, CaseIterable, Hashable {
    case agreementSigned = "agreement-signed"
    case siteOpened = "site-opened"
    /// Falls when the experiment is terminated.
    case experimentStarted = "experiment-started"
    /// Valid responses, by the milestones that experiments have reached.
    case responsesCollected = "responses-collected"
    case milestoneReached = "milestone-reached"
    case experimentCompleted = "experiment-completed"
    case siteReportAccepted = "site-report-accepted"
    case statementAccepted = "expense-statement-accepted"
    case evaluationPublished = "evaluation-published"
}

/// What a tranche waits for: so much of one kind of evidence. Written `kind`, or `kind:count` where it takes more than
/// one.
package struct ReleaseCondition: Sendable, Hashable {
    package let kind: EvidenceOf
    /// From 1: so many sites, experiments, responses, reports or statements.
    package let count: Int

    package static let countMax = 1_000_000

    /// nil for anything that `text` does not write.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = EvidenceOf(rawValue: String(parts[0])) else { return nil }
        let count = parts.count == 2 ? Int(parts[1]) : 1
        guard let count, (1...Self.countMax).contains(count) else { return nil }
        self.init(known: kind, count)
        guard self.text == text else { return nil }
    }

    private init(known kind: EvidenceOf, _ count: Int) {
        self.kind = kind
        self.count = count
    }

    package var text: String { count == 1 ? kind.rawValue : "\(kind.rawValue):\(count)" }

    package static let agreementSigned = ReleaseCondition(known: .agreementSigned, 1)
    package static let siteOpened = ReleaseCondition(known: .siteOpened, 1)
    package static let experimentStarted = ReleaseCondition(known: .experimentStarted, 1)
    package static let milestoneReached = ReleaseCondition(known: .milestoneReached, 1)
    package static let experimentCompleted = ReleaseCondition(known: .experimentCompleted, 1)
}

/// The evidence of an agreement that stands, in the order in which it was recorded.
package struct RecordedEvidence: Sendable, Equatable {
    package struct Fact: Sendable, Equatable {
        package let kind: EvidenceOf
        /// The site, experiment, report or statement that it is about.
        package let subject: String
        package let event: UUID
        package let occurredAt: Date
        /// How much it counts: 1, or a number of responses.
        package let count: Int

        package init(kind: EvidenceOf, subject: String, event: UUID, occurredAt: Date, count: Int = 1) {
            self.kind = kind
            self.subject = subject
            self.event = event
            self.occurredAt = occurredAt
            self.count = count
        }
    }

    package let facts: [Fact]

    package init(_ facts: [Fact]) { self.facts = facts }

    /// So much of it stands.
    package func count(of kind: EvidenceOf) -> Int {
        facts.reduce(0) { $1.kind == kind ? $0.addingReportingOverflow($1.count).partialValue : $0 }
    }

    package func meets(_ condition: ReleaseCondition) -> Bool { count(of: condition.kind) >= condition.count }

    /// The first facts that reach the condition's count together; empty while it is not met.
    package func proofs(of condition: ReleaseCondition) -> [Fact] {
        var (proofs, count): ([Fact], Int) = ([], 0)
        for fact in facts where fact.kind == condition.kind {
            proofs.append(fact)
            count += fact.count
            if count >= condition.count { return proofs }
        }
        return []
    }
}
