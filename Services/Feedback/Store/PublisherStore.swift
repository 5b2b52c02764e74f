import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// A publisher as it stands.
struct PublisherRecord: Sendable {
    struct Credential: Sendable {
        let number: Int
        let isCertificate: Bool
        let createdAt: Date
        let expiresAt: Date?
        let isExpired: Bool
    }

    let name: String
    let terms: PublisherTerms
    let suspendedAt: Date?
    let createdAt: Date
    let version: Int64
    /// Whether the broker is as this record says.
    let isProvisioned: Bool
    /// Those that the broker may still know, oldest first.
    let credentials: [Credential]
}

/// Who may send feedback, and as whom. Credentials and suspensions go by real time, not the programme's.
struct PublisherStore: Sendable {
    /// What may wait in all queues together: the broker stays far from its marks, whatever the publishers do.
    let queueBytesTotal: Int

    func insert(
        _ name: String, _ terms: PublisherTerms, context: CommandContext, in session: some PostgresSession
    ) async throws {
        try PublisherName.check(name)
        try terms.check()
        let inserted = try await session.query(
            """
            insert into publishers (publisher, organisation, contact, experiments, queue_bytes)
            values (\(name), \(terms.organisation), \(terms.contact), \(terms.experiments), \(terms.queueBytes))
            on conflict do nothing
            """)
        guard inserted.affectedCount == 1 else { throw PublisherError.nameTaken(name) }
        try await checkTotal(in: session)
        let event = PublisherRegistered(
            publisher: name, organisation: terms.organisation, experiments: terms.experiments,
            registeredAt: context.now)
        try await EventLog.append([context.event(event, about: name)], in: session)
    }

    func change(
        _ name: String, to terms: PublisherTerms, expectedVersion: Int64, in session: some PostgresSession
    ) async throws {
        try terms.check()
        _ = try await lock(name, expectedVersion: expectedVersion, in: session)
        try await session.query(
            """
            update publishers set organisation = \(terms.organisation), contact = \(terms.contact),
                experiments = \(terms.experiments), queue_bytes = \(terms.queueBytes), version = version + 1
            where publisher = \(name)
            """)
        try await checkTotal(in: session)
    }

    /// Two that grow at once wait for each other here, so that each sees the other.
    private func checkTotal(in session: some PostgresSession) async throws {
        try await session.query("select pg_advisory_xact_lock(hashtextextended('maillage publishers', 0))")
        let rows = try await session.query("select coalesce(sum(queue_bytes), 0)::bigint as total from publishers")
        let total = Int(try rows.first?.get("total", as: Int64.self) ?? 0)
        guard total <= queueBytesTotal else {
            throw PublisherError.field(
                "/queueBytes",
                expected: "\(total - queueBytesTotal) bytes less: all queues together may hold \(queueBytesTotal)")
        }
    }

    /// Adds a credential; those before it end after the overlap.
    func rotate(
        _ name: String, to proof: CredentialProof, overlapHours: Int, in session: some PostgresSession
    ) async throws -> PublisherCredential {
        guard PublisherCredential.overlapHoursRange.contains(overlapHours) else {
            throw PublisherError.field("/overlapHours", expected: "0 to 720 hours")
        }
        _ = try await lock(name, in: session)
        try await session.query(
            """
            update publisher_credentials
            set expires_at = least(expires_at, clock_timestamp() + make_interval(hours => \(Int32(overlapHours))))
            where publisher = \(name) and removed_at is null
            """)
        try await checkLiveCount(of: name, in: session)
        let rows = try await session.query(
            """
            insert into publisher_credentials (publisher, number, password_hash)
            select \(name), coalesce(max(number), 0) + 1, \(proof.hash?.bytes)
            from publisher_credentials where publisher = \(name)
            returning number
            """)
        try await touch(name, in: session)
        guard let row = rows.first else { throw PublisherError.unknown(name) }
        return PublisherCredential(publisher: name, number: Int(try row.get("number", as: Int32.self)))
    }

    /// Before another one; the publisher's row is locked.
    private func checkLiveCount(of name: String, in session: some PostgresSession) async throws {
        let rows = try await session.query(
            """
            select count(*) as n from publisher_credentials
            where publisher = \(name) and (expires_at is null or expires_at > clock_timestamp())
            """)
        let count = try rows.first?.get("n", as: Int.self) ?? 0
        guard count < PublisherCredential.liveCountMax else { throw PublisherError.tooManyCredentials(count) }
    }

    /// Ends a credential now.
    func retire(_ credential: PublisherCredential, in session: some PostgresSession) async throws {
        _ = try await lock(credential.publisher, in: session)
        let ended = try await session.query(
            """
            update publisher_credentials set expires_at = least(expires_at, clock_timestamp())
            where publisher = \(credential.publisher) and number = \(Int32(clamping: credential.number))
            """)
        guard ended.affectedCount == 1 else { throw PublisherError.credentialUnknown(credential.number) }
        try await touch(credential.publisher, in: session)
    }

