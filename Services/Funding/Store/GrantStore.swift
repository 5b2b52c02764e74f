import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// A grant with its derivation and what became of its money, in cents.
struct GrantStanding: Sendable {
    let grant: Grant
    let experiment: UUID?
    let envelope: UUID?
    let requestedCents: Int64
    let ruleSet: String?
    let bindingRule: String?
    /// Set where the beneficiary's undertaking had declared a basis.
    let stateAidRules: String?
    let grantedOn: CalendarDay?
    let derivation: [DerivationLine]
    let reason: String?
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let settledAt: Date
}

/// Grants: each is settled once, as reserved or as refused.
struct GrantStore: Sendable {
    /// Sets the money aside and says so, if the envelope still holds it.
    /// - Returns: false when it does not; then nothing changed, and the grant is still to be refused.
    func reserve(
        _ claim: GrantClaim, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Bool {
        let subject = claim.subject
        let reserved = command.event(
            GrantReserved(
                grant: subject.grant, envelope: claim.envelope, call: subject.call,
                kind: EnvelopeKind(subject.purpose), application: subject.application, experiment: subject.experiment,
                beneficiarySiren: subject.consortium.lead.siren, reservedCents: claim.result.grantedCents,
                ruleSet: claim.result.ruleSet, bindingRule: claim.result.bindingRule.rawValue),
            about: subject.grant)
        let entry = LedgerStore.Entry(transfer: claim.transfer, at: command.now, event: reserved.id)
        guard try await LedgerStore.reserve(entry, in: session) else { return false }
        try await insert(subject, claim: claim, command, in: session)
        try await BeneficiaryAidStore.register(claim, command, in: session)
        try await EventLog.append([reserved], in: session)
        return true
    }

    /// Records that no money is set aside, and says why. The refusal of an experiment is told by `cofunding.refused`
    /// alone: `grant.refused` would read as one of the application.
    func refuse(
        _ refusal: GrantRefusal, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let subject = refusal.subject
        try await insert(subject, reason: refusal.reason, command, in: session)
        guard subject.purpose == .animation else { return }
        let payload = GrantRefused(
            grant: subject.grant, call: subject.call, kind: EnvelopeKind(subject.purpose),
            application: subject.application, experiment: subject.experiment, requestedCents: subject.requestedCents,
            reason: refusal.reason)
        try await EventLog.append([command.event(payload, about: subject.grant)], in: session)
    }

    /// Gives back what was set aside and nobody has agreed on.
    /// - Parameter expected: the version that the caller saw; nil where the service does it by itself.
    func release(
        _ id: UUID, because reason: String, expected: Int64? = nil, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        try await session.query("select id from grants where id = \(id) for update")
        let stored = try await find(id, visibleTo: nil, in: session)
        if let expected { try stored.check(expected) }
        let grant = stored.value.grant
        let agreed = try await session.query(
            "select id from agreements where grant_id = \(id) and state <> 'discarded'")
        guard agreed.isEmpty else { throw FundingError.agreementExists }
        guard let envelope = stored.value.envelope else { throw FundingError.grantNotReserved }
        let transfer = try grant.release(to: envelope, because: reason)
        let released = command.event(
            GrantReleased(
                grant: id, envelope: envelope, call: grant.call, kind: EnvelopeKind(grant.purpose),
                application: grant.application, experiment: grant.experiment, amountCents: grant.reservedCents),
            about: id)
        try await session.query(
            """
            update grants set state = 'released', version = version + 1, reason = \(reason),
                released_by = \(command.actor), released_at = \(command.now)
            where id = \(id)
            """)
        try await LedgerStore.book(.init(transfer: transfer, at: command.now, event: released.id), in: session)
        try await EventLog.append([released], in: session)
    }

    /// Gives back what was set aside for experiments and nobody has agreed on.
    /// - Parameters:
    ///   - agreement: under which the experiments run.
    ///   - experiment: only of this one.
    func releaseExperiments(
        under agreement: UUID, only experiment: UUID? = nil, because reason: String, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws {
        let rows = try await session.query(
            """
            select g.id from grants g join experiments x on x.experiment = g.experiment
            where x.agreement = \(agreement) and g.state = 'reserved'
                and (\(experiment) is null or x.experiment = \(experiment))
                and not exists (select from agreements where grant_id = g.id and state <> 'discarded')
            order by g.id
            """)
        for row in rows { try await release(try row.get("id"), because: reason, command, in: session) }
    }

    func isSettled(experiment: UUID, in session: some PostgresSession) async throws -> Bool {
        try await !session.query("select id from grants where experiment = \(experiment)").isEmpty
    }

    /// - Parameter siren: of the caller's organisation, when it may see its own only.
    func find(
        _ id: UUID, visibleTo siren: String?, in session: some PostgresSession
    ) async throws -> Versioned<GrantStanding> {
        let rows = try await session.query(
            """
            select g.*, g.granted_on::text as granted_day, m.committed_cents, m.released_cents, m.paid_cents
            from grants g left join grant_money m on m.grant_id = g.id
            where g.id = \(id) and (\(siren) is null or g.lead_siren = \(siren))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "grant") }
        return try Self.standing(row)
    }

    /// Which grants are listed.
    struct Filter: Sendable {
        var application: UUID?
        var call: UUID?
        /// Of the caller's organisation, when it may see its own only.
        var siren: String?
    }

    /// Grants in the order of their ids.
    func list(
        _ filter: Filter, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<GrantStanding>] {
        let rows = try await session.query(
            """
            select g.*, g.granted_on::text as granted_day, m.committed_cents, m.released_cents, m.paid_cents
            from grants g left join grant_money m on m.grant_id = g.id
            where (\(filter.application) is null or g.application = \(filter.application))
                and (\(filter.call) is null or g.call = \(filter.call))
                and (\(filter.siren) is null or g.lead_siren = \(filter.siren))
                and (\(after) is null or g.id > \(after))
            order by g.id limit \(limit)
            """)
        return try rows.map { try Self.standing($0) }
    }

    /// The grant alone, from a row of `grants`.
    static func grant(_ row: PostgresRow) throws -> Grant {
        Grant(
            id: try row.get("id"), purpose: try row.get("kind"), state: try row.get("state"),
            of: (try row.get("call"), try row.get("application")), experiment: try row.get("experiment"),
            consortium: try ConsortiumColumn.read(try row.get("consortium")),
            reservedCents: try row.get("reserved_cents"))
    }

    private static func standing(_ row: PostgresRow) throws -> Versioned<GrantStanding> {
        let derivation = try row.get("derivation", as: PostgresJSON.self)
        let standing = GrantStanding(
            grant: try grant(row), experiment: try row.get("experiment"), envelope: try row.get("envelope"),
            requestedCents: try row.get("requested_cents"), ruleSet: try row.get("rule_set"),
            bindingRule: try row.get("binding_rule"),
            stateAidRules: try row.get("state_aid_rules"),
            grantedOn: try row.get("granted_day", as: String?.self).flatMap { CalendarDay($0) },
            derivation: try WireCoding.decode([DerivationLine].self, from: derivation.bytes),
            reason: try row.get("reason"), committedCents: try row.get("committed_cents", as: Int64?.self) ?? 0,
            releasedCents: try row.get("released_cents", as: Int64?.self) ?? 0,
            paidCents: try row.get("paid_cents", as: Int64?.self) ?? 0, settledAt: try row.get("settled_at"))
        return Versioned(value: standing, version: try row.get("version"))
    }

    private func insert(
        _ subject: GrantSubject, claim: GrantClaim, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        let result = claim.result
        let derivation = PostgresJSON(bytes: try WireCoding.encode(result.derivation.map { DerivationLine($0) }))
        try await session.query(
            """
            insert into grants (id, kind, state, call, application, experiment, envelope, lead_siren, consortium,
                requested_cents, reserved_cents, rule_set, state_aid_rules, granted_on, binding_rule, derivation,
                settled_at)
            values (\(subject.grant), \(subject.purpose.rawValue), 'reserved', \(subject.call),
                \(subject.application), \(subject.experiment), \(claim.envelope), \(subject.consortium.lead.siren),
                \(try ConsortiumColumn.json(subject.consortium)), \(subject.requestedCents), \(result.grantedCents),
                \(result.ruleSet), \(result.stateAidRules), \(claim.aid?.day.description)::date,
                \(result.bindingRule.rawValue), \(derivation), \(command.now))
            """)
    }

    private func insert(
        _ subject: GrantSubject, reason: String, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into grants (id, kind, state, call, application, experiment, lead_siren, consortium,
                requested_cents, reserved_cents, derivation, reason, settled_at)
            values (\(subject.grant), \(subject.purpose.rawValue), 'refused', \(subject.call),
                \(subject.application), \(subject.experiment), \(subject.consortium.lead.siren),
                \(try ConsortiumColumn.json(subject.consortium)), \(subject.requestedCents), 0, '[]', \(reason),
                \(command.now))
            """)
    }
}
