import FeedbackDomain
import FoundationEssentials
import Postgres

/// Reads what a batch of messages has to be judged by, with one statement per table, whatever the number of messages.
///
/// Each row is looked up by its key: `lateral … limit 1` allows no other plan. As a plain join the statement was
/// planned while the tables were small, as a hash over all of them, and read them whole for every batch ever after.
struct IntakeFactsReader<Session: PostgresSession>: Sendable {
    let session: Session

    /// What the events say that are known already, what the others have to be judged by, and who sends them.
    struct Look: Sendable {
        var known: [EventIdentity: KnownIdentity]
        /// Without events and instruments.
        var judge: IntakeJudge
        var publishers: [String: PublisherFacts]
        /// What waits for one of the messages; nil while nothing waits for any event.
        var corrections: PostgresRows?
    }

    /// Reads everything that messages are judged by in one round trip.
    /// - Parameter lock: goes first; what is read is as it is once the lock is held.
    func look(at messages: [InboundMessage], behind lock: PostgresQuery? = nil) async throws(PostgresError) -> Look {
        let submissions = messages.compactMap(\.submission)
        var trip = RoundTrip()
        if let lock { _ = trip.add(lock) }
        let known = trip.add(Self.identities(messages, submissions))
        let publishers = trip.add(Self.publishers(Set(messages.map(\.publisher))))
        let corrections = trip.add(Self.anyCorrection)
        let facts = FactsPlaces(submissions, in: &trip)
        let results = try await trip.run(in: session)
        return Look(
            known: try Self.identities(results[known], messages, submissions), judge: try facts.read(results),
            publishers: try Self.publishers(results[publishers]),
            corrections: try await self.corrections(of: messages, results[corrections]))
    }

    static var anyCorrection: PostgresQuery {
        #"select from waiting where waits_for like E'event\n%' limit 1"#
    }

    /// - Parameter any: the answer to ``anyCorrection``.
    func corrections(of messages: [InboundMessage], _ any: PostgresRows) async throws(PostgresError) -> PostgresRows? {
        guard !any.isEmpty else { return nil }
        let keys = messages.map { Dependency.event($0.identity).key }
        return try await session.query(IntakeStore.waiting(for: keys))
    }

    /// What submissions are judged by, without events and instruments.
    func facts(for submissions: [Submission]) async throws(PostgresError) -> IntakeJudge {
        guard !submissions.isEmpty else { return IntakeJudge() }
        var trip = RoundTrip()
        let facts = FactsPlaces(submissions, in: &trip)
        return try facts.read(try await trip.run(in: session))
    }

    func experiments(_ ids: [UUID]) async throws(PostgresError) -> [UUID: ExperimentFacts] {
        var trip = RoundTrip()
        let places = (trip.add(Self.experiments(ids)), trip.add(Self.protocols(ids)))
        let results = try await trip.run(in: session)
        return try Self.experiments(results[places.0], Self.protocols(results[places.1]))
    }

    /// Where the answers about experiments, participants and responses stand among those of a round trip.
    private struct FactsPlaces {
        private let submissions: [Submission]
        private var places: (experiments: Int, protocols: Int, participants: Int)?

        init(_ submissions: [Submission], in trip: inout RoundTrip) {
            self.submissions = submissions
            guard !submissions.isEmpty else { return }
            let ids = Array(Set(submissions.map(\.experiment)))
            places = (
                trip.add(IntakeFactsReader.experiments(ids)), trip.add(IntakeFactsReader.protocols(ids)),
                trip.add(IntakeFactsReader.participants(submissions))
            )
        }

        func read(_ results: [PostgresRows]) throws(PostgresError) -> IntakeJudge {
            guard let places else { return IntakeJudge() }
            var judge = IntakeJudge(
                experiments: try IntakeFactsReader.experiments(
                    results[places.experiments], IntakeFactsReader.protocols(results[places.protocols])))
            try IntakeFactsReader.addParticipants(results[places.participants], of: submissions, to: &judge)
            return judge
        }
    }

    // MARK: Identities

