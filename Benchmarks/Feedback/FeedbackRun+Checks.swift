import Postgres

extension FeedbackRun {
    /// After a passage: nothing is lost, nothing counts twice, and every response is scored, logged and answered.
    /// - Parameter past: responses that were stored before.
    func check(_ workload: FeedbackWorkload, at stage: Stage, past: Int = 0) async throws {
        try await system.withDatabase { pool in
            try await expect(workload.count + past, "feedback stores responses", pool, Self.responses)
            try await expect(workload.count + past, "feedback accepted events", pool, Self.accepted)
            try await expect(workload.count, "responses are logged", pool, Self.logged)
            guard stage == .projected else { return }
            try await expect(workload.count, "reporting holds responses", pool, Self.projectedRows)
            try await expect(workload.count * FeedbackWorkload.score, "their scores make", pool, Self.projectedScores)
        }
        let receipts = try await publisher.acceptedCount(expecting: workload.count)
        guard receipts == workload.count else {
            throw BenchedSystem.Failure(description: "\(receipts) of \(workload.count) responses got a receipt")
        }
    }

    private func expect(_ count: Int, _ what: String, _ pool: PostgresPool, _ query: PostgresQuery) async throws {
        let found = try await pool.count(query)
        guard found == count else { throw BenchedSystem.Failure(description: "\(what): \(found) instead of \(count)") }
    }

    private static let responses: PostgresQuery =
        "select count(*) as n from feedback.responses where state = 'valid' and version = 1"
    private static let accepted: PostgresQuery =
        "select count(*) as n from feedback.identities where outcome = 'accepted'"
    private static let logged: PostgresQuery = """
        select coalesce(sum(json_array_length(data::json -> 'items')), 0)::bigint as n from feedback.events
        where type = 'feedback.responses.recorded.v1'
        """
    private static let projectedRows: PostgresQuery = "select count(*) as n from reporting.responses where is_counted"
    private static let projectedScores: PostgresQuery =
        "select coalesce(sum(score_sum), 0)::bigint as n from reporting.response_cells"
}
