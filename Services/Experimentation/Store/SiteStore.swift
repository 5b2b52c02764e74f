import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox
import Postgres

/// Sites, each with the agreement that it comes from.
struct SiteStore: Sendable {
    /// - Returns: false when the agreement has a site already.
    func insert(_ site: Site, plannedAt: Date, in session: some PostgresSession) async throws -> Bool {
        try await session.query(
            """
            insert into sites (id, agreement, application, call, siren, version, state, planned_at)
            values (\(site.id), \(site.agreement), \(site.application), \(site.call), \(site.siren), \(site.version),
                \(site.state.rawValue), \(plannedAt))
            on conflict (agreement) do nothing
            """
        ).affectedCount == 1
    }

    func find(_ id: UUID, reach: SiteReach, in session: some PostgresSession) async throws -> Site? {
        try await session.query(
            "select * from sites where id = \(id) and (\(reach.siren) is null or siren = \(reach.siren))"
        ).first.map(Site.init(row:))
    }

    /// In the order in which they were planned.
    func list(
        agreement: UUID?, reach: SiteReach, after position: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [(position: Int64, site: Site)] {
        try await session.query(
            """
            select * from sites
            where position > \(position) and (\(reach.siren) is null or siren = \(reach.siren))
                and (\(agreement) is null or agreement = \(agreement))
            order by position limit \(limit)
            """
        ).map { (try $0.get("position"), try Site(row: $0)) }
    }

    func open(
        _ target: CommandTarget, addressCommune: String?, context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> Site {
        var site = try await lock(target.id, reach: target.reach, in: transaction)
        try target.check(site.version)
        try site.open(addressCommune: addressCommune, at: context.now)
        try await transaction.query(
            """
            update sites set version = \(site.version), state = \(site.state.rawValue), opened_at = \(site.openedAt),
                address_commune = \(site.addressCommune)
            where id = \(site.id)
            """)
        let event = SiteOpened(
            site: site.id, agreement: site.agreement, application: site.application, call: site.call, siren: site.siren,
            openedAt: context.now)
        try await EventLog.append([context.event(event, about: site.id)], in: transaction)
        return site
    }

    /// The site, locked to the end of the transaction.
    /// - Throws: `StoreRefusal.notFound`.
    func lock(_ id: UUID, reach: SiteReach, in transaction: PostgresTransaction) async throws -> Site {
        let rows = try await transaction.query(
            """
            select * from sites where id = \(id) and (\(reach.siren) is null or siren = \(reach.siren))
            for no key update
            """)
        guard let site = try rows.first.map(Site.init(row:)) else { throw StoreRefusal.notFound(noun: "site") }
        return site
    }
}

extension Site {
    /// A row of `sites`.
    init(row: PostgresRow) throws {
        self.init(
            id: try row.get("id"), agreement: try row.get("agreement"), application: try row.get("application"),
            call: try row.get("call"), siren: try row.get("siren"))
        version = try row.get("version")
        state = try row.get("state")
        openedAt = try row.get("opened_at")
        addressCommune = try row.get("address_commune")
    }
}