    private static func identities(_ messages: [InboundMessage], _ submissions: [Submission]) -> PostgresQuery {
        let keys = Set(messages.map(\.key) + submissions.compactMap { $0.amended?.key })
        return """
            select i.key, i.content_hash, i.outcome, i.reason, i.response
            from unnest(\(Array(keys))) as k (key)
            cross join lateral (select * from identities as i where i.key = k.key limit 1) as i
            """
    }

    /// Another event of the same key is taken for this one, and so for a conflict.
    private static func identities(
        _ rows: PostgresRows, _ messages: [InboundMessage], _ submissions: [Submission]
    ) throws(PostgresError) -> [EventIdentity: KnownIdentity] {
        guard !rows.isEmpty else { return [:] }
        var names: [UUID: EventIdentity] = [:]
        for amended in submissions.compactMap(\.amended) { names[amended.key] = amended }
        for message in messages { names[message.key] = message.identity }
        var known: [EventIdentity: KnownIdentity] = [:]
        for row in rows {
            guard let identity = names[try row.get("key")] else { continue }
            known[identity] = KnownIdentity(
                contentHash: try row.get("content_hash"), outcome: try row.get("outcome"),
                reason: try row.get("reason"),
                response: try row.get("response"))
        }
        return known
    }

    // MARK: Experiments

    static func experiments(_ ids: [UUID]) -> PostgresQuery {
        "select experiment, started_at, completed_at from experiments where experiment = any(\(ids))"
    }

    static func experiments(
        _ rows: PostgresRows, _ protocols: [UUID: [ProtocolFacts]]
    ) throws(PostgresError) -> [UUID: ExperimentFacts] {
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
    private static func protocols(_ ids: [UUID]) -> PostgresQuery {
        """
        select p.experiment, p.version, p.approved_at, p.consent_scope, w.instrument, w.instrument_version,
            w.occasion, w.opens_day, w.closes_day
        from protocol_versions as p left join measure_windows as w using (experiment, version)
        where p.experiment = any(\(ids))
        order by p.experiment, p.version, w.instrument, w.occasion, w.opens_day
        """
    }

    private static func protocols(_ rows: PostgresRows) throws(PostgresError) -> [UUID: [ProtocolFacts]] {
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
            if try row.get("instrument", as: String?.self) != nil {
                versions[versions.count - 1].measures.windows.append(try MeasureWindow(row))
            }
            protocols[id] = versions
        }
        return protocols
    }

    // MARK: Participants

    /// Those that are named, each with the answers that the submissions are about.
    private static func participants(_ submissions: [Submission]) -> PostgresQuery {
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
        return """
            select k.place, p.participant, p.consent_scope, p.consented_at, r.response, r.version, r.state,
                r.instrument_version, r.answered_at, r.publisher
            from unnest(\(experiments), \(pseudonyms), \(instruments), \(occasions)) with ordinality
                as k (experiment, pseudonym, instrument, occasion, place)
            cross join lateral (
                select * from participants as p
                where p.experiment = k.experiment and p.pseudonym = k.pseudonym limit 1
            ) as p
            left join lateral (
                select * from responses as r
                where r.experiment = p.experiment and r.participant = p.participant and r.instrument = k.instrument
                    and r.occasion = k.occasion limit 1
            ) as r on true
            """
    }

    private static func addParticipants(
        _ rows: PostgresRows, of submissions: [Submission], to judge: inout IntakeJudge
    ) throws(PostgresError) {
        for row in rows {
            let submission = submissions[Int(try row.get("place", as: Int64.self)) - 1]
            let participant: UUID = try row.get("participant")
            judge.participants[submission.participantKey] = try ParticipantFacts(row)
            guard let response: UUID = try row.get("response") else { continue }
            let key = ResponseKey(
                participant: participant, instrument: submission.instrument, occasion: submission.occasion)
            judge.responses[key] = ResponseFacts(
                response: response, version: Int(try row.get("version", as: Int32.self)),
                standing: try row.get("state"), instrumentVersion: try row.get("instrument_version"),
                answeredAt: try row.get("answered_at"), publisher: try row.get("publisher"))
        }
    }

    // MARK: Publishers

    static func publishers(_ publishers: Set<String>) -> PostgresQuery {
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
        """
    }

    static func publishers(_ rows: PostgresRows) throws(PostgresError) -> [String: PublisherFacts] {
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
