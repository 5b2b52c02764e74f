import FeedbackDomain
import FoundationEssentials
import Postgres

/// Somebody who volunteered.
struct Volunteer: Sendable {
    let position: Int64
    let id: UUID
    let opening: UUID
    let contactKind: String
    let contact: String
    let language: String
    let consentedAt: Date
    let expiresAt: Date
}

/// Openings and volunteers.
struct VolunteerStore: Sendable {
    /// Beyond this an opening takes nobody for now.
    static let countMax = 2_000
    private static let openingCountMax = 50

    let pool: PostgresPool

    enum OpenOutcome {
        case opened, alreadyOpen, unknownExperiment
    }

    func open(
        _ opening: VolunteerOpening, by act: InvitationAct, in session: some PostgresSession
    ) async throws(PostgresError) -> OpenOutcome {
        guard try await act.reach.contains(opening.experiment, in: session) else { return .unknownExperiment }
        let inserted = try await session.query(
            """
            insert into volunteer_openings (opening, experiment, kind, title_fr, title_en, opened_at, opened_by)
            values (\(opening.id), \(opening.experiment), \(opening.kind.rawValue), \(opening.french),
                \(opening.english), \(act.now), \(act.actor))
            on conflict (experiment, kind) where closed_at is null do nothing
            """)
        return inserted.affectedCount == 1 ? .opened : .alreadyOpen
    }

    /// - Returns: false where there is none within reach.
    func close(
        _ opening: UUID, of experiment: UUID, by act: InvitationAct, in session: some PostgresSession
    ) async throws(PostgresError) -> Bool {
        guard try await act.reach.contains(experiment, in: session) else { return false }
        return try await session.query(
            """
            update volunteer_openings set closed_at = coalesce(closed_at, \(act.now))
            where opening = \(opening) and experiment = \(experiment)
            """
        ).affectedCount == 1
    }

    /// What is open to all, oldest first.
    func openings() async throws(PostgresError) -> [VolunteerOpening] {
        let rows = try await pool.query(
            """
            select opening, experiment, kind, title_fr, title_en from volunteer_openings
            where closed_at is null order by position limit \(Self.openingCountMax)
            """)
        var openings: [VolunteerOpening] = []
        for row in rows {
            openings.append(
                VolunteerOpening(
                    id: try row.get("opening"), experiment: try row.get("experiment"), kind: try row.get("kind"),
                    french: try row.get("title_fr"), english: try row.get("title_en")))
        }
        return openings
    }

    /// The same form sent twice is one volunteer.
    /// - Returns: false where the opening was closed meanwhile, or is full.
    func add(
        _ contact: VolunteerContact, to opening: UUID, form: SecretWord, language: PageLanguage, now: Date
    ) async throws -> Bool {
        let code = Secrets.hash(Secrets.code(of: form))
        let ends = now + Double(VolunteerContact.retentionDays) * 86_400
        let (volunteer, key) = (UUID(), ContactSeal.newKey())
        let sealed = try ContactSeal.seal(contact.text, of: volunteer, with: key)
        return try await pool.withTransaction { transaction in
            let known = try await transaction.query("select 1 as one from volunteers where code_hash = \(code)")
            if !known.isEmpty { return true }
            let inserted = try await transaction.query(
                """
                insert into volunteers (volunteer, opening, contact_kind, contact_sealed, language, code_hash,
                    consented_at, expires_at)
                select \(volunteer), o.opening, \(contact.kind.rawValue), \(sealed), \(language.rawValue), \(code),
                    \(now), \(ends)
                from volunteer_openings as o
                where o.opening = \(opening) and o.closed_at is null
                    and (select count(*) from volunteers as v where v.opening = o.opening) < \(Self.countMax)
                on conflict (code_hash) do nothing
                """)
            if inserted.affectedCount == 1 {
                try await transaction.query("insert into volunteer_keys (volunteer, key) values (\(volunteer), \(key))")
                return true
            }
            // The other of two clicks was faster.
            return try await !transaction.query("select 1 as one from volunteers where code_hash = \(code)").isEmpty
        }
    }

    /// When the form's volunteer was taken in; nil once it is gone.
    func addedAt(_ form: SecretWord) async throws(PostgresError) -> Date? {
        let code = Secrets.hash(Secrets.code(of: form))
        return try await pool.query("select consented_at from volunteers where code_hash = \(code)")
            .first?.get("consented_at")
    }

    /// - Returns: whether there was one.
    func remove(_ code: ReceiptCode) async throws(PostgresError) -> Bool {
        try await pool.query("delete from volunteers where code_hash = \(Secrets.hash(code))").affectedCount == 1
    }

    /// Oldest first. Those whose key is gone are gone, though a backup may have brought them back.
    /// - Returns: nil where the experiment is unknown or out of reach.
    func list(
        of experiment: UUID, after: Int64, limit: Int, by act: InvitationAct
    ) async throws -> [Volunteer]? {
        guard try await act.reach.contains(experiment, in: pool) else { return nil }
        let rows = try await pool.query(
            """
            select v.*, k.key from volunteers as v join volunteer_openings as o using (opening)
            left join volunteer_keys as k using (volunteer)
            where o.experiment = \(experiment) and v.position > \(after) and v.expires_at > \(act.now)
                and (v.contact is not null or k.key is not null)
            order by v.position limit \(limit)
            """)
        var volunteers: [Volunteer] = []
        for row in rows {
            let id: UUID = try row.get("volunteer")
            volunteers.append(
                Volunteer(
                    position: try row.get("position"), id: id, opening: try row.get("opening"),
                    contactKind: try row.get("contact_kind"), contact: try contact(row, of: id),
                    language: try row.get("language"), consentedAt: try row.get("consented_at"),
                    expiresAt: try row.get("expires_at")))
        }
        return volunteers
    }

    private func contact(_ row: PostgresRow, of volunteer: UUID) throws -> String {
        if let plain: String = try row.get("contact") { return plain }
        return try ContactSeal.open(row.get("contact_sealed"), of: volunteer, with: row.get("key"))
    }

    /// Seals contacts from before there were keys, a bounded number at a time.
    /// - Returns: how many.
    func sealOlder(limit: Int) async throws -> Int {
        try await pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                select volunteer, contact from volunteers where contact is not null limit \(limit)
                for update skip locked
                """
            )
            for row in rows {
                let (volunteer, key): (UUID, [UInt8]) = (try row.get("volunteer"), ContactSeal.newKey())
                let sealed = try ContactSeal.seal(row.get("contact"), of: volunteer, with: key)
                try await transaction.enqueue(
                    "insert into volunteer_keys (volunteer, key) values (\(volunteer), \(key))")
                try await transaction.enqueue(
                    "update volunteers set contact = null, contact_sealed = \(sealed) where volunteer = \(volunteer)")
            }
            return rows.count
        }
    }

    /// Deletes those whose term is over, a bounded number at a time.
    func deleteExpired(now: Date, limit: Int) async throws(PostgresError) -> Int {
        try await pool.query(
            """
            delete from volunteers where volunteer = any(array(
                select volunteer from volunteers where expires_at <= \(now) limit \(limit)))
            """
        ).affectedCount
    }
}
