import Events
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Everything that happened to an agreement: its grant, its tranches, its payments and what came back of them, in the
/// order of our log.
enum AgreementHistory {
    struct Step: Sendable {
        let position: Int64
        let event: UUID
        let type: String
        let subject: String
        /// Business time.
        let at: Date
        /// Subject of the principal, or the service's name for what it did by itself.
        let actor: String
        /// nil for an event of a newer version.
        let words: BusinessWords?
    }

    /// - Parameter after: the position behind which a page begins.
    static func steps(
        of agreement: UUID, after: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [Step] {
        let rows = try await session.query(
            """
            with subjects(stream, subject) as (
                select noun, \(agreement.lowercase) from unnest(array['agreement', 'experiment-agreement']) as noun
                union all select 'grant', grant_id::text from agreements where id = \(agreement)
                union all select 'tranche', id::text from tranches where agreement = \(agreement)
                union all
                select 'expense-statement', id::text from expense_statements where agreement = \(agreement)
                union all
                select 'payment', p.id::text from payments p join tranches t on t.id = p.tranche
                where t.agreement = \(agreement)
                union all
                select 'recovery', r.id::text from recoveries r join payments p on p.id = r.payment
                join tranches t on t.id = p.tranche where t.agreement = \(agreement)
            )
            select e.position, e.id, e.type, e.subject, e.time, e.actor, e.data
            from subjects s join events e on e.stream = s.stream and e.subject = s.subject
            where e.position > \(after)
            order by e.position limit \(limit)
            """)
        return try rows.map { row in
            let type = try row.get("type", as: String.self)
            return Step(
                position: try row.get("position"), event: try row.get("id"), type: type,
                subject: try row.get("subject"), at: try row.get("time"), actor: try row.get("actor"),
                words: EventWords.of(type, data: Array(try row.get("data", as: String.self).utf8)))
        }
    }
}
