import FoundationEssentials
import Postgres
import ReportingDomain

/// The facts of the programme as rows; ``FactBook`` says what the table holds after any events in any order.
enum FactStore {
    static func record(_ facts: [ProgrammeFact], in session: some PostgresSession) async throws(PostgresError) {
        guard !facts.isEmpty else { return }
        // A statement may touch a row once, and rows are taken in one order by all writers.
        let book = FactBook(facts)
        let latest = FactKind.allCases.sorted { $0.rawValue < $1.rawValue }.flatMap { book.facts($0) }
        let c = Columns(latest)
        try await session.query(
            """
            insert into facts as f (kind, key, sequence, event_id, time, call, application, agreement, tranche, site,
                experiment, siren, money_kind, amount_cents, ordinal, target, quantity, word, reasons,
                log_position)
            select * from unnest(
                \(c.kinds), \(c.keys), \(c.sequences), \(c.events), \(c.times), \(c.calls), \(c.applications),
                \(c.agreements), \(c.tranches), \(c.sites), \(c.experiments), \(c.sirens), \(c.moneyKinds),
                \(c.amounts),
                \(c.ordinals), \(c.targets), \(c.quantities), \(c.words), \(c.reasons),
                \(c.logPositions))
            on conflict (kind, key) do update set
                sequence = excluded.sequence, event_id = excluded.event_id, time = excluded.time, call = excluded.call,
                application = excluded.application, agreement = excluded.agreement, tranche = excluded.tranche,
                site = excluded.site, experiment = excluded.experiment, siren = excluded.siren,
                money_kind = excluded.money_kind, amount_cents = excluded.amount_cents, ordinal = excluded.ordinal,
                target = excluded.target, quantity = excluded.quantity, word = excluded.word,
                reasons = excluded.reasons, log_position = excluded.log_position
                where f.sequence < excluded.sequence
            """)
    }

    static func all(in session: some PostgresSession) async throws(PostgresError) -> FactBook {
        var book = FactBook()
        for row in try await session.query("select * from facts") { book.record(try fact(row)) }
        return book
    }

    /// What is known of one thing, of these kinds.
    static func all(
        _ kinds: [FactKind], key: String, in session: some PostgresSession
    ) async throws(PostgresError) -> FactBook {
        var book = FactBook()
        let rows = try await session.query(
            "select * from facts where kind = any(\(kinds.map(\.rawValue))) and key = \(key)")
        for row in rows { book.record(try fact(row)) }
        return book
    }

    private static func fact(_ row: PostgresRow) throws(PostgresError) -> ProgrammeFact {
        var fact = ProgrammeFact(
            try row.get("kind"), key: try row.get("key"), sequence: try row.get("sequence"),
            event: try row.get("event_id"), time: try row.get("time"))
        fact.call = try row.get("call")
        fact.application = try row.get("application")
        fact.agreement = try row.get("agreement")
        fact.tranche = try row.get("tranche")
        fact.site = try row.get("site")
        fact.experiment = try row.get("experiment")
        fact.siren = try row.get("siren")
        fact.moneyKind = try row.get("money_kind", as: MoneyKind?.self)
        fact.amountCents = try row.get("amount_cents")
        fact.ordinal = try row.get("ordinal")
        fact.target = try row.get("target")
        fact.count = try row.get("quantity")
        fact.word = try row.get("word")
        fact.reasons = try row.get("reasons", as: String.self).split(separator: " ").map(String.init)
        return fact
    }

    private struct Columns {
        let kinds: [String], keys: [String], sequences: [Int64], events: [UUID], times: [Date]
        let calls: [UUID?], applications: [UUID?], agreements: [UUID?], tranches: [UUID?], sites: [UUID?]
        let experiments: [UUID?], sirens: [String?], moneyKinds: [String?], amounts: [Int64?]
        let ordinals: [Int?], targets: [Int?], quantities: [Int?], words: [String?], reasons: [String]
        let logPositions: [Int64?]

        init(_ facts: [ProgrammeFact]) {
            kinds = facts.map(\.kind.rawValue)
            keys = facts.map(\.key)
            sequences = facts.map(\.sequence)
            events = facts.map(\.event)
            times = facts.map(\.time)
            calls = facts.map(\.call)
            applications = facts.map(\.application)
            agreements = facts.map(\.agreement)
            tranches = facts.map(\.tranche)
            sites = facts.map(\.site)
            experiments = facts.map(\.experiment)
            sirens = facts.map(\.siren)
            moneyKinds = facts.map { $0.moneyKind?.rawValue }
            amounts = facts.map(\.amountCents)
            ordinals = facts.map(\.ordinal)
            targets = facts.map(\.target)
            quantities = facts.map(\.count)
            words = facts.map(\.word)
            logPositions = facts.map(\.logPosition)
            reasons = facts.map { $0.reasons.joined(separator: " ") }
        }
    }
}
