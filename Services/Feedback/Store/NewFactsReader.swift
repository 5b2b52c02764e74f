import FeedbackDomain
import FoundationEssentials
import Postgres

/// Reads what messages have to be judged by that are taken for new, and their answers for first ones: nothing is asked
/// about either, and whoever writes them finds out. What never changes is read once.
struct NewFactsReader<Session: PostgresSession>: Sendable {
    let session: Session
    let shelf: FactsShelf

    private var all: IntakeFactsReader<Session> { IntakeFactsReader(session: session) }

    /// - Parameters:
    ///   - experiments: of the messages.
    ///   - lock: goes first; what is read is as it is once the lock is held.
    func look(
        at messages: [InboundMessage], _ experiments: Set<UUID>, behind lock: PostgresQuery?
    ) async throws(PostgresError) -> IntakeFactsReader<Session>.Look {
        let submissions = messages.compactMap(\.submission)
        var participants = shelf.participants(of: submissions)
        let unmet = submissions.filter { participants[$0.participantKey] == nil }
        let ids = Array(experiments)
        var trip = RoundTrip()
        if let lock { _ = trip.add(lock) }
        let publishers = trip.add(IntakeFactsReader<Session>.publishers(Set(messages.map(\.publisher))))
        let corrections = trip.add(IntakeFactsReader<Session>.anyCorrection)
        let known = trip.add(IntakeFactsReader<Session>.experiments(ids))
        let versions = trip.add(Self.versions(of: ids))
        let asked = unmet.isEmpty ? nil : trip.add(Self.participants(unmet))
        let results = try await trip.run(in: session)
        if let asked {
            let met = try Self.participants(results[asked], of: unmet)
            shelf.keep(met)
            participants.merge(met) { _, new in new }
        }
        var judge = IntakeJudge(
            experiments: try IntakeFactsReader<Session>.experiments(
                results[known], try await protocols(results[versions])))
        judge.participants = participants
        return IntakeFactsReader<Session>.Look(
            known: [:], judge: judge, publishers: try IntakeFactsReader<Session>.publishers(results[publishers]),
            corrections: try await all.corrections(of: messages, results[corrections]))
    }

    // MARK: Protocols

    private static func versions(of experiments: [UUID]) -> PostgresQuery {
        """
        select experiment, version, approved_at, consent_scope from protocol_versions
        where experiment = any(\(experiments)) order by experiment, version
        """
    }

    private func protocols(_ rows: PostgresRows) async throws(PostgresError) -> [UUID: [ProtocolFacts]] {
        var versions: [(version: FactsShelf.Version, approvedAt: Date, consentScope: String)] = []
        for row in rows {
            versions.append(
                (
                    FactsShelf.Version(
                        experiment: try row.get("experiment"), number: Int(try row.get("version", as: Int32.self))),
                    try row.get("approved_at"), try row.get("consent_scope")
                ))
        }
        let windows = try await windows(of: versions.map(\.version))
        var protocols: [UUID: [ProtocolFacts]] = [:]
        for (version, approvedAt, consentScope) in versions {
            let plan = MeasurePlan(consentScope: consentScope, windows: windows[version, default: []])
            protocols[version.experiment, default: []].append(
                ProtocolFacts(version: version.number, approvedAt: approvedAt, measures: plan))
        }
        return protocols
    }

    private func windows(
        of versions: [FactsShelf.Version]
    ) async throws(PostgresError) -> [FactsShelf.Version: [MeasureWindow]] {
        var known = shelf.windows(of: versions)
        let unmet = versions.filter { known[$0] == nil }
        guard !unmet.isEmpty else { return known }
        let (experiments, numbers) = (unmet.map(\.experiment), unmet.map { Int32(clamping: $0.number) })
        let rows = try await session.query(
            """
            select w.experiment, w.version, w.instrument, w.instrument_version, w.occasion, w.opens_day, w.closes_day
            from unnest(\(experiments), \(numbers)) as k (experiment, version)
            join measure_windows as w using (experiment, version)
            order by w.experiment, w.version, w.instrument, w.occasion, w.opens_day
            """)
        var met = Dictionary(uniqueKeysWithValues: unmet.map { ($0, [MeasureWindow]()) })
        for row in rows {
            let version = FactsShelf.Version(
                experiment: try row.get("experiment"), number: Int(try row.get("version", as: Int32.self)))
            met[version, default: []].append(try MeasureWindow(row))
        }
        shelf.keep(met)
        known.merge(met) { _, new in new }
        return known
    }

    // MARK: Participants

    private static func participants(_ submissions: [Submission]) -> PostgresQuery {
        let experiments = submissions.map(\.experiment)
        let pseudonyms = submissions.map(\.pseudonym)
        return """
            select k.place, p.participant, p.consent_scope, p.consented_at
            from unnest(\(experiments), \(pseudonyms)) with ordinality as k (experiment, pseudonym, place)
            cross join lateral (
                select * from participants as p
                where p.experiment = k.experiment and p.pseudonym = k.pseudonym limit 1
            ) as p
            """
    }

    private static func participants(
        _ rows: PostgresRows, of submissions: [Submission]
    ) throws(PostgresError) -> [ParticipantKey: ParticipantFacts] {
        var participants: [ParticipantKey: ParticipantFacts] = [:]
        for row in rows {
            let submission = submissions[Int(try row.get("place", as: Int64.self)) - 1]
            participants[submission.participantKey] = try ParticipantFacts(row)
        }
        return participants
    }
}

extension MeasureWindow {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            instrument: try row.get("instrument"), instrumentVersion: try row.get("instrument_version"),
            occasion: try row.get("occasion"), opensDay: Int(try row.get("opens_day", as: Int32.self)),
            closesDay: Int(try row.get("closes_day", as: Int32.self)))
    }
}

extension ParticipantFacts {
    init(_ row: PostgresRow) throws(PostgresError) {
        self.init(
            participant: try row.get("participant"), consentScope: try row.get("consent_scope"),
            consentedAt: try row.get("consented_at"))
    }
}
