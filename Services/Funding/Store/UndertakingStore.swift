import CofundingRules
import Events
import FundingDomain
import Postgres

import struct FoundationEssentials.Date

/// A declaration with who made it and when it was recorded.
struct DeclarationRecord: Sendable {
    let declaration: AidDeclaration
    let declaredBy: String
    let recordedAt: Date
}

/// Single undertakings and what they declare; every declaration is kept.
struct UndertakingStore: Sendable {
    let allotments: AllotmentStore

    /// Where an undertaking has declared itself before, the caller has to know its last declaration.
    /// - Parameter expected: the version that the caller saw; asked for only where there is one.
    func declare(
        _ declaration: AidDeclaration, expected: () throws -> Int64, _ command: CommandContext,
        in session: some PostgresSession
    ) async throws -> Versioned<DeclarationRecord> {
        // Whoever grants holds this shared: no grant is computed while members move.
        try await RuleSetStore.waitForReaders(in: session)
        let version = try await nextVersion(of: declaration.head, expected: expected, in: session)
        try await replaceMembers(of: declaration, in: session)
        let record = DeclarationRecord(
            declaration: declaration, declaredBy: command.actor, recordedAt: command.now)
        try await session.query(
            """
            insert into aid_declarations (undertaking, version, content, declared_on, declared_by, recorded_at)
            values (\(declaration.head), \(version), \(try DeclarationColumn.json(declaration)),
                \(declaration.declaredOn.description)::date, \(record.declaredBy), \(record.recordedAt))
            """)
        // A rank that waited for rules of the basis before may have them on this one.
        try await allotments.advanceWaitingForRules(command, in: session)
        return Versioned(value: record, version: version)
    }

    private func nextVersion(
        of head: String, expected: () throws -> Int64, in session: some PostgresSession
    ) async throws -> Int64 {
        let rows = try await session.query("select version from undertakings where siren = \(head) for update")
        guard let row = rows.first else {
            try await session.query("insert into undertakings (siren) values (\(head))")
            return 1
        }
        let current: Int64 = try row.get("version")
        try Versioned(value: (), version: current).check(try expected())
        try await session.query("update undertakings set version = version + 1 where siren = \(head)")
        return current + 1
    }

    private func replaceMembers(of declaration: AidDeclaration, in session: some PostgresSession) async throws {
        try await session.query("delete from undertaking_members where undertaking = \(declaration.head)")
        let taken = try await session.query(
            "select min(siren) as siren from undertaking_members where siren = any(\(declaration.members))")
        if let siren = try taken.first?.get("siren", as: String?.self) {
            throw FundingError.memberElsewhere(siren: siren)
        }
        try await session.query(
            """
            insert into undertaking_members (siren, undertaking)
            select siren, \(declaration.head) from unnest(\(declaration.members)) as siren
            """)
    }

    /// The declaration in force of the undertaking that the SIREN heads.
    /// - Parameter siren: of the caller's organisation, when it may see its own undertaking only.
    func find(
        _ head: String, visibleTo siren: String?, in session: some PostgresSession
    ) async throws -> Versioned<DeclarationRecord> {
        let rows = try await session.query(
            """
            select d.*, d.declared_on::text as declared_day
            from undertakings u join aid_declarations d on d.undertaking = u.siren and d.version = u.version
            where u.siren = \(head) and (\(siren) is null or exists (
                select from undertaking_members m where m.undertaking = u.siren and m.siren = \(siren)))
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "undertaking") }
        return try Self.record(row)
    }

    /// All declarations of an undertaking, the last one first.
    /// - Parameter before: only versions below.
    func history(
        of head: String, before: Int64?, limit: Int, in session: some PostgresSession
    ) async throws -> [Versioned<DeclarationRecord>] {
        let rows = try await session.query(
            """
            select d.*, d.declared_on::text as declared_day from aid_declarations d
            where d.undertaking = \(head) and (\(before) is null or d.version < \(before))
            order by d.version desc limit \(limit)
            """)
        return try rows.map { try Self.record($0) }
    }

    private static func record(_ row: PostgresRow) throws -> Versioned<DeclarationRecord> {
        let head: String = try row.get("undertaking")
        let record = DeclarationRecord(
            declaration: try DeclarationColumn.read(
                try row.get("content"), head: head, declaredOn: try row.day("declared_day")),
            declaredBy: try row.get("declared_by"), recordedAt: try row.get("recorded_at"))
        return Versioned(value: record, version: try row.get("version"))
    }
}

/// What is declared, as it is stored: in the form of the interface.
struct DeclarationColumn: Codable {
    let members: [String]
    let basis: AidBasisContent

    static func json(_ declaration: AidDeclaration) throws -> PostgresJSON {
        PostgresJSON(
            bytes: try WireCoding.encode(
                DeclarationColumn(members: declaration.members, basis: AidBasisContent(declaration.basis))))
    }

    static func read(_ json: PostgresJSON, head: String, declaredOn: CalendarDay) throws -> AidDeclaration {
        let column = try WireCoding.decode(DeclarationColumn.self, from: json.bytes)
        return AidDeclaration(
            head: head, members: column.members, basis: try column.basis.read(at: "/basis"), declaredOn: declaredOn)
    }
}
