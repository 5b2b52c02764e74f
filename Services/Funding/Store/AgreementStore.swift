import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Agreements with their tranches and signatories.
struct AgreementStore: Sendable {
    let tranches: TrancheStore

    /// What signing takes.
    struct Signature: Sendable {
        let signatories: [Signatory]
        let day: Date
    }

    func draft(
        grant id: UUID, as plan: AgreementPlan, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        let rows = try await session.query("select * from grants where id = \(id) for share")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "grant") }
        let agreement = try Agreement.draft(
            id: EventID.next(), of: try GrantStore.grant(row), as: plan, nextID: { EventID.next() })
        let inserted = try await session.query(
            """
            insert into agreements (id, grant_id, application, lead_siren, state, drafted_at, drafted_by)
            values (\(agreement.id), \(id), \(agreement.application), \(agreement.consortium.lead.siren),
                \(agreement.state.rawValue), \(command.now), \(command.actor))
            on conflict (grant_id) where state <> 'discarded' do nothing
            """)
        guard inserted.affectedCount == 1 else { throw FundingError.agreementExists }
        try await AgreementContent.save(agreement, in: session)
        try await tranches.insert(agreement.tranches, in: session)
        return Versioned(value: agreement, version: 1)
    }

    /// Signs, binds the grant, opens the tranches, and releases what already has its evidence.
    func sign(
        _ id: UUID, _ signature: Signature, expected: Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        let stored = try await find(id, isLocked: true, in: session)
        try stored.check(expected)
        var agreement = stored.value
        let commitment = try agreement.sign(by: signature.signatories, on: signature.day, at: command.now)
        let signed = Self.signed(agreement, command)
        try await LedgerStore.book(.init(transfer: commitment, at: command.now, event: signed.id), in: session)
        try await save(agreement, in: session)
        try await EventLog.append([signed] + agreement.tranches.map { Self.opened($0, command) }, in: session)
        try await StatementStore.plan(agreement, in: session)
        let fact = RecordedEvidence.Fact(
            kind: .agreementSigned, subject: id.lowercase, event: signed.id, occurredAt: command.now)
        try await tranches.record(fact, of: id, command, in: session)
        return try await find(id, in: session)
    }

    /// The agreement if it was signed, whatever became of it since; nil when it is a draft or not ours.
    func signed(_ id: UUID, isLocked: Bool = false, in session: some PostgresSession) async throws -> Agreement? {
        do {
            let agreement = try await find(id, isLocked: isLocked, in: session).value
            return agreement.state == .draft || agreement.state == .discarded ? nil : agreement
        } catch StoreRefusal.notFound {
            return nil
        }
    }

    /// The agreement that pays for an experiment alone, locked; nil where there is none.
    func ofExperiment(_ experiment: UUID, in session: some PostgresSession) async throws -> UUID? {
        let rows = try await session.query(
            "select agreement from experiment_agreements where experiment = \(experiment)")
        guard let id = try rows.first?.get("agreement", as: UUID.self) else { return nil }
        try await session.query("select id from agreements where id = \(id) for update")
        return id
    }

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func find(
        _ id: UUID, visibleTo siren: String? = nil, isLocked: Bool = false, in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        if isLocked { try await session.query("select id from agreements where id = \(id) for update") }
        let rows = try await session.query(
            """
            \(shared: Self.selectAgreements)
            where a.id = \(id) and (\(siren) is null or exists (
                select from agreement_lines where agreement = a.id and siren = \(siren)))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "agreement") }
        let tranches = try await tranches.standings(ofAgreement: id, in: session).map(\.tranche.value)
        return try Self.agreement(
            row, lines: try await AgreementContent.lines(of: [id], in: session)[id] ?? [], tranches: tranches,
            signatories: try await signatories(of: id, in: session))
    }

    private static let selectAgreements: StaticString = """
        select g.*, a.id as agreement, a.state as agreement_state, a.version as agreement_version, a.signed_on,
            a.signed_at, a.consortium as agreed_consortium, a.term_from::text, a.term_until::text,
            a.rate_basis_points, a.statement_months, a.statement_due_days
        from agreements a join grants g on g.id = a.grant_id
        """

    /// Which agreements are listed.
    struct Filter: Sendable {
        var application: UUID?
        /// Of the caller's organisation, when it may see its own only.
        var siren: String?
    }

    /// Agreements in the order of their ids, without their tranches and signatories.
    func list(
        _ filter: Filter, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<Agreement>] {
        let rows = try await session.query(
            """
            \(shared: Self.selectAgreements)
            where (\(filter.application) is null or a.application = \(filter.application))
                and (\(filter.siren) is null or exists (
                    select from agreement_lines where agreement = a.id and siren = \(filter.siren)))
                and (\(after) is null or a.id > \(after))
            order by a.id limit \(limit)
            """)
        let ids = try rows.map { try $0.get("agreement", as: UUID.self) }
        let lines = try await AgreementContent.lines(of: ids, in: session)
        return try zip(rows, ids).map { row, id in
            try Self.agreement(row, lines: lines[id] ?? [], tranches: [], signatories: [])
        }
    }

    private static func agreement(
        _ row: PostgresRow, lines: [AgreementLine], tranches: [Tranche], signatories: [Signatory]
    ) throws -> Versioned<Agreement> {
        let signed: (on: Date, at: Date)?
        if let day = try row.get("signed_on", as: Date?.self) {
            signed = (day, try row.get("signed_at"))
        } else {
            signed = nil
        }
        let grant = try GrantStore.grant(row)
        let consortium = try row.get("agreed_consortium", as: PostgresJSON?.self).map { try ConsortiumColumn.read($0) }
        let content = Agreement.Content(
            consortium: consortium ?? grant.consortium, lines: lines, terms: try AgreementContent.terms(row),
            tranches: tranches)
        let agreement = Agreement(
            id: try row.get("agreement"), of: grant, content: content, state: try row.get("agreement_state"),
            signatories: signatories, signed: signed)
        return Versioned(value: agreement, version: try row.get("agreement_version"))
    }

    private func signatories(of id: UUID, in session: some PostgresSession) async throws -> [Signatory] {
        let rows = try await session.query(
            "select side, name, role from signatories where agreement = \(id) order by position")
        return try rows.map { row in
            Signatory(side: try row.get("side"), name: try row.get("name"), role: try row.get("role"))
        }
    }

    private func save(_ agreement: Agreement, in session: some PostgresSession) async throws {
        try await session.query(
            """
            update agreements set state = \(agreement.state.rawValue), version = version + 1,
                signed_on = \(agreement.signedOn), signed_at = \(agreement.signedAt)
            where id = \(agreement.id)
            """)
        let signatories = agreement.signatories
        try await session.query(
            """
            insert into signatories (agreement, position, side, name, role)
            select \(agreement.id), place - 1, side, name, role
            from unnest(\(signatories.map(\.side.rawValue)), \(signatories.map(\.name)), \(signatories.map(\.role)))
                with ordinality as signatory (side, name, role, place)
            """)
        try await tranches.open(agreement: agreement.id, in: session)
    }

    /// The agreement of an experiment has a noun of its own: one of a place makes a site and ends an application.
    private static func signed(_ agreement: Agreement, _ command: CommandContext) -> NewEvent {
        guard let experiment = agreement.experiment else {
            return command.event(payload(agreement, at: command.now), about: agreement.id)
        }
        let payload = ExperimentAgreementSigned(
            agreement: agreement.id, grant: agreement.grant, experiment: experiment,
            application: agreement.application, call: agreement.call, siren: agreement.consortium.lead.siren,
            grantedCents: agreement.grantedCents, tranches: agreement.tranches.map { TrancheTerms($0) },
            signedAt: command.now)
        return command.event(payload, about: agreement.id)
    }

    private static func payload(_ agreement: Agreement, at now: Date) -> AgreementSigned {
        AgreementSigned(
            agreement: agreement.id, grant: agreement.grant, application: agreement.application,
            call: agreement.call, lead: ConsortiumMember(agreement.consortium.lead),
            partners: agreement.consortium.partners.map { ConsortiumMember($0) },
            grantedCents: agreement.grantedCents, tranches: agreement.tranches.map { TrancheTerms($0) }, signedAt: now)
    }

    static func opened(_ tranche: Tranche, _ command: CommandContext) -> NewEvent {
        let terms = TrancheTerms(tranche)
        let payload = TrancheOpened(
            tranche: tranche.id, agreement: tranche.agreement, number: tranche.number,
            amountCents: tranche.amountCents, conditions: terms.conditions)
        return command.event(payload, about: tranche.id)
    }
}