    /// Closes every door, or opens them again with the same credentials. What lies in the queue is taken in either way.
    func setSuspended(
        _ isSuspended: Bool, _ name: String, reason: String, context: CommandContext, in session: some PostgresSession
    ) async throws {
        let wasSuspended = try await lock(name, in: session)
        guard wasSuspended != isSuspended else { return }
        try await session.query(
            """
            update publishers set version = version + 1,
                suspended_at = case when \(isSuspended) then clock_timestamp() end
            where publisher = \(name)
            """)
        let event =
            if isSuspended {
                context.event(
                    PublisherSuspended(publisher: name, reason: reason, suspendedAt: context.now), about: name)
            } else {
                context.event(PublisherResumed(publisher: name, reason: reason, resumedAt: context.now), about: name)
            }
        try await EventLog.append([event], in: session)
    }

    /// - Returns: whether it is suspended.
    private func lock(
        _ name: String, expectedVersion: Int64? = nil, in session: some PostgresSession
    ) async throws -> Bool {
        let rows = try await session.query(
            """
            select version, suspended_at is not null as is_suspended from publishers
            where publisher = \(name) for update
            """)
        guard let row = rows.first else { throw PublisherError.unknown(name) }
        let version: Int64 = try row.get("version")
        if let expectedVersion, expectedVersion != version { throw PublisherError.versionMismatch(current: version) }
        return try row.get("is_suspended")
    }

    private func touch(_ name: String, in session: some PostgresSession) async throws(PostgresError) {
        try await session.query("update publishers set version = version + 1 where publisher = \(name)")
    }

    // MARK: Reading

    func list(after name: String, limit: Int, in session: some PostgresSession) async throws -> [PublisherRecord] {
        try await records(after: name, named: nil, limit: limit, in: session)
    }

    func find(_ name: String, in session: some PostgresSession) async throws -> PublisherRecord {
        guard let record = try await records(after: "", named: name, limit: 1, in: session).first else {
            throw PublisherError.unknown(name)
        }
        return record
    }

    private func records(
        after: String, named name: String?, limit: Int, in session: some PostgresSession
    ) async throws -> [PublisherRecord] {
        let rows = try await session.query(
            """
            select publisher, organisation, contact, experiments, queue_bytes, suspended_at, created_at, version,
                provisioned_version = version and not exists (
                    select from publisher_credentials as c
                    where c.publisher = p.publisher and c.expires_at < clock_timestamp() and c.removed_at is null
                ) as is_provisioned
            from publishers as p
            where publisher > \(after) and (\(name) is null or publisher = \(name))
            order by publisher limit \(limit)
            """)
        let credentials = try await credentials(of: rows.map { try $0.get("publisher") }, in: session)
        var records: [PublisherRecord] = []
        for row in rows {
            let name: String = try row.get("publisher")
            let terms = PublisherTerms(
                organisation: try row.get("organisation"), contact: try row.get("contact"),
                experiments: try row.get("experiments"), queueBytes: Int(try row.get("queue_bytes", as: Int64.self)))
            records.append(
                PublisherRecord(
                    name: name, terms: terms, suspendedAt: try row.get("suspended_at"),
                    createdAt: try row.get("created_at"), version: try row.get("version"),
                    isProvisioned: try row.get("is_provisioned"), credentials: credentials[name, default: []]))
        }
        return records
    }

    private func credentials(
        of names: [String], in session: some PostgresSession
    ) async throws(PostgresError) -> [String: [PublisherRecord.Credential]] {
        let rows = try await session.query(
            """
            select publisher, number, password_hash is null as is_certificate, created_at, expires_at,
                coalesce(expires_at < clock_timestamp(), false) as is_expired
            from publisher_credentials where publisher = any(\(names)) and removed_at is null
            order by publisher, number
            """)
        var credentials: [String: [PublisherRecord.Credential]] = [:]
        for row in rows {
            credentials[try row.get("publisher"), default: []].append(
                PublisherRecord.Credential(
                    number: Int(try row.get("number", as: Int32.self)),
                    isCertificate: try row.get("is_certificate"), createdAt: try row.get("created_at"),
                    expiresAt: try row.get("expires_at"), isExpired: try row.get("is_expired")))
        }
        return credentials
    }

    /// What the doors of this service compare a password with; nil when the credential is unknown, ended or suspended,
    /// or has none.
    func hash(of credential: PublisherCredential, in session: some PostgresSession) async throws -> CredentialHash? {
        let rows = try await session.query(
            """
            select c.password_hash from publisher_credentials as c join publishers as p using (publisher)
            where c.publisher = \(credential.publisher) and c.number = \(Int32(clamping: credential.number))
                and (c.expires_at is null or c.expires_at > clock_timestamp()) and p.suspended_at is null
            """)
        return try rows.first.flatMap { CredentialProof(hash: try $0.get("password_hash")).hash }
    }
}
