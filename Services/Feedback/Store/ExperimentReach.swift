import FoundationEssentials
import Postgres

/// Whose experiments a caller may look after.
enum ExperimentReach: Sendable, Equatable {
    case all
    /// Those at the sites of the organisation with this SIREN.
    case organisation(String)

    /// Whether the experiment is known and within reach; one that is not looks like one that does not exist.
    func contains(_ experiment: UUID, in session: some PostgresSession) async throws(PostgresError) -> Bool {
        let isEverything = self == .all
        let siren: String? = if case .organisation(let siren) = self { siren } else { nil }
        let rows = try await session.query(
            """
            select 1 as one from experiments as e left join sites as s using (site)
            where e.experiment = \(experiment) and (\(isEverything) or s.siren = \(siren))
            """)
        return !rows.isEmpty
    }
}
