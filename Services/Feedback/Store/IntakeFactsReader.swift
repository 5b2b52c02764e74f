import FeedbackDomain
import FoundationEssentials
import Postgres

/// Reads what a batch of messages has to be judged by, with one statement per table, whatever the number of messages.
struct IntakeFactsReader<Session: PostgresSession>: Sendable {
    let session: Session

    func identities(
        _ wanted: some Sequence<EventIdentity>
    ) async throws(PostgresError) -> [EventIdentity: KnownIdentity] {
        var columns = IdentityColumns()
        for identity in Set(wanted) { columns.append(identity) }
        guard !columns.isEmpty else { return [:] }
        let rows = try await session.query(
            """
            select i.publisher, i.source, i.event_id, i.content_hash, i.outcome, i.reason, i.response
            from unnest(\(columns.publishers), \(columns.sources), \(columns.ids)) as k (publisher, source, event_id)
            join identities as i using (publisher, source, event_id)
            """)
        var known: [EventIdentity: KnownIdentity] = [:]
        for row in rows {
            let identity = try EventIdentity(row)
            known[identity] = KnownIdentity(
                contentHash: try row.get("content_hash"), outcome: try row.get("outcome"),
                reason: try row.get("reason"),
                response: try row.get("response"))
        }
        return known
    }

    /// Everything but the identities.
    func facts(for submissions: [Submission]) async throws(PostgresError) -> IntakeJudge {
        guard !submissions.isEmpty else { return IntakeJudge() }
        var judge = IntakeJudge(experiments: try await experiments(Array(Set(submissions.map(\.experiment)))))
        try await readParticipants(submissions, into: &judge)
        return judge
    }

    func experiments(_ ids: [UUID]) async throws(PostgresError) -> [UUID: ExperimentFacts] {
        let rows = try await session.query(
            "select experiment, started_at, completed_at from experiments where experiment = any(\(ids))")
        let protocols = try await protocols(ids)
        var experiments: [UUID: ExperimentFacts] = [:]
        for row in rows {
            let id: UUID = try row.get("experiment")
            experiments[id] = ExperimentFacts(
                startedAt: try row.get("started_at"), completedAt: try row.get("completed_at"),
                protocols: protocols[id, default: []])
        }
        return experiments
    }

    /// Every version: an answer is judged by the one that was in force when it was given.
    private func protocols(_ ids: [UUID]) async throws(PostgresError) -> [UUID: [ProtocolFacts]] {
        let rows = try await session.query(
            """
            select p.experiment, p.version, p.approved_at, p.consent_scope, w.instrument, w.instrument_version,
                w.occasion, w.opens_day, w.closes_day
            from protocol_versions as p left join measure_windows as w using (experiment, version)
            where p.experiment = any(\(ids))
            order by p.experiment, p.version, w.instrument, w.occasion, w.opens_day
            """)
        var protocols: [UUID: [ProtocolFacts]] = [:]
        for row in rows {
            let id: UUID = try row.get("experiment")
            let version = Int(try row.get("version", as: Int32.self))
            var versions = protocols[id, default: []]
            if versions.last?.version != version {
                versions.append(
                    ProtocolFacts(
                        version: version, approvedAt: try row.get("approved_at"),
                        measures: MeasurePlan(consentScope: try row.get("consent_scope"), windows: [])))
            }
            if let instrument: String = try row.get("instrument") {
                let window = MeasureWindow(
                    instrument: instrument, instrumentVersion: try row.get("instrument_version"),
                    occasion: try row.get("occasion"), opensDay: Int(try row.get("opens_day", as: Int32.self)),
                    closesDay: Int(try row.get("closes_day", as: Int32.self)))
                versions[versions.count - 1].measures.windows.append(window)
            }
            protocols[id] = versions
        }
        return protocols
    }

    /// The participants that are named, each with the answers that the submissions are about.
    private func readParticipants(
        _ submissions: [Submission], into judge: inout IntakeJudge
    ) async throws(PostgresError) {
        var experiments = PostgresArray(.uuid, reserving: submissions.count)
        var pseudonyms = PostgresArray(.text, reserving: submissions.count)
        var instruments = PostgresArray(.text, reserving: submissions.count)
        var occasions = PostgresArray(.text, reserving: submissions.count)
        for submission in submissions {
            experiments.append(uuid: submission.experiment)
            pseudonyms.append(text: submission.pseudonym)
            instruments.append(text: submission.instrument)
            occasions.append(text: submission.occasion)
        }
        let rows = try await session.query(
            """
            select k.place, p.participant, p.consent_scope, p.consented_at, r.response, r.version, r.state,
                r.instrument_version, r.answered_at, r.publisher
            from unnest(\(experiments), \(pseudonyms), \(instruments), \(occasions)) with ordinality
                as k (experiment, pseudonym, instrument, occasion, place)
            join participants as p using (experiment, pseudonym)
            left join responses as r on r.experiment = p.experiment and r.participant = p.participant
                and r.instrument = k.instrument and r.occasion = k.occasion
            """)
        for row in rows {
            let submission = submissions[Int(try row.get("place", as: Int64.self)) - 1]
            let participant: UUID = try row.get("participant")
            judge.participants[submission.participantKey] = ParticipantFacts(
                participant: participant, consentScope: try row.get("consent_scope"),
                consentedAt: try row.get("consented_at"))
            guard let response: UUID = try row.get("response") else { continue }
            let key = ResponseKey(
                participant: participant, instrument: submission.instrument, occasion: submission.occasion)
            judge.responses[key] = ResponseFacts(
                response: response, version: Int(try row.get("version", as: Int32.self)),
                standing: try row.get("state"), instrumentVersion: try row.get("instrument_version"),
                answeredAt: try row.get("answered_at"), publisher: try row.get("publisher"))
        }
    }

    func publishers(_ publishers: Set<String>) async throws(PostgresError) -> [String: PublisherFacts] {
        let rows = try await session.query(
            """
            select p.publisher, w.waiting_count, r.experiments
            from unnest(\(publishers.sorted())) as p (publisher)
            cross join lateral (
                select count(*) as waiting_count
                from (
                    select from waiting as w where w.publisher = p.publisher limit \(IntakePlan.waitingCountMax)
                ) as seen
            ) as w
            left join publishers as r on r.publisher = p.publisher
            """)
        var facts: [String: PublisherFacts] = [:]
        for row in rows {
            facts[try row.get("publisher")] = PublisherFacts(
                waitingCount: try row.get("waiting_count"),
                experiments: try row.get("experiments", as: [UUID]?.self).map { Set($0) })
        }
        return facts
    }
}

extension EventIdentity {
    /// From the columns that every table names alike.
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(publisher: try row.get("publisher"), source: try row.get("source"), id: try row.get("event_id"))
    }
}

/// Identities as the columns that a statement unnests.
struct IdentityColumns {
    private(set) var publishers = PostgresArray(.text)
    private(set) var sources = PostgresArray(.text)
    private(set) var ids = PostgresArray(.text)

    var isEmpty: Bool { ids.count == 0 }

    mutating func append(_ identity: EventIdentity) {
        publishers.append(text: identity.publisher)
        sources.append(text: identity.source)
        ids.append(text: identity.id)
    }
}
