import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// A mapping in one of its versions.
struct ImportMappingRecord: Sendable, Encodable {
    let name: String
    let version: Int
    let publishedAt: Date
    let mapping: ImportMapping
    /// FINESS numbers whose key is wrong: allowed, and worth a second look.
    let doubtfulEstablishments: [String]
}

/// The mappings of publishers. A version never changes.
struct ImportMappingStore: Sendable {
    /// Of one publisher's, all names together.
    static let versionCountMax = 1_000

    enum Publication: Sendable {
        case published(ImportMappingRecord)
        /// The newest version says exactly this.
        case publishedBefore(ImportMappingRecord)
        case tooMany
    }

    func publish(
        _ mapping: ImportMapping, as name: String, of publisher: String, now: Date, in session: some PostgresSession
    ) async throws -> Publication {
        // One after the other: two versions have two numbers.
        try await session.query("select from publishers where publisher = \(publisher) for update")
        let newest = try await find(name, version: nil, of: publisher, in: session)
        if let newest, newest.mapping == mapping { return .publishedBefore(newest) }
        let counts = try await session.query(
            "select count(*) as n from import_mappings where publisher = \(publisher)")
        guard let count: Int = try counts.first?.get("n"), count < Self.versionCountMax else { return .tooMany }
        let version = (newest?.version ?? 0) + 1
        let document = String(decoding: try WireCoding.encode(mapping), as: UTF8.self)
        try await session.query(
            """
            insert into import_mappings (publisher, name, version, document, published_at)
            values (\(publisher), \(name), \(version), \(document), \(now))
            """)
        return .published(record(name, version, now, mapping))
    }

    /// - Parameter version: nil for the newest.
    func find(
        _ name: String, version: Int?, of publisher: String, in session: some PostgresSession
    ) async throws -> ImportMappingRecord? {
        let rows = try await session.query(
            """
            select version, published_at, document from import_mappings
            where publisher = \(publisher) and name = \(name) and (\(version) is null or version = \(version))
            order by version desc limit 1
            """)
        return try rows.first.map { row in
            let document: String = try row.get("document")
            return record(
                name, Int(try row.get("version", as: Int32.self)), try row.get("published_at"),
                try WireCoding.decode(ImportMapping.self, from: Array(document.utf8)))
        }
    }

    /// The newest of each name.
    func list(of publisher: String, in session: some PostgresSession) async throws -> [ImportMappingRecord] {
        let rows = try await session.query(
            """
            select distinct on (name) name, version, published_at, document from import_mappings
            where publisher = \(publisher) order by name, version desc limit 200
            """)
        return try rows.map { row in
            let document: String = try row.get("document")
            return record(
                try row.get("name"), Int(try row.get("version", as: Int32.self)), try row.get("published_at"),
                try WireCoding.decode(ImportMapping.self, from: Array(document.utf8)))
        }
    }

    private func record(_ name: String, _ version: Int, _ time: Date, _ mapping: ImportMapping) -> ImportMappingRecord {
        ImportMappingRecord(
            name: name, version: version, publishedAt: time, mapping: mapping,
            doubtfulEstablishments: mapping.doubtfulEstablishments)
    }
}
