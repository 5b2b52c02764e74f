import FeedbackDomain
import FoundationEssentials
import Postgres

/// A publisher whose side of the broker is not yet as its row says.
struct ProvisioningTask: Sendable {
    let publisher: String
    let version: Int64
    /// Counts the claims on this publisher: whoever holds an older number was overtaken.
    let claim: Int64
    /// How often the broker's side had become unknown by then.
    let reopened: Int64
    let queueBytes: Int
    let isSuspended: Bool
    /// Those that may log in.
    let live: [(number: Int, proof: CredentialProof)]
    /// Those that may no longer.
    let ended: [Int]
}

/// Which publishers the broker has to be brought to, and which it was. Several processes may do so: each claims one for
/// longer than it should take, and asks before every act whether its claim is still the newest. The broker cannot ask,
/// so an act may be late all the same; whoever finds out has the publisher looked at once more.
struct ProvisioningStore: Sendable {
    let pool: PostgresPool

    func claim(seconds: Int) async throws -> ProvisioningTask? {
        try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                update publishers as p
                set claimed_until = clock_timestamp() + make_interval(secs => \(Double(seconds))), claim = p.claim + 1
                from (
                    select publisher from publishers as o
                    where claimed_until < clock_timestamp() and (
                        provisioned_version < version or exists (
                            select from publisher_credentials as c
                            where c.publisher = o.publisher and c.expires_at < clock_timestamp()
                                and c.removed_at is null))
                    order by publisher limit 1 for update skip locked
                ) as due
                where p.publisher = due.publisher
                returning p.publisher, p.version, p.claim, p.reopened, p.queue_bytes,
                    p.suspended_at is not null as is_suspended
                """)
            guard let row = rows.first else { return nil }
            let name: String = try row.get("publisher")
            let credentials = try await transaction.query(
                """
                select number, password_hash, coalesce(expires_at < clock_timestamp(), false) as is_expired
                from publisher_credentials where publisher = \(name) and removed_at is null order by number
                """)
            var live: [(number: Int, proof: CredentialProof)] = []
            var ended: [Int] = []
            for credential in credentials {
                let number = Int(try credential.get("number", as: Int32.self))
                if try credential.get("is_expired", as: Bool.self) {
                    ended.append(number)
                } else {
                    live.append((number, CredentialProof(hash: try credential.get("password_hash"))))
                }
            }
            return ProvisioningTask(
                publisher: name, version: try row.get("version"), claim: try row.get("claim"),
                reopened: try row.get("reopened"),
                queueBytes: Int(try row.get("queue_bytes", as: Int64.self)),
                isSuspended: try row.get("is_suspended"), live: live, ended: ended)
        }
    }

    /// Whether nobody claimed the publisher since.
    func holds(_ task: ProvisioningTask) async throws(PostgresError) -> Bool {
        let rows = try await pool.query(
            "select from publishers where publisher = \(task.publisher) and claim = \(task.claim)")
        return !rows.isEmpty
    }

    /// The broker is as the task says, unless somebody's late act changed it meanwhile: then the publisher stays due.
    /// - Returns: false when the claim was overtaken, and nothing is noted.
    func finish(_ task: ProvisioningTask) async throws -> Bool {
        let ended = task.ended.map { Int32(clamping: $0) }
        return try await pool.withTransaction { transaction in
            // In the order in which a rotation locks them.
            let rows = try await transaction.query(
                """
                update publishers
                set claimed_until = '-infinity', provisioned_version = case when reopened = \(task.reopened)
                    then greatest(provisioned_version, \(task.version)) else provisioned_version end
                where publisher = \(task.publisher) and claim = \(task.claim)
                returning reopened = \(task.reopened) as is_settled
                """)
            guard let row = rows.first else { return false }
            guard try row.get("is_settled", as: Bool.self) else { return true }
            try await transaction.query(
                """
                update publisher_credentials set removed_at = clock_timestamp()
                where publisher = \(task.publisher) and number = any(\(ended)) and removed_at is null
                """)
            return true
        }
    }

    /// Lets others try, after a while.
    /// - Returns: false when somebody does so already.
    func release(_ task: ProvisioningTask, seconds: Int) async throws(PostgresError) -> Bool {
        try await pool.query(
            """
            update publishers set claimed_until = clock_timestamp() + make_interval(secs => \(Double(seconds)))
            where publisher = \(task.publisher) and claim = \(task.claim)
            """
        ).affectedCount == 1
    }

    /// Makes one due again, or all, because nobody knows any more what the broker has. Whoever works on one goes on,
    /// but cannot end it.
    func reopen(_ publisher: String? = nil) async throws(PostgresError) {
        try await pool.query(
            """
            update publishers
            set provisioned_version = least(provisioned_version, version - 1), reopened = reopened + 1
            where \(publisher) is null or publisher = \(publisher)
            """)
    }

    /// Publishers that have a queue: the first version is the registration, the second its first credential.
    func provisioned() async throws(PostgresError) -> [String] {
        let rows = try await pool.query(
            "select publisher from publishers where provisioned_version > 0 order by publisher")
        var names: [String] = []
        for row in rows { names.append(try row.get("publisher")) }
        return names
    }
}
