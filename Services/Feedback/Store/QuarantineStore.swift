import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres

/// Which refused messages.
struct QuarantineChoice: Sendable {
    let publisher: String
    /// Empty for all.
    var reasons: [String] = []
    /// Their positions; empty for all.
    var positions: [Int64] = []
}

/// Who has messages judged again, and why.
struct RerunOrder: Sendable {
    let run: UUID
    let requestedBy: String
    let why: String
    /// Does the same and undoes it.
    let isRehearsal: Bool
}

/// What became of a message that was judged once more.
struct RerunOutcome: Sendable, Equatable {
    enum End: Sendable, Equatable {
        case accepted
        case waiting
        /// It was sent again meanwhile.
        case duplicate
        case refused(String)
        /// Refused as before; nobody is told.
        case unchanged
        /// It makes the database fail.
        case failed
        /// It was settled meanwhile.
        case gone

        var text: String {
            switch self {
            case .accepted: "accepted"
            case .waiting: "waiting"
            case .duplicate: "duplicate"
            case .refused(let reason): "refused: \(reason)"
            case .unchanged: "unchanged"
            case .failed: "failed"
            case .gone: "gone"
            }
        }
    }

    let position: Int64
    let end: End
}

/// Judges refused messages once more, after a fault of ours was mended: through the intake, as if they had come today,
/// but with the time of their arrival. Done twice, it changes nothing the second time.
struct QuarantineStore: Sendable {
    /// Of advisory locks with two numbers.
    private static let namespace: Int32 = 20_262

    let intake: IntakeStore

    /// The next positions that can be judged again, oldest first. Lines of files that never became an event are not
    /// among them: they are no messages, and their publisher has the file.
    func candidates(_ choice: QuarantineChoice, after: Int64, limit: Int) async throws(PostgresError) -> [Int64] {
        let rows = try await intake.pool.query(
            """
            select position from quarantine
            where publisher = \(choice.publisher) and position > \(after)
                and reason = any(\(choice.reasons.isEmpty ? Refusal.Reason.rerunnable : choice.reasons))
                -- Of a longer message only the beginning is kept, and nothing of one that was erased.
                and byte_count <= \(FeedbackSubmission.byteCountMax) and erased_at is null and octet_length(body) > 0
                and not (coalesce(source, '') like 'urn:maillage:import:%' and coalesce(event_id, '') like 'line-%')
                and (\(choice.positions.isEmpty) or position = any(\(choice.positions)))
            order by position limit \(limit)
            """)
        var positions: [Int64] = []
        for row in rows { positions.append(try row.get("position")) }
        return positions
    }

    /// How many lie there, by reason.
    func counts(of publisher: String) async throws(PostgresError) -> [(reason: String, count: Int)] {
        let rows = try await intake.pool.query(
            """
            select reason, count(*) as n from quarantine where publisher = \(publisher)
            group by reason order by n desc, reason
            """)
        var counts: [(reason: String, count: Int)] = []
        for row in rows { counts.append((try row.get("reason"), try row.get("n"))) }
        return counts
    }

    /// Each transaction is committed by itself. What makes the database fail is searched by halving and left as it is.
    func rerun(_ positions: [Int64], of publisher: String, _ order: RerunOrder) async throws -> [RerunOutcome] {
        guard !positions.isEmpty else { return [] }
        do {
            return try await attempt(positions, of: publisher, order)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
            if positions.count == 1 { return positions.map { RerunOutcome(position: $0, end: .failed) } }
        }
        let middle = positions.count / 2
        return try await rerun(Array(positions[..<middle]), of: publisher, order)
            + rerun(Array(positions[middle...]), of: publisher, order)
    }

    private struct Rehearsed: Error {
        let outcomes: [RerunOutcome]
    }

