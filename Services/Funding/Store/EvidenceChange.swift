import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Evidence that stands or fell. All that was told of a thing is kept; what its highest number says holds.
protocol EvidenceChange: Sendable {
    var event: UUID { get }
    var stands: Bool { get }
    func insert(of agreement: UUID, in session: some PostgresSession) async throws(PostgresError)
}

/// What was told of an experiment, a report or a statement.
struct SubjectChange: EvidenceChange {
    let kind: EvidenceOf
    let subject: UUID
    /// Of the event among those of its subject, from 1.
    let number: Int64
    let stands: Bool
    let event: UUID
    let occurredAt: Date

    func insert(of agreement: UUID, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            insert into evidence_changes (agreement, condition, subject, number, stands, event, occurred_at)
            values (\(agreement), \(kind.rawValue), \(subject), \(number), \(stands), \(event), \(occurredAt))
            on conflict (condition, subject, number) do nothing
            """)
    }
}

/// What feedback told about a milestone of an experiment.
struct MilestoneChange: EvidenceChange {
    let experiment: UUID
    let milestone: String
    /// From 1.
    let version: Int
    let stands: Bool
    /// So many valid responses it takes.
    let responsesCountMin: Int
    let event: UUID
    let occurredAt: Date

    func insert(of agreement: UUID, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            insert into milestone_changes (agreement, experiment, milestone, version, is_reached, responses_count_min,
                event, occurred_at)
            values (\(agreement), \(experiment), \(milestone), \(Int32(clamping: version)), \(stands),
                \(Int32(clamping: responsesCountMin)), \(event), \(occurredAt))
            on conflict (experiment, milestone, version) do nothing
            """)
    }
}
