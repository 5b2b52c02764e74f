import Events
import FundingDomain
import Postgres

import struct FoundationEssentials.UUID

/// Envelopes that stay locked until the end of the transaction, with what they hold: of those who race for the last
/// euro exactly one finds it.
struct LockedEnvelopes: Sendable {
    struct Envelope: Sendable {
        let call: UUID
        let purpose: EnvelopePurpose
        let availableCents: Int64
    }

    private let envelopes: [UUID: Envelope]

    /// Locks them in the order of their ids, as everybody does; of those that there are not comes nothing back.
    static func question(_ ids: [UUID]) -> PostgresQuery {
        """
        select e.id, e.call, e.kind, ledger_lock(e.id, 'available') as available_cents
        from (select id, call, kind from envelopes where id = any(\(ids)) order by id offset 0) e
        """
    }

    /// - Parameter rows: the answer to ``question(_:)``.
    init(_ rows: PostgresRows) throws(PostgresError) {
        var envelopes: [UUID: Envelope] = [:]
        for row in rows {
            guard let availableCents = try row.get("available_cents", as: Int64?.self) else { continue }
            envelopes[try row.get("id")] = Envelope(
                call: try row.get("call"), purpose: try row.get("kind"), availableCents: availableCents)
        }
        self.envelopes = envelopes
    }

    subscript(_ id: UUID) -> Envelope? { envelopes[id] }
}