    private func attempt(
        _ positions: [Int64], of publisher: String, _ order: RerunOrder
    ) async throws -> [RerunOutcome] {
        let cause = EventCause(correlationID: order.run.lowercase)
        do {
            return try await intake.pool.withTransaction { transaction in
                try await transaction.query(
                    "select pg_advisory_xact_lock(\(Self.namespace), hashtext(\(publisher)))")
                let first = try await messages(positions, of: publisher, in: transaction)
                try await ExperimentLocks.take(first.compactMap(\.submission?.experiment), in: transaction)
                // What was settled while we waited for the locks is gone.
                let messages = try await messages(positions, of: publisher, in: transaction)
                let plan = try await intake.settle(messages, cause: cause, in: transaction)
                let outcomes = Self.outcomes(positions, messages, plan)
                if order.isRehearsal { throw Rehearsed(outcomes: outcomes) }
                try await log(outcomes, of: publisher, order, in: transaction)
                return outcomes
            }
        } catch let rehearsed as Rehearsed {
            return rehearsed.outcomes
        }
    }

    /// Those whose identity was given to another event meanwhile are left out.
    private func messages(
        _ positions: [Int64], of publisher: String, in session: some PostgresSession
    ) async throws(PostgresError) -> [InboundMessage] {
        let rows = try await session.query(
            """
            select q.position, q.reason, q.publisher, q.body, q.clock_at, q.source, q.event_id,
                i.outcome = 'refused' and i.reason = q.reason as holds_identity
            from quarantine as q left join identities as i
                on i.key = identity_key(q.publisher, q.source, q.event_id)
            where q.position = any(\(positions)) and q.publisher = \(publisher) and q.erased_at is null
                and (i.publisher is null or i.outcome = 'refused' and i.reason = q.reason
                    or q.reason = 'too-many-waiting')
            order by q.position
            """)
        var messages: [InboundMessage] = []
        for row in rows {
            let body: [UInt8] = try row.get("body")
            let isNamed = try row.get("event_id", as: String?.self) != nil
            let clockAt: Date = try row.get("clock_at")
            var message =
                isNamed
                ? intake.reader.read(body, as: try EventIdentity(row), clockAt: clockAt)
                : intake.reader.read(body, publisher: publisher, clockAt: clockAt)
            let isHeld = try row.get("holds_identity", as: Bool?.self) ?? false
            message.quarantined = QuarantinePlace(
                position: try row.get("position"), holdsIdentity: isNamed ? isHeld : !message.isIdentified,
                reason: try row.get("reason"), bodyHash: intake.contentKey.hash(body, of: .event))
            messages.append(message)
        }
        return messages
    }

    private static func outcomes(
        _ positions: [Int64], _ messages: [InboundMessage], _ plan: IntakePlan
    ) -> [RerunOutcome] {
        let released = Set(plan.releasedPositions)
        var ends: [Int64: RerunOutcome.End] = [:]
        for message in messages {
            guard let position = message.quarantined?.position else { continue }
            ends[position] = released.contains(position) ? .duplicate : .unchanged
        }
        for refusal in plan.refusals {
            guard let position = refusal.message.quarantined?.position else { continue }
            ends[position] = .refused(refusal.refusal.reason.rawValue)
        }
        for wait in plan.waits {
            if let position = wait.message.quarantined?.position { ends[position] = .waiting }
        }
        let accepted = Set(plan.responses.compactMap(\.event))
        for message in messages where accepted.contains(message.key) {
            guard let position = message.quarantined?.position, ends[position] == .duplicate else { continue }
            ends[position] = .accepted
        }
        return positions.map { RerunOutcome(position: $0, end: ends[$0] ?? .gone) }
    }

    private func log(
        _ outcomes: [RerunOutcome], of publisher: String, _ order: RerunOrder, in session: some PostgresSession
    ) async throws(PostgresError) {
        try await session.query(
            """
            insert into quarantine_reruns (run, publisher, requested_by, why, positions, outcomes)
            values (\(order.run), \(publisher), \(order.requestedBy), \(order.why), \(outcomes.map(\.position)),
                \(outcomes.map(\.end.text)))
            """)
    }
}

extension Refusal.Reason {
    /// Those of which everything that they were judged by is kept. Headers are not, nor what could tell who a person
    /// is; of a long message only the beginning; and a name that another event has is not given to a second.
    static let rerunnable = Set(allCases)
        .subtracting([
            .malformedHeaders, .forbiddenIdentifier, .tooLarge, .identityConflict, .malformedLine,
            .unknownEstablishment,
        ]).map(\.rawValue).sorted()
}
