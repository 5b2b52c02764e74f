import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres
import Synchronization

/// Published instruments as documents; those that are built in have no row.
struct InstrumentStore: Sendable {
    enum Publication {
        case published
        /// Exactly this was published before.
        case publishedBefore
        /// Something else stands under this name and version.
        case taken
    }

    /// Whoever publishes, and when.
    struct Context: Sendable {
        let actor: String
        let now: Date
        let cause: EventCause
    }

    func publish(
        _ instrument: Instrument, _ context: Context, in session: some PostgresSession
    ) async throws -> Publication {
        if let builtIn = InstrumentCatalogue()[instrument.name, instrument.version] {
            return builtIn == instrument ? .publishedBefore : .taken
        }
        let document = String(decoding: try WireCoding.encode(instrument), as: UTF8.self)
        let inserted = try await session.query(
            """
            insert into instruments (name, version, document, published_by, published_at)
            values (\(instrument.name), \(instrument.version), \(document), \(context.actor), \(context.now))
            on conflict do nothing
            """)
        guard inserted.affectedCount == 1 else {
            let stored = try await Self.documents(named: [instrument.name], in: session)
            return stored.contains(instrument) ? .publishedBefore : .taken
        }
        // Before the log, in the order in which everybody locks.
        try await session.query(
            """
            insert into instrument_arrivals (instrument) values (\(instrument.name))
            on conflict (instrument) do update set after_experiment = null, arrived_at = excluded.arrived_at
            """)
        let published = InstrumentPublished(
            instrument: instrument.name, instrumentVersion: instrument.version, itemsCount: instrument.items.count,
            scales: instrument.scales.map { ScaleTerms(scale: $0.name, unit: $0.unit) }, source: instrument.source,
            publishedAt: context.now)
        try await EventLog.append(
            [
                NewEvent(
                    published, subject: "\(instrument.name)/\(instrument.version)", time: context.now,
                    actor: context.actor, cause: context.cause)
            ], in: session)
        return .published
    }

    /// Built-in ones and published ones, by name and version.
    func all(in session: some PostgresSession) async throws -> [Instrument] {
        var catalogue = InstrumentCatalogue()
        let rows = try await session.query("select document from instruments order by name, version limit 1000")
        for row in rows { catalogue.add(try Self.instrument(row)) }
        return catalogue.all
    }

    static func documents(named names: [String], in session: some PostgresSession) async throws -> [Instrument] {
        let rows = try await session.query("select document from instruments where name = any(\(names))")
        return try rows.map(instrument)
    }

    private static func instrument(_ row: PostgresRow) throws -> Instrument {
        try WireCoding.decode(Instrument.self, from: Array(try row.get("document", as: String.self).utf8))
    }
}

/// The instruments that this process has met. Published documents never change, so what was read once holds for ever,
/// and a batch that names nothing new asks for nothing.
final class InstrumentShelf: Sendable {
    private let met = Mutex(InstrumentCatalogue())

    /// What was read so far.
    var known: InstrumentCatalogue { met.withLock { $0 } }

    /// Has everything that these submissions may be scored by, as far as it was published.
    func catalogue(
        for submissions: [Submission], _ experiments: [UUID: ExperimentFacts], in session: some PostgresSession
    ) async throws -> InstrumentCatalogue {
        let catalogue = met.withLock { $0 }
        var unmet = Set(submissions.lazy.map(\.instrument).filter { !catalogue.isKnown($0) })
        for facts in experiments.values {
            for window in facts.protocols.lazy.flatMap(\.measures.windows)
            where catalogue[window.instrument, window.instrumentVersion] == nil { unmet.insert(window.instrument) }
        }
        guard !unmet.isEmpty else { return catalogue }
        try await InstrumentLocks.share(unmet.sorted(), in: session)
        let documents = try await InstrumentStore.documents(named: unmet.sorted(), in: session)
        return met.withLock { met in
            for document in documents { met.add(document) }
            return met
        }
    }
}
