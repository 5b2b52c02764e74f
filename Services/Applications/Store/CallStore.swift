import ApplicationsDomain
import Events
import FoundationEssentials
import Outbox
import Postgres

/// Calls and the order in which they were published.
struct CallStore: Sendable {
    func insert(_ call: Call, context: CommandContext, in session: some PostgresSession) async throws {
        try await session.query(
            """
            insert into calls (id, version, wave, title, opens_at, deadline, grace_until, places_target,
                animation_envelope_cents, experiments_envelope_cents, published_by, published_at)
            values (\(call.id), \(call.version), \(call.wave), \(call.title), \(call.opensAt), \(call.deadline),
                \(call.graceUntil), \(call.placesTarget), \(call.animationEnvelopeCents),
                \(call.experimentsEnvelopeCents), \(context.actor), \(context.now))
            """)
        let event = CallPublished(
            call: call.id, wave: call.wave, title: call.title, opensAt: call.opensAt, deadline: call.deadline,
            graceUntil: call.graceUntil, placesTarget: call.placesTarget,
            animationEnvelopeCents: call.animationEnvelopeCents,
            experimentsEnvelopeCents: call.experimentsEnvelopeCents)
        try await EventLog.append([context.event(event, about: call.id)], in: session)
    }

    func find(_ id: UUID, in session: some PostgresSession) async throws -> Call? {
        try await session.query(
            """
            select id as call, version as call_version, wave, title as call_title, opens_at, deadline, grace_until,
                places_target, animation_envelope_cents, experiments_envelope_cents
            from calls where id = \(id)
            """
        ).first.map(Call.init(row:))
    }

    /// In the order of publication.
    /// - Returns: at most `limit` calls behind the position, each with its own.
    func list(
        after position: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [(position: Int64, call: Call)] {
        try await session.query(
            """
            select position, id as call, version as call_version, wave, title as call_title, opens_at, deadline,
                grace_until, places_target, animation_envelope_cents, experiments_envelope_cents
            from calls where position > \(position) order by position limit \(limit)
            """
        ).map { (try $0.get("position"), try Call(row: $0)) }
    }

    /// Puts the rankings of a call into one line: who gives a rank holds this until the end of the transaction. Weak
    /// enough for drafts of the call to be created meanwhile.
    func lockRanking(_ id: UUID, in session: some PostgresSession) async throws {
        try await session.query("select id from calls where id = \(id) for no key update")
    }
}

extension Call {
    /// A row with the columns of `calls`, `id`, `version` and `title` being called `call`, `call_version` and
    /// `call_title`.
    init(row: PostgresRow) throws {
        let command = PublishCall(
            wave: try row.get("wave"), title: try row.get("call_title"),
            window: (try row.get("opens_at"), try row.get("deadline"), try row.get("grace_until")),
            placesTarget: try row.get("places_target"),
            envelopeCents: (try row.get("animation_envelope_cents"), try row.get("experiments_envelope_cents")))
        self.init(command, id: try row.get("call"), version: try row.get("call_version"))
    }
}
