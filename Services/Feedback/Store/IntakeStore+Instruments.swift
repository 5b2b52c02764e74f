import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// What was refused for want of an instrument is judged again when that is published.
extension IntakeStore {
    /// Experiments whose reviews are noted in one transaction.
    private static let experimentCountMax = 200

    /// Notes reviews for the instrument that was published first.
    /// - Returns: false when there is none to follow up, or somebody else does so.
    func gatherForInstruments() async throws -> Bool {
        let rows = try await pool.query("select instrument from instrument_arrivals order by arrived_at limit 1")
        guard let row = rows.first else { return false }
        let instrument: String = try row.get("instrument")
        try await InstrumentLocks.waitForReaders(of: instrument, in: pool)
        return try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                select after_experiment from instrument_arrivals where instrument = \(instrument)
                for update skip locked
                """)
            guard let row = rows.first else { return false }
            let experiments = try await experimentsWithout(
                instrument, after: try row.get("after_experiment"), in: transaction)
            try await ExperimentLocks.take(experiments, in: transaction)
            let cause = EventCause(correlationID: EventID.next().lowercase)
            try await ReviewStore(session: transaction, intake: self, cause: cause).note(experiments)
            if experiments.count < Self.experimentCountMax {
                try await transaction.query("delete from instrument_arrivals where instrument = \(instrument)")
            } else {
                try await transaction.query(
                    """
                    update instrument_arrivals set after_experiment = \(experiments.last)
                    where instrument = \(instrument)
                    """)
            }
            return true
        }
    }

    /// The reasons stand in the text, so that the index of those alone serves.
    private func experimentsWithout(
        _ instrument: String, after: UUID?, in session: some PostgresSession
    ) async throws(PostgresError) -> [UUID] {
        let rows = try await session.query(
            """
            select distinct experiment from quarantine
            where instrument = \(instrument) and experiment is not null
                and reason in (
                    'unknown-instrument', 'answers-count', 'level-out-of-range', 'nothing-answered', 'answer-missing')
                and (\(after) is null or experiment > \(after))
            order by experiment limit \(Self.experimentCountMax)
            """)
        var experiments: [UUID] = []
        for row in rows { experiments.append(try row.get("experiment")) }
        return experiments
    }
}
