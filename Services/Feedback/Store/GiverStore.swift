import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// What a link opens.
struct GiverSight: Sendable {
    let invitation: Invitation
    let calendar: AnswerCalendar
    /// nil where nothing was saved.
    let draft: GiverDraft?
}

struct GiverDraft: Sendable {
    let choicesText: String
    let comment: String
    let savedAt: Date
}

/// Links and drafts, from the giver's side.
struct GiverStore: Sendable {
    let pool: PostgresPool

    /// nil where no such link was ever made.
    func sight(of link: SecretWord) async throws -> GiverSight? {
        let rows = try await pool.query(
            """
            select i.*, exists(\(shared: InvitationStore.answered)) as is_answered, d.choices, d.comment, d.saved_at
            from invitations as i left join invitation_drafts as d using (invitation)
            where i.token_hash = \(Secrets.hash(link))
            """)
        guard let row = rows.first else { return nil }
        let invitation = try Invitation(row)
        let calendar = try await InvitationStore().calendar(
            of: invitation.experiment, instrument: invitation.instrument, occasion: invitation.occasion, in: pool)
        var draft: GiverDraft?
        if let savedAt: Date = try row.get("saved_at") {
            draft = GiverDraft(
                choicesText: try row.get("choices"), comment: try row.get("comment"), savedAt: savedAt)
        }
        return GiverSight(invitation: invitation, calendar: calendar, draft: draft)
    }

    /// Keeps what was entered so far; the last save holds.
    func save(_ entry: GiverEntry, of invitation: UUID, now: Date) async throws(PostgresError) {
        try await pool.query(
            """
            insert into invitation_drafts (invitation, choices, comment, saved_at)
            values (\(invitation), \(entry.choicesText), \(entry.comment), \(now))
            on conflict (invitation) do update
                set choices = excluded.choices, comment = excluded.comment, saved_at = excluded.saved_at
            """)
    }

    func deleteDraft(of invitation: UUID) async throws(PostgresError) {
        try await pool.query("delete from invitation_drafts where invitation = \(invitation)")
    }

    /// Deletes drafts whose link has ended, a bounded number at a time.
    func deleteEndedDrafts(now: Date, limit: Int = 1_000) async throws(PostgresError) -> Int {
        try await pool.query(
            """
            delete from invitation_drafts where invitation = any(array(
                select d.invitation from invitation_drafts as d join invitations as i using (invitation)
                where i.expires_at <= \(now) or i.withdrawn_at is not null limit \(limit)))
            """
        ).affectedCount
    }
}
