import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Tranches and the evidence that releases them.
struct TrancheStore: Sendable {
    let recoveries: RecoveryStore

    /// Evidence that a tranche rests on and has lost.
    struct Hold: Sendable {
        let tranche: UUID
        /// As a condition is written.
        let condition: String
        /// The event that took it.
        let event: UUID
        let heldAt: Date
    }

    /// A tranche with the evidence of its agreement: why it is released, or what it still waits for.
    struct Standing: Sendable {
        let tranche: Versioned<Tranche>
        let agreementState: AgreementState
        let releasedAt: Date?
        /// What took evidence of it that is not back yet.
        let holds: [Hold]
        /// Of the agreement, that stands.
        let evidence: RecordedEvidence

        /// The conditions that released the tranche and are met no more.
        var lost: [ReleaseCondition] { tranche.value.lost(from: evidence) }

        /// Nothing is paid under an agreement that is suspended or has ended; of one that is settled, what is due.
        func checkAgreement() throws(FundingError) {
            guard agreementState == .signed || agreementState == .settled else {
                throw .agreementHalted(agreementState)
            }
        }
    }

    // MARK: Evidence

    /// Records an event of an agreement for good and releases every tranche whose conditions are all met now. The
    /// caller holds the agreement's row, so that of two events that arrive together the later sees the earlier.
    func record(
        _ fact: RecordedEvidence.Fact, of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into evidence (agreement, condition, event, subject, occurred_at)
            values (\(agreement), \(fact.kind.rawValue), \(fact.event), \(fact.subject), \(fact.occurredAt))
            on conflict (agreement, condition, event) do nothing
            """)
        try await releaseWhatIsMet(of: agreement, command, in: session)
    }

    /// Records that evidence stands or fell. What is released already stays released, and is held while it is lost; of
    /// what is paid already, a recovery is proposed. The caller holds the agreement's row.
    func record(
        _ change: some EvidenceChange, of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await change.insert(of: agreement, in: session)
        try await follow(change.event, stands: change.stands, of: agreement, command, in: session)
    }

    /// Does what follows from evidence that is recorded. The caller holds the agreement's row.
    func follow(
        _ event: UUID, stands: Bool, of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        if stands {
            try await releaseWhatIsMet(of: agreement, command, in: session)
            try await resumeWhatStands(of: agreement, since: event, command, in: session)
        } else {
            try await holdWhatIsLost(of: agreement, by: event, command, in: session)
        }
    }

    /// Releases every tranche whose conditions are all met, unless the agreement is halted. The caller holds its row.
    func releaseWhatIsMet(
        of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        for stored in try await standings(ofAgreement: agreement, in: session) {
            var tranche = stored.tranche.value
            guard stored.agreementState == .signed || stored.agreementState == .settled else { return }
            guard let transfer = tranche.release(on: stored.evidence) else { continue }
            try await release(tranche, transfer, on: stored.evidence, command, in: session)
        }
    }

    private func release(
        _ tranche: Tranche, _ transfer: Transfer, on evidence: RecordedEvidence, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        let proofs = tranche.conditions.flatMap { condition in
            evidence.proofs(of: condition).map { Evidence(condition: EvidenceKind(condition.kind), event: $0.event) }
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

    // MARK: Holds

    private func holdWhatIsLost(
        of agreement: UUID, by cause: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        for standing in try await standings(ofAgreement: agreement, in: session) where !standing.lost.isEmpty {
            let tranche = standing.tranche.value
            let held = try await session.query(
                """
                insert into tranche_holds (tranche, condition, event, held_at)
                select \(tranche.id), condition, \(cause), \(command.now)
                from unnest(\(standing.lost.map(\.text))) as condition
                on conflict (tranche, condition) where resumed_at is null do nothing
                """)
            guard held.affectedCount > 0 else { continue }
            let payload = TrancheHeld(
                tranche: tranche.id, agreement: agreement, number: tranche.number, amountCents: tranche.amountCents,
                lost: standing.lost.map { EvidenceKind($0.kind) }, cause: cause)
            try await EventLog.append([command.event(payload, about: tranche.id)], in: session)
            guard tranche.parts.contains(where: \.isPaid) else { continue }
            let lost = standing.lost.map(\.text).joined(separator: ", ")
            try await recoveries.propose(
                tranche: tranche.id, lostBy: cause, reason: "\(lost) is met no more", command, in: session)
        }
    }

    private func resumeWhatStands(
        of agreement: UUID, since cause: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        for standing in try await standings(ofAgreement: agreement, in: session)
        where !standing.holds.isEmpty && standing.lost.isEmpty {
            let tranche = standing.tranche.value
            guard tranche.state == .released || tranche.state == .paid else { continue }
            try await session.query(
                """
                update tranche_holds set resumed_by = \(cause), resumed_at = \(command.now)
                where tranche = \(tranche.id) and resumed_at is null
                """)
            let payload = TrancheResumed(
                tranche: tranche.id, agreement: agreement, number: tranche.number, cause: cause)
            try await EventLog.append([command.event(payload, about: tranche.id)], in: session)
            try await recoveries.withdrawProposals(tranche: tranche.id, command, in: session)
        }
    }

    private func openHolds(of agreement: UUID, in session: some PostgresSession) async throws -> [Hold] {
        let rows = try await session.query(
            """
            select h.tranche, h.condition, h.event, h.held_at from tranche_holds h join tranches t on t.id = h.tranche
            where t.agreement = \(agreement) and h.resumed_at is null order by h.id
            """)
        return try rows.map { row in
            Hold(
                tranche: try row.get("tranche"), condition: try row.get("condition"), event: try row.get("event"),
                heldAt: try row.get("held_at"))
        }
    }

    /// The evidence of an agreement that stands.
    private func evidence(of agreement: UUID, in session: some PostgresSession) async throws -> RecordedEvidence {
        let rows = try await session.query(
            """
            select condition, event, subject, occurred_at, count from evidence_in_force
            where agreement = \(agreement) order by condition, id
            """)
        return RecordedEvidence(
            try rows.map { row in
                RecordedEvidence.Fact(
                    kind: try row.get("condition"), subject: try row.get("subject"), event: try row.get("event"),
                    occurredAt: try row.get("occurred_at"), count: try row.get("count"))
            })
    }

    // MARK: Tranches

    func insert(_ tranches: [Tranche], in session: some PostgresSession) async throws {
        for tranche in tranches {
            try await session.query(
                """
                insert into tranches (id, agreement, number, amount_cents, conditions, state)
                values (\(tranche.id), \(tranche.agreement), \(tranche.number), \(tranche.amountCents),
                    \(tranche.conditions.map(\.text)), \(tranche.state.rawValue))
                """)
            try await insert(partsOf: tranche, in: session)
        }
    }

    /// Of another amount, or otherwise divided. The caller holds the agreement's row.
    func save(adjusted tranche: Tranche, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update tranches set amount_cents = \(tranche.amountCents), state = \(tranche.state.rawValue),
                version = version + 1
            where id = \(tranche.id)
            """)
        try await session.query("delete from tranche_parts where tranche = \(tranche.id)")
        try await insert(partsOf: tranche, in: session)
    }

    private func insert(partsOf tranche: Tranche, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into tranche_parts (tranche, line, amount_cents)
            select \(tranche.id), line, cents
            from unnest(\(tranche.parts.map(\.line)), \(tranche.parts.map(\.cents))) as part (line, cents)
            """)
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
            select t.*, a.grant_id, a.state as agreement_state, \(shared: Self.parts)
            from tranches t join agreements a on a.id = t.agreement
            where t.id = \(id) and (\(siren) is null or exists (
                select from agreement_lines where agreement = a.id and siren = \(siren)))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "tranche") }
        let agreement = try row.get("agreement", as: UUID.self)
        return try Self.standing(
            row, try await evidence(of: agreement, in: session), try await openHolds(of: agreement, in: session))
    }

    /// In the order of the agreement's lines.
    private static let parts: StaticString = """
        (select array_agg(p.line order by l.position) from tranche_parts p join agreement_lines l on l.id = p.line
            where p.tranche = t.id) as part_lines,
        (select array_agg(p.amount_cents order by l.position) from tranche_parts p
            join agreement_lines l on l.id = p.line where p.tranche = t.id) as part_cents,
        (select array_agg(line) from payments where tranche = t.id and state = 'executed') as paid_lines
        """

    /// In the order of their numbers.
    func standings(ofAgreement id: UUID, in session: some PostgresSession) async throws -> [Standing] {
        let rows = try await session.query(
            """
            select t.*, a.grant_id, a.state as agreement_state, \(shared: Self.parts)
            from tranches t join agreements a on a.id = t.agreement
            where t.agreement = \(id) order by t.number
            """)
        let evidence = try await evidence(of: id, in: session)
        let holds = try await openHolds(of: id, in: session)
        return try rows.map { try Self.standing($0, evidence, holds) }
    }

    private static func standing(
        _ row: PostgresRow, _ evidence: RecordedEvidence, _ holds: [Hold]
    ) throws -> Standing {
        let tranche = try tranche(row)
        return Standing(
            tranche: tranche, agreementState: try row.get("agreement_state"), releasedAt: try row.get("released_at"),
            holds: holds.filter { $0.tranche == tranche.value.id }, evidence: evidence)
    }

    private static func tranche(_ row: PostgresRow) throws -> Versioned<Tranche> {
        let conditions = try row.get("conditions", as: [String].self).map { name in
            guard let condition = ReleaseCondition(name) else { throw UnknownCondition(name: name) }
            return condition
        }
        let (lines, cents) = (
            try row.get("part_lines", as: [UUID]?.self) ?? [], try row.get("part_cents", as: [Int64]?.self) ?? []
        )
        let paid = try row.get("paid_lines", as: [UUID]?.self) ?? []
        let tranche = Tranche(
            id: try row.get("id"), agreement: try row.get("agreement"), grant: try row.get("grant_id"),
            number: try row.get("number"), amountCents: try row.get("amount_cents"), conditions: conditions,
            parts: zip(lines, cents).map { TranchePart(line: $0, cents: $1, isPaid: paid.contains($0)) },
            state: try row.get("state"))
        return Versioned(value: tranche, version: try row.get("version"))
    }

    /// A newer version of the service wrote a condition that this one does not know.
    private struct UnknownCondition: Error {
        let name: String
    }
}
