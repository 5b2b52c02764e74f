import Events
import FoundationEssentials
import Postgres

/// Which organisation each site belongs to.
enum SiteStore {
    static func record(_ opened: SiteOpened, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query(
            """
            insert into sites (site, siren) values (\(opened.site), \(opened.siren))
            on conflict (site) do update set siren = excluded.siren
            """)
    }
}
