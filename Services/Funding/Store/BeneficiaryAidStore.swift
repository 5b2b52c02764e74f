import CofundingRules
import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// A line of the register of de minimis aid.
struct RegisteredAid: Sendable {
    let grant: UUID
    let undertaking: String
    let siren: String
    let grantedOn: CalendarDay
    let amountCents: Int64
    let isSGEI: Bool
    let stateAidRules: String
    let source: String
    let registeredAt: Date
}

/// What grants have to know of the undertaking of their beneficiary, and the register that they fill.
enum BeneficiaryAidStore {
    /// The basis in force of whoever has declared the SIREN as a member; nil where nobody has, and then only the call's
    /// caps count. The undertaking stays locked until the end of the transaction, so that of those who are granted to
    /// its members each counts the ones before.
    /// - Parameter instant: at which the right is conferred.
    static func lock(
        of siren: String, at instant: Date, in session: some PostgresSession
    ) async throws -> BeneficiaryAid? {
        try await RuleSetStore.holdStill(in: session)
        let locked = try await session.query(
            """
            select u.siren from undertakings u
            where u.siren = (select undertaking from undertaking_members where siren = \(siren)) for update
            """)
        guard !locked.isEmpty else { return nil }
        return try await find(siren, on: try await ParisDays.day(of: instant, in: session), in: session)
    }

    /// As `lock`, without the lock.
    /// - Parameter organisation: of the caller, when it may ask about its own undertaking only.
    static func find(
        _ siren: String, on day: CalendarDay, visibleTo organisation: String? = nil, in session: some PostgresSession
    ) async throws -> BeneficiaryAid? {
        let rows = try await session.query(
            """
            select u.siren, d.content, d.declared_on::text as declared_day
            from undertaking_members m join undertakings u on u.siren = m.undertaking
            join aid_declarations d on d.undertaking = u.siren and d.version = u.version
            where m.siren = \(siren) and (\(organisation) is null or exists (
                select from undertaking_members o where o.undertaking = u.siren and o.siren = \(organisation)))
            """)
        guard let row = rows.first else { return nil }
        let declaration = try DeclarationColumn.read(
            try row.get("content"), head: try row.get("siren"), declaredOn: try row.day("declared_day"))
        let registered =
            declaration.basis.kind == .deMinimis
            ? try await registered(of: declaration.members, countedOn: day, in: session) : []
        return BeneficiaryAid(
            undertaking: declaration.head, basis: declaration.basis.ground(with: registered), day: day,
            rules: try await StateAidRulesStore.all(in: session).inForce(on: day))
    }

    /// What this programme granted to the members. Aid of a later day stands against this grant as well: whoever is
    /// settled late must not find the room that an earlier settlement has used.
    private static func registered(
        of members: [String], countedOn day: CalendarDay, in session: some PostgresSession
    ) async throws -> [DeMinimisAid] {
        let rows = try await session.query(
            """
            select least(granted_on, \(day.description)::date)::text as counted_on, amount_cents, siren
            from de_minimis_register r where siren = any(\(members))
                and not exists (select from grants where id = r.grant_id and state = 'released')
            order by granted_on, grant_id
            """)
        return try rows.map { row in
            DeMinimisAid(
                grantedOn: try row.day("counted_on"), cents: try row.get("amount_cents"),
                siren: try row.get("siren"))
        }
    }

    /// Enters a grant that rests on de minimis aid; of another one nothing.
    static func register(
        _ claim: GrantClaim, _ command: CommandContext, in session: some PostgresSession
    ) async throws {
        guard let aid = claim.aid, let room = claim.result.deMinimisRoom else { return }
        try await session.query(
            """
            insert into de_minimis_register (grant_id, undertaking, siren, granted_on, amount_cents, is_sgei,
                state_aid_rules, source, registered_at)
            values (\(claim.subject.grant), \(aid.undertaking), \(claim.subject.consortium.lead.siren),
                \(aid.day.description)::date, \(claim.result.grantedCents), \(room.isSGEI),
                \(claim.result.stateAidRules), \(room.regime.source), \(command.now))
            """)
    }

    /// Lines in the order of their grants.
    /// - Parameters:
    ///   - siren: of the beneficiary.
    ///   - organisation: of the caller, when it may see its own only.
    static func list(
        of siren: String?, visibleTo organisation: String?, after: UUID?, limit: Int, in session: some PostgresSession
    ) async throws -> [RegisteredAid] {
        let rows = try await session.query(
            """
            select r.*, r.granted_on::text as granted_day from de_minimis_register r
            where not exists (select from grants where id = r.grant_id and state = 'released')
                and (\(siren) is null or r.siren = \(siren)) and (\(organisation) is null or r.siren = \(organisation))
                and (\(after) is null or r.grant_id > \(after))
            order by r.grant_id limit \(limit)
            """)
        return try rows.map { row in
            RegisteredAid(
                grant: try row.get("grant_id"), undertaking: try row.get("undertaking"),
                siren: try row.get("siren"), grantedOn: try row.day("granted_day"),
                amountCents: try row.get("amount_cents"), isSGEI: try row.get("is_sgei"),
                stateAidRules: try row.get("state_aid_rules"), source: try row.get("source"),
                registeredAt: try row.get("registered_at"))
        }
    }
}
