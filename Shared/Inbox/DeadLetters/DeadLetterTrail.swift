package import FoundationEssentials
import Outbox
import Postgres

/// Something that a person did to a dead letter.
package struct DeadLetterAct: Sendable {
    package enum Kind: String, Sendable {
        case retry, drop
        case showBody = "show-body"
    }

    package let kind: Kind
    package let by: String
    package let second: String?
    package let reason: String
    package let outcome: String
    package let detail: String
    package let actedAt: Date
}

/// The statements about acts, which are only ever added.
struct DeadLetterTrail {
    /// An act that is to be noted.
    struct Entry {
        let id: UUID
        let letter: Int64
        let kind: DeadLetterAct.Kind
        let by: String
        var second: String?
        let reason: String
    }

    private static let countMax = 100
    private static let detailBytesMax = 2_000

    private let session: any PostgresSession

    init(_ session: some PostgresSession) { self.session = session }

    func add(_ entry: Entry, outcome: String, detail: String) async throws(PostgresError) {
        try await session.query(
            """
            insert into dead_letter_acts (id, dead_letter, act, by_name, second_name, reason, outcome, detail)
            values (\(entry.id), \(entry.letter), \(entry.kind.rawValue), \(entry.by), \(entry.second),
                \(entry.reason), \(outcome), \(StoredText.clean(detail, bytesMax: Self.detailBytesMax)))
            """)
    }

    func contains(_ id: UUID) async throws(PostgresError) -> Bool {
        try await !session.query("select from dead_letter_acts where id = \(id)").isEmpty
    }

    /// The latest, newest first.
    func acts(on letter: Int64) async throws(PostgresError) -> [DeadLetterAct] {
        let rows = try await session.query(
            """
            select act, by_name, second_name, reason, outcome, detail, acted_at from dead_letter_acts
            where dead_letter = \(letter) order by acted_at desc limit \(Self.countMax)
            """)
        var acts: [DeadLetterAct] = []
        for row in rows {
            acts.append(
                DeadLetterAct(
                    kind: try row.get("act"), by: try row.get("by_name"), second: try row.get("second_name"),
                    reason: try row.get("reason"), outcome: try row.get("outcome"), detail: try row.get("detail"),
                    actedAt: try row.get("acted_at")))
        }
        return acts
    }
}
