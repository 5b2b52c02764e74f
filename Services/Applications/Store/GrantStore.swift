import ApplicationsDomain
import FoundationEssentials
import Postgres

/// A signed agreement, as funding told.
struct SignedAgreement: Sendable {
    let agreement: UUID
    let grantedCents: Int64
    let signedAt: Date
}

/// What funding told about the money of applications.
struct GrantStore: Sendable {
    /// Takes in news; the result is the same for every order of arrival.
    func merge(_ news: GrantStanding, of application: UUID, in session: some PostgresSession) async throws {
        try await session.query(
            "insert into grant_standings (application) values (\(application)) on conflict do nothing")
        // Locked before it is read, or two pieces of news at once would each overwrite the other.
        let rows = try await session.query(
            "select * from grant_standings where application = \(application) for update")
        let standing = try rows.first.map(GrantStanding.init(row:)) ?? GrantStanding()
        let merged = standing.merging(news)
        guard merged != standing else { return }
        try await session.query(
            """
            update grant_standings set state = \(merged.state.rawValue), grant_id = \(merged.grant),
                reserved_cents = \(merged.reservedCents), reason = \(merged.reason), as_of = \(merged.asOf)
            where application = \(application)
            """)
    }

    func standing(of application: UUID, in session: some PostgresSession) async throws -> GrantStanding {
        try await session.query("select * from grant_standings where application = \(application)")
            .first.map(GrantStanding.init(row:)) ?? GrantStanding()
    }

    /// - Returns: false when the application has an agreement already.
    func insert(
        _ agreement: SignedAgreement, of application: UUID, in session: some PostgresSession
    ) async throws -> Bool {
        try await session.query(
            """
            insert into agreements (application, agreement, granted_cents, signed_at)
            values (\(application), \(agreement.agreement), \(agreement.grantedCents), \(agreement.signedAt))
            on conflict do nothing
            """
        ).affectedCount == 1
    }

    func agreement(of application: UUID, in session: some PostgresSession) async throws -> SignedAgreement? {
        try await session.query("select * from agreements where application = \(application)").first.map { row in
            SignedAgreement(
                agreement: try row.get("agreement"), grantedCents: try row.get("granted_cents"),
                signedAt: try row.get("signed_at"))
        }
    }
}

extension GrantStanding {
    fileprivate init(row: PostgresRow) throws {
        self.init()
        guard let asOf = try row.get("as_of", as: Date?.self), let grant = try row.get("grant_id", as: UUID?.self)
        else {
            return
        }
        switch try row.get("state", as: State.self) {
        case .unknown: break
        case .reserved: self.init(.reserved(grant: grant, cents: try row.get("reserved_cents")), at: asOf)
        case .refused: self.init(.refused(grant: grant, reason: try row.get("reason")), at: asOf)
        }
    }
}
