import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Tranches and the evidence that releases them.
struct TrancheStore: Sendable {
    /// An event that meets a condition of an agreement.
    struct EvidenceRecord: Sendable {
        let agreement: UUID
        let condition: ReleaseCondition
        let event: UUID
        /// The site or experiment that it is about.
        let subject: String
        let occurredAt: Date
    }

    /// A tranche with the evidence of its agreement: why it is released, or what it still waits for.
    struct Standing: Sendable {
        let tranche: Versioned<Tranche>
        let releasedAt: Date?
        /// For each condition of the tranche that is met, the first event that met it.
        let evidence: [EvidenceRecord]

        /// The conditions that released the tranche and are met no more.
        var lost: [ReleaseCondition] { tranche.value.lost(from: recorded) }

        var recorded: RecordedEvidence {
            Dictionary(evidence.map { ($0.condition, $0.event) }, uniquingKeysWith: { first, _ in first })
        }
    }

    // MARK: Evidence

    /// Records an event of an agreement and releases every tranche whose conditions are all met now. The caller holds
    /// the agreement's row, so that of two events that arrive together the later sees the earlier.
    func record(
        _ evidence: EvidenceRecord, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into evidence (agreement, condition, event, subject, occurred_at)
            values (\(evidence.agreement), \(evidence.condition.rawValue), \(evidence.event), \(evidence.subject),
                \(evidence.occurredAt))
            on conflict (agreement, condition, event) do nothing
            """)
        try await releaseWhatIsMet(of: evidence.agreement, command, in: session)
    }

    /// Records that a milestone was reached or lost. What is released already stays released, and is held while the
    /// milestone is lost: see `Standing.lost`. The caller holds the agreement's row.
    func record(
        _ change: MilestoneChange, of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await change.insert(of: agreement, in: session)
        if change.isReached { try await releaseWhatIsMet(of: agreement, command, in: session) }
    }

    private func releaseWhatIsMet(
        of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        for stored in try await standings(ofAgreement: agreement, in: session) {
            var tranche = stored.tranche.value
            guard let transfer = tranche.release(on: stored.recorded) else { continue }
            try await release(tranche, transfer, on: stored.recorded, command, in: session)
        }
    }

    private func release(
        _ tranche: Tranche, _ transfer: Transfer, on evidence: RecordedEvidence, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        let proofs = tranche.conditions.compactMap { condition in
            evidence[condition].map { Evidence(condition: EvidenceKind(condition), event: $0) }
        }
        let released = command.event(
            TrancheReleased(
                tranche: tranche.id, agreement: tranche.agreement, number: tranche.number,
                amountCents: tranche.amountCents, evidence: proofs, releasedAt: command.now),
            about: tranche.id)
        try await session.query(
            """
            update tranches set state = \(tranche.state.rawValue), version = version + 1, released_at = \(command.now)
            where id = \(tranche.id)
            """)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: released.id), in: session)
        try await EventLog.append([released], in: session)
    }

    /// For each condition of an agreement the first event that met it.
    private func firstEvidence(of agreement: UUID, in session: some PostgresSession) async throws -> [EvidenceRecord] {
        let rows = try await session.query(
            """
            select distinct on (condition) condition, event, subject, occurred_at
            from evidence_in_force where agreement = \(agreement) order by condition, id
            """)
        return try rows.map { row in
            EvidenceRecord(
                agreement: agreement, condition: try row.get("condition"), event: try row.get("event"),
                subject: try row.get("subject"), occurredAt: try row.get("occurred_at"))
        }
    }

    // MARK: Tranches

    func insert(_ tranches: [Tranche], in session: some PostgresSession) async throws {
        for tranche in tranches {
            try await session.query(
                """
                insert into tranches (id, agreement, number, amount_cents, conditions, state)
                values (\(tranche.id), \(tranche.agreement), \(tranche.number), \(tranche.amountCents),
                    \(tranche.conditions.map(\.rawValue)), \(tranche.state.rawValue))
                """)
        }
    }

    /// The agreement is signed.
    func open(agreement: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update tranches set state = \(TrancheState.opened.rawValue), version = version + 1
            where agreement = \(agreement)
            """)
    }

    /// The bank paid it.
    func save(paid tranche: Tranche, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update tranches set state = \(tranche.state.rawValue), version = version + 1 where id = \(tranche.id)
            """)
    }

    /// The tranche with the evidence of now. The agreement is locked first, as by whatever changes its evidence: so
    /// none of it is lost before the end of the transaction.
    func lockStanding(of id: UUID, in session: some PostgresSession) async throws -> Standing {
        try await session.query(
            """
            select id from agreements where id = (select agreement from tranches where id = \(id)) for share
            """)
        try await session.query("select id from tranches where id = \(id) for update")
        return try await standing(of: id, visibleTo: nil, in: session)
    }

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func standing(
        of id: UUID, visibleTo siren: String?, in session: some PostgresSession
    ) async throws -> Standing {
        let rows = try await session.query(
            """
            select t.*, a.grant_id from tranches t join agreements a on a.id = t.agreement
            where t.id = \(id) and (\(siren) is null or a.lead_siren = \(siren))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "tranche") }
        let evidence = try await firstEvidence(of: try row.get("agreement"), in: session)
        return try Self.standing(row, evidence)
    }

    /// In the order of their numbers.
    func standings(ofAgreement id: UUID, in session: some PostgresSession) async throws -> [Standing] {
        let rows = try await session.query(
            """
            select t.*, a.grant_id from tranches t join agreements a on a.id = t.agreement
            where t.agreement = \(id) order by t.number
            """)
        let evidence = try await firstEvidence(of: id, in: session)
        return try rows.map { try Self.standing($0, evidence) }
    }

    private static func standing(_ row: PostgresRow, _ evidence: [EvidenceRecord]) throws -> Standing {
        let tranche = try tranche(row)
        return Standing(
            tranche: tranche, releasedAt: try row.get("released_at"),
            evidence: evidence.filter { tranche.value.conditions.contains($0.condition) })
    }

    private static func tranche(_ row: PostgresRow) throws -> Versioned<Tranche> {
        let conditions = try row.get("conditions", as: [String].self).map { name in
            guard let condition = ReleaseCondition(rawValue: name) else { throw UnknownCondition(name: name) }
            return condition
        }
        let tranche = Tranche(
            id: try row.get("id"), agreement: try row.get("agreement"), grant: try row.get("grant_id"),
            number: try row.get("number"), amountCents: try row.get("amount_cents"), conditions: conditions,
            state: try row.get("state"))
        return Versioned(value: tranche, version: try row.get("version"))
    }

    /// A newer version of the service wrote a condition that this one does not know.
    private struct UnknownCondition: Error {
        let name: String
    }
}
