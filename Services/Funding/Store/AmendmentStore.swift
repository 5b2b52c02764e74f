import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Changes of signed agreements: drafted with the difference that they make, in force when both sides have signed.
struct AmendmentStore: Sendable {
    let changes: AgreementChanges

    private var agreements: AgreementStore { changes.agreements }

    enum State: String, Sendable {
        case draft, signed, discarded
    }

    struct Amendment: Sendable {
        let id: UUID
        let agreement: UUID
        /// From 1, of the agreement.
        let number: Int
        let state: State
        let reason: String
        /// What it changes, for whoever is to sign it.
        let difference: AgreementDifference
        /// Of the agreement, that the difference was drawn from.
        let agreementVersion: Int64
        let draftedBy: String
        let draftedAt: Date
        let signedAt: Date?
        let signatories: [Signatory]
    }

    /// What is to change, and why.
    struct Draft: Sendable {
        let plan: AmendmentPlan
        let reason: String
    }

    /// Draws up an amendment, and the difference that it makes to the agreement as it is.
    func draft(
        _ draft: Draft, of agreement: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Amendment> {
        try Agreement.check(reason: draft.reason)
        let stored = try await agreements.find(agreement, isLocked: true, in: session)
        let amended = try await amended(stored.value, by: draft.plan, in: session)
        let id = EventID.next()
        let plan = PostgresJSON(bytes: try WireCoding.encode(AmendmentContent(draft.plan)))
        let difference = PostgresJSON(bytes: try WireCoding.encode(AgreementDifference(amended)))
        do throws(PostgresError) {
            try await session.query(
                """
                insert into amendments (id, agreement, number, state, reason, plan, difference, agreement_version,
                    drafted_by, drafted_at)
                select \(id), \(agreement), coalesce(max(number), 0) + 1, 'draft', \(draft.reason), \(plan),
                    \(difference), \(stored.version), \(command.actor), \(command.now)
                from amendments where agreement = \(agreement)
                """)
        } catch {
            throw error.isUniqueViolation ? FundingError.amendmentOpen : error
        }
        return try await find(id, in: session)
    }

    /// Both sides signed: the agreement is as the difference said.
    func sign(
        _ id: UUID, _ signature: AgreementStore.Signature, expected: Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Amendment> {
        let (stored, agreement) = try await lock(id, expected: expected, in: session)
        let amendment = stored.value
        guard agreement.version == amendment.agreementVersion else { throw FundingError.amendmentOutdated }
        try Agreement.check(signatories: signature.signatories, on: signature.day, at: command.now)
        let amended = try await amended(agreement.value, by: try await plan(of: id, in: session), in: session)
        // Payments do not change the agreement's version.
        guard AgreementDifference(amended) == amendment.difference else { throw FundingError.amendmentOutdated }
        let envelope = try await changes.envelope(of: agreement.value, in: session)
        let event = command.event(payload(amendment, amended, envelope, command), about: amendment.agreement)
        try await LedgerStore.book(
            amended.transfers(change: id, to: envelope), at: command.now, event: event.id, in: session)
        try await AgreementContent.save(amended.after, in: session)
        let adjusted = try await save(amended, command, in: session)
        let today = try await ParisDays.day(of: command.now, in: session)
        try await AgreementContent.note(amended, on: today, in: session)
        try await StatementStore.plan(amended.after, in: session)
        try await save(signed: amendment, signature, command, in: session)
        try await EventLog.append([event] + adjusted, in: session)
        return try await find(id, in: session)
    }

    /// Nobody will sign it.
    func discard(
        _ id: UUID, expected: Int64, in session: some PostgresSession
    ) async throws -> Versioned<Amendment> {
        _ = try await lock(id, expected: expected, in: session)
        try await session.query("update amendments set state = 'discarded', version = version + 1 where id = \(id)")
        return try await find(id, in: session)
    }

    // MARK: Parts of commands

    private func amended(
        _ agreement: Agreement, by plan: AmendmentPlan, in session: some PostgresSession
    ) async throws -> AmendedAgreement {
        let paid = try await AgreementContent.paid(of: agreement.id, in: session)
        return try agreement.amended(by: plan, paid: paid, nextID: { EventID.next() })
    }

    /// The agreement first, as for everything below it.
    private func lock(
        _ id: UUID, expected: Int64, in session: some PostgresSession
    ) async throws -> (amendment: Versioned<Amendment>, agreement: Versioned<Agreement>) {
        let agreement = try await agreements.find(
            try await find(id, in: session).value.agreement, isLocked: true, in: session)
        let stored = try await find(id, in: session)
        try stored.check(expected)
        guard stored.value.state == .draft else { throw FundingError.amendmentNotDraft }
        return (stored, agreement)
    }

    private func payload(
        _ amendment: Amendment, _ amended: AmendedAgreement, _ envelope: UUID, _ command: CommandContext
    ) -> AgreementAmended {
        AgreementAmended(
            agreement: amendment.agreement, amendment: amendment.number, grant: amended.after.grant,
            envelope: envelope, amountCents: amended.givenBackCents, totalCents: amended.after.grantedCents,
            parts: amended.after.lines.map {
                AgreementPart(siren: $0.siren, partCents: $0.grantedCents, hasLeft: $0.hasLeft)
            }, amendedAt: command.now)
    }

    /// - Returns: the events of the tranches that are of another amount.
    private func save(
        _ amended: AmendedAgreement, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [NewEvent] {
        var events: [NewEvent] = []
        for (before, after) in zip(amended.before.tranches, amended.after.tranches) where before != after {
            try await agreements.tranches.save(adjusted: after, in: session)
            guard before.amountCents != after.amountCents else { continue }
            let payload = TrancheAdjusted(
                tranche: after.id, agreement: after.agreement, number: after.number, amountCents: after.amountCents)
            events.append(command.event(payload, about: after.id))
        }
        return events
    }

    private func save(
        signed amendment: Amendment, _ signature: AgreementStore.Signature, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        try await session.query(
            "update agreements set version = version + 1 where id = \(amendment.agreement)")
        try await session.query(
            """
            update amendments set state = 'signed', version = version + 1, signed_on = \(signature.day),
                signed_at = \(command.now)
            where id = \(amendment.id)
            """)
        let signatories = signature.signatories
        try await session.query(
            """
            insert into amendment_signatories (amendment, position, side, name, role)
            select \(amendment.id), place - 1, side, name, role
            from unnest(\(signatories.map(\.side.rawValue)), \(signatories.map(\.name)), \(signatories.map(\.role)))
                with ordinality as signatory (side, name, role, place)
            """)
    }

    // MARK: Reading

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func find(
        _ id: UUID, visibleTo siren: String? = nil, in session: some PostgresSession
    ) async throws -> Versioned<Amendment> {
        let rows = try await session.query(
            """
            select * from amendments m where id = \(id) and (\(siren) is null or exists (
                select from agreement_lines where agreement = m.agreement and siren = \(siren)))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "amendment") }
        return try Self.amendment(row, try await signatories(of: [id], in: session))
    }

    /// In the order of their numbers.
    func ofAgreement(_ agreement: UUID, in session: some PostgresSession) async throws -> [Versioned<Amendment>] {
        let rows = try await session.query("select * from amendments where agreement = \(agreement) order by number")
        let signatories = try await signatories(of: try rows.map { try $0.get("id") }, in: session)
        return try rows.map { try Self.amendment($0, signatories) }
    }

    private func plan(of id: UUID, in session: some PostgresSession) async throws -> AmendmentPlan {
        let rows = try await session.query("select plan from amendments where id = \(id)")
        let json = try rows[0].get("plan", as: PostgresJSON.self)
        return try WireCoding.decode(AmendmentContent.self, from: json.bytes).plan()
    }

    private func signatories(
        of amendments: [UUID], in session: some PostgresSession
    ) async throws -> [UUID: [Signatory]] {
        let rows = try await session.query(
            """
            select amendment, side, name, role from amendment_signatories
            where amendment = any(\(amendments)) order by amendment, position
            """)
        var signatories: [UUID: [Signatory]] = [:]
        for row in rows {
            signatories[try row.get("amendment"), default: []].append(
                Signatory(side: try row.get("side"), name: try row.get("name"), role: try row.get("role")))
        }
        return signatories
    }

    private static func amendment(
        _ row: PostgresRow, _ signatories: [UUID: [Signatory]]
    ) throws -> Versioned<Amendment> {
        let id = try row.get("id", as: UUID.self)
        let difference = try row.get("difference", as: PostgresJSON.self)
        let amendment = Amendment(
            id: id, agreement: try row.get("agreement"), number: Int(try row.get("number", as: Int32.self)),
            state: try row.get("state"), reason: try row.get("reason"),
            difference: try WireCoding.decode(AgreementDifference.self, from: difference.bytes),
            agreementVersion: try row.get("agreement_version"), draftedBy: try row.get("drafted_by"),
            draftedAt: try row.get("drafted_at"), signedAt: try row.get("signed_at"),
            signatories: signatories[id] ?? [])
        return Versioned(value: amendment, version: try row.get("version"))
    }
}
