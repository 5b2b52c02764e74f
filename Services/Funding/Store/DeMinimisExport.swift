import CofundingRules
import Events
import FundingDomain
import Identifiers
import Postgres

import struct FoundationEssentials.UUID

/// The register of de minimis aid as a file, for those who enter it into the State's.
struct DeMinimisExport: Sendable {
    /// Who grants; nil where it is not configured.
    let funder: SubsidyFunder?

    /// Every aid with its single undertaking as it was declared on the day, and what the ceiling left behind it: the
    /// room of the grant's own derivation less the grant.
    func file(in session: some PostgresSession) async throws -> String {
        let rows = try await session.query(
            """
            select r.grant_id, r.siren, r.undertaking, r.granted_on::text as granted_day, r.amount_cents, r.is_sgei,
                r.source, d.content, (
                    select (s ->> 'valueCents')::bigint from jsonb_array_elements(g.derivation) s
                    where s ->> 'rule' = \(CofundingRule.deMinimisRoom.rawValue) limit 1) as room_cents
            from de_minimis_register r join grants g on g.id = r.grant_id and g.state <> 'released'
            join lateral (
                select content from aid_declarations
                where undertaking = r.undertaking and recorded_at <= r.registered_at
                order by version desc limit 1) d on true
            order by r.granted_on, r.grant_id
            """)
        return DeMinimisRegisterCSV.text(try rows.map { try entry($0) })
    }

    private func entry(_ row: PostgresRow) throws -> DeMinimisEntry {
        let undertaking = try row.get("undertaking", as: String.self)
        let day = try row.day("granted_day")
        let declaration = try DeclarationColumn.read(try row.get("content"), head: undertaking, declaredOn: day)
        guard let beneficiary = SIREN(try row.get("siren", as: String.self)) else { throw NoSIREN() }
        let cents = try row.get("amount_cents", as: Int64.self)
        let grant = DeMinimisGrant(
            beneficiary: beneficiary,
            undertaking: Set((declaration.members + [undertaking]).compactMap { SIREN($0) }), grantedOn: day,
            cents: cents, kind: try row.get("is_sgei", as: Bool.self) ? .sgei : .general,
            legalBasis: try row.get("source"), authority: funder?.name ?? "non configuré",
            reference: try row.get("grant_id", as: UUID.self).lowercase)
        let room = try row.get("room_cents", as: Int64?.self) ?? cents
        return try DeMinimisEntry(grant, roomLeftCents: max(0, room - cents))
    }

    /// What is stored was checked when it came.
    private struct NoSIREN: Error {}
}
