import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// A response with the events behind it.
struct StoredResponse: Sendable {
    let key: ResponseKey
    let facts: ResponseFacts
    let participant: ParticipantKey
    let participantFacts: ParticipantFacts
    var contributions: [Contribution] = []
}

/// Reads responses with the events behind them, by one statement for each, whatever the number of responses.
struct ReviewReader<Session: PostgresSession>: Sendable {
    let session: Session
    let experiment: UUID

    /// In the order of their keys.
    /// - Parameter time: those about which no event is as late are left out.
    func responses(touchedFrom time: Date, after: ResponseKey?, limit: Int) async throws -> [StoredResponse] {
        let zero = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        let rows = try await session.query(
            """
            select r.participant, r.instrument, r.occasion, r.response, r.version, r.state, r.instrument_version,
                r.answered_at, r.publisher, p.pseudonym, p.consent_scope, p.consented_at
            from responses as r join participants as p using (participant)
            where r.experiment = \(experiment) and r.touched_at >= \(time)
                and (r.participant, r.instrument, r.occasion)
                    > (\(after?.participant ?? zero), \(after?.instrument ?? ""), \(after?.occasion ?? ""))
            order by r.participant, r.instrument, r.occasion limit \(limit)
            """)
        var stored: [StoredResponse] = []
        for row in rows { stored.append(try response(row)) }
        try await addContributions(to: &stored)
        return stored
    }

    private func response(_ row: PostgresRow) throws(PostgresError) -> StoredResponse {
        let participant: UUID = try row.get("participant")
        return StoredResponse(
            key: ResponseKey(
                participant: participant, instrument: try row.get("instrument"), occasion: try row.get("occasion")),
            facts: ResponseFacts(
                response: try row.get("response"), version: Int(try row.get("version", as: Int32.self)),
                standing: try row.get("state"), instrumentVersion: try row.get("instrument_version"),
                answeredAt: try row.get("answered_at"), publisher: try row.get("publisher")),
            participant: ParticipantKey(experiment: experiment, pseudonym: try row.get("pseudonym")),
            participantFacts: ParticipantFacts(
                participant: participant, consentScope: try row.get("consent_scope"),
                consentedAt: try row.get("consented_at")))
    }

    /// Versions that a late fact made have no event and are no contribution.
    private func addContributions(to stored: inout [StoredResponse]) async throws {
        guard !stored.isEmpty else { return }
        let places = Dictionary(uniqueKeysWithValues: stored.enumerated().map { ($1.facts.response, $0) })
        let rows = try await session.query(
            """
            select v.response, v.version, i.publisher, i.source, i.event_id, v.answered_at, v.amends, v.is_retraction,
                v.answers, v.comment, i.reason
            from response_values as v join identities as i on i.key = v.event
            where v.response = any(\(stored.map(\.facts.response))) order by v.response, v.version
            """)
        for row in rows {
            guard let place = places[try row.get("response")] else { continue }
            let contribution = Contribution(
                submission: try submission(row, of: stored[place]),
                version: Int(try row.get("version", as: Int32.self)), excludedFor: try row.get("reason"))
            stored[place].contributions.append(contribution)
        }
    }

    private func submission(_ row: PostgresRow, of stored: StoredResponse) throws -> Submission {
        let answers: String? = try row.get("answers")
        return Submission(
            identity: try EventIdentity(row),
            answeredAt: try row.get("answered_at"), amends: try row.get("amends"),
            isRetraction: try row.get("is_retraction"), experiment: experiment, pseudonym: stored.participant.pseudonym,
            instrument: stored.key.instrument, occasion: stored.key.occasion,
            answers: try answers.map { try WireCoding.decode([Int?].self, from: Array($0.utf8)) } ?? [],
            comment: try row.get("comment"))
    }
}
