import Crypto
import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// What becomes known about an event's identity.
struct IdentityRow: Sendable {
    let identity: EventIdentity
    let key: UUID
    /// Empty where the identity is known and keeps its own.
    var contentHash: [UInt8] = []
    let outcome: KnownIdentity.Outcome
    var refusal: Refusal?
    /// That the event belongs to.
    var response: UUID?
    var version: Int?

    /// In one order for all writers, so that two of them never wait for each other.
    static func rows(of plan: IntakePlan) -> [IdentityRow] {
        var rows: [IdentityRow] = []
        rows.reserveCapacity(plan.waits.count + plan.refusals.count + plan.responses.count)
        for wait in plan.waits {
            let message = wait.message
            rows.append(
                IdentityRow(
                    identity: message.identity, key: message.key, contentHash: message.contentHash, outcome: .waiting))
        }
        for refusal in plan.refusals where refusal.isRemembered {
            let message = refusal.message
            rows.append(
                IdentityRow(
                    identity: message.identity, key: message.key, contentHash: message.contentHash, outcome: .refused,
                    refusal: refusal.refusal, response: refusal.response))
        }
        for response in plan.responses {
            guard case .event(let key, let contentHash) = response.origin else { continue }
            rows.append(
                IdentityRow(
                    identity: response.submission.identity, key: key, contentHash: contentHash, outcome: .accepted,
                    response: response.accepted.response, version: response.accepted.version))
        }
        return inOrder(rows)
    }

    /// By their keys; of several for one event the last.
    static func inOrder(_ rows: [IdentityRow]) -> [IdentityRow] {
        // The places are sorted and not the rows, which are many times as large.
        let order = rows.indices.map { (key: OrderedKey(rows[$0].key), place: $0) }
            .sorted { ($0.key, $0.place) < ($1.key, $1.place) }
        return order.enumerated().compactMap { number, row in
            let isLast = number + 1 == order.count || order[number + 1].key != row.key
            return isLast ? rows[row.place] : nil
        }
    }
}

/// An identifier in the database's order, compared by whole words.
struct OrderedKey: Comparable {
    private let high: UInt64
    private let low: UInt64

    init(_ key: UUID) { (high, low) = key.words }

    static func < (left: OrderedKey, right: OrderedKey) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

struct IdentityRowColumns {
    private var keys = PostgresArray(.uuid)
    private var publishers = PostgresArray(.text)
    private var sources = PostgresArray(.text)
    private var ids = PostgresArray(.text)
    private var hashes = PostgresArray(.bytea)
    private var outcomes = PostgresArray(.text)
    private var reasons = PostgresArray(.text)
    private var fields = PostgresArray(.text)
    private var mends = PostgresArray(.text)
    private var responses = PostgresArray(.uuid)
    private var versions = PostgresArray(.int4)

    var count: Int { keys.count }
    var isEmpty: Bool { count == 0 }

    init(_ rows: [IdentityRow]) {
        for row in rows {
            keys.append(uuid: row.key)
            publishers.append(text: row.identity.publisher)
            sources.append(text: row.identity.source)
            ids.append(text: row.identity.id)
            row.contentHash.withUnsafeBytes { hashes.append(bytes: $0) }
            outcomes.append(text: row.outcome.rawValue)
            reasons.append(optional: row.refusal?.reason.rawValue)
            fields.append(optional: row.refusal?.field)
            mends.append(optional: row.refusal?.mend)
            responses.append(optional: row.response)
            versions.append(optional: row.version)
        }
    }

    var new: PostgresTableRows {
        PostgresTableRows(
            "identities",
            [
                "key": keys, "publisher": publishers, "source": sources, "event_id": ids, "content_hash": hashes,
                "outcome": outcomes, "reason": reasons, "field": fields, "mend": mends, "response": responses,
                "version": versions,
            ])
    }

    var update: PostgresQuery {
        """
        update identities as i set outcome = k.outcome, reason = k.reason, field = k.field, mend = k.mend,
            response = k.response, version = k.version, content_hash = coalesce(nullif(k.hash, ''), i.content_hash)
        from unnest(
            \(keys), \(hashes), \(outcomes), \(reasons), \(fields), \(mends), \(responses), \(versions))
            as k (key, hash, outcome, reason, field, mend, response, version)
        where i.key = k.key
        """
    }
}

struct ResponseColumns {
    private var experiments = PostgresArray(.uuid)
    private var participants = PostgresArray(.uuid)
    private var instruments = PostgresArray(.text)
    private var occasions = PostgresArray(.text)
    private var responses = PostgresArray(.uuid)
    private var versions = PostgresArray(.int4)
    private var states = PostgresArray(.text)
    private var instrumentVersions = PostgresArray(.text)
    private var times = PostgresArray(.timestamptz)
    private var publishers = PostgresArray(.text)

    var count: Int { responses.count }
    var isEmpty: Bool { count == 0 }

    init(_ planned: some Sequence<PlannedResponse>) {
        for response in planned {
            experiments.append(uuid: response.submission.experiment)
            participants.append(uuid: response.accepted.participant)
            instruments.append(text: response.submission.instrument)
            occasions.append(text: response.submission.occasion)
            responses.append(uuid: response.accepted.response)
            versions.append(int4: Int32(clamping: response.accepted.version))
            states.append(text: response.accepted.standing.rawValue)
            instrumentVersions.append(text: response.accepted.instrumentVersion)
            times.append(date: response.submission.answeredAt)
            publishers.append(text: response.submission.identity.publisher)
        }
    }

    var new: PostgresTableRows {
        PostgresTableRows(
            "responses",
            [
                "experiment": experiments, "participant": participants, "instrument": instruments,
                "occasion": occasions, "response": responses, "version": versions, "state": states,
                "instrument_version": instrumentVersions, "answered_at": times, "publisher": publishers,
                "touched_at": times,
            ])
    }

    var upsert: PostgresQuery {
        """
        insert into responses as r (experiment, participant, instrument, occasion, response, version, state,
            instrument_version, answered_at, publisher, touched_at)
        select *, k.answered_at from unnest(
            \(experiments), \(participants), \(instruments), \(occasions), \(responses), \(versions), \(states),
            \(instrumentVersions), \(times), \(publishers))
            as k (experiment, participant, instrument, occasion, response, version, state, instrument_version,
                answered_at, publisher)
        on conflict (experiment, participant, instrument, occasion) do update
            set version = excluded.version, state = excluded.state, instrument_version = excluded.instrument_version,
                answered_at = excluded.answered_at, publisher = excluded.publisher,
                touched_at = greatest(r.touched_at, excluded.touched_at), recorded_at = excluded.recorded_at
            where r.response = excluded.response and r.version < excluded.version
        """
    }
}

/// Versions of responses, each with the event that made it and what was said. One that another transaction made is
/// left as it is: the response's own row tells that it was overtaken.
struct ResponseValueColumns {
    private var responses = PostgresArray(.uuid)
    private var versions = PostgresArray(.int4)
    private var events = PostgresArray(.uuid)
    private var publishers = PostgresArray(.text)
    private var times = PostgresArray(.timestamptz)
    private var amended = PostgresArray(.text)
    private var retractions = PostgresArray(.bool)
    private var salts = PostgresArray(.text)
    private var scores = PostgresArray(.int4)
    private var scales = PostgresArray(.text)
    private var valueSets = PostgresArray(.text)
    private var masked = PostgresArray(.int4)
    private var answers = PostgresArray(.text)
    private var comments = PostgresArray(.text)
    private var logEvents = PostgresArray(.uuid)
    private var givers = PostgresArray(.text)

    var count: Int { responses.count }
    var isEmpty: Bool { count == 0 }

    init(_ planned: some Sequence<PlannedResponse>, told: ResponseEvents) {
        for response in planned {
            let submission = response.submission
            responses.append(uuid: response.accepted.response)
            versions.append(int4: Int32(clamping: response.accepted.version))
            events.append(optional: response.event)
            publishers.append(optional: response.event == nil ? nil : submission.identity.publisher)
            times.append(date: submission.answeredAt)
            amended.append(optional: submission.amends)
            retractions.append(bool: submission.isRetraction)
            salts.append(optional: response.seal?.salt)
            scores.append(optional: response.accepted.scores.main)
            scales.append(optional: response.accepted.scalesText)
            valueSets.append(optional: response.seal.flatMap { _ in response.accepted.scores.valueSet })
            masked.append(int4: Int32(clamping: submission.comment.map { IdentifierMask.count(in: $0) } ?? 0))
            answers.append(optional: response.seal.map { _ in AnswerText.of(submission.answers) })
            comments.append(optional: response.seal.flatMap { _ in submission.comment })
            logEvents.append(optional: told.id(of: response))
            givers.append(optional: response.event == nil ? submission.identity.publisher : nil)
        }
    }

    var new: PostgresTableRows {
        PostgresTableRows(
            "response_values",
            [
                "response": responses, "version": versions, "event": events, "publisher": publishers,
                "answered_at": times, "amends": amended, "is_retraction": retractions, "salt": salts, "score": scores,
                "scales": scales, "value_set": valueSets, "masked_count": masked, "answers": answers,
                "comment": comments, "log_event": logEvents, "given_by": givers,
            ])
    }
}

struct QuarantineColumns {
    private var publishers = PostgresArray(.text)
    private var hashes = PostgresArray(.bytea)
    private var bodies = PostgresArray(.bytea)
    private var byteCounts = PostgresArray(.int8)
    private var experiments = PostgresArray(.uuid)
    private var instruments = PostgresArray(.text)
    private var contents = PostgresArray(.bytea)
    private var clocks = PostgresArray(.timestamptz)
    private var sources = PostgresArray(.text)
    private var ids = PostgresArray(.text)
    private var reasons = PostgresArray(.text)
    private var fields = PostgresArray(.text)
    private var mends = PostgresArray(.text)
    private var erasures = PostgresArray(.bool)

    init(_ refusals: [PlannedRefusal]) {
        let hashed = refusals.map { ($0, Self.hash(of: $0.message)) }
        // In one order for all writers, as the identities.
        for (refusal, hash) in hashed.sorted(by: { $0.1.lexicographicallyPrecedes($1.1) }) {
            let message = refusal.message
            publishers.append(text: message.publisher)
            hash.withUnsafeBytes { hashes.append(bytes: $0) }
            let kept = refusal.isErased ? [] : KeptCopy.bytes(of: message)
            kept.withUnsafeBytes { bodies.append(bytes: $0) }
            byteCounts.append(int8: Int64(message.body.count))
            if let experiment = message.submission?.experiment {
                experiments.append(uuid: experiment)
            } else {
                experiments.appendNull()
            }
            instruments.append(optional: message.submission?.instrument)
            message.contentHash.withUnsafeBytes { contents.append(bytes: $0) }
            clocks.append(date: message.clockAt)
            sources.append(optional: message.isIdentified ? message.identity.source : nil)
            ids.append(optional: message.isIdentified ? message.identity.id : nil)
            reasons.append(text: refusal.refusal.reason.rawValue)
            fields.append(optional: refusal.refusal.field)
            mends.append(text: refusal.refusal.mend)
            erasures.append(bool: refusal.isErased)
        }
    }

    /// The content's own hash has a key, so that nobody finds the content by this one.
    private static func hash(of message: InboundMessage) -> [UInt8] {
        let name = [message.identity.source, message.identity.id].map { "\($0.utf8.count):\($0)" }.joined()
        return Array(SHA256.hash(data: Array(name.utf8) + message.contentHash))
    }

    var insert: PostgresQuery {
        """
        insert into quarantine (publisher, body_hash, body, byte_count, experiment, instrument, content_hash, clock_at,
            source, event_id, reason, field, mend, erased_at)
        select k.publisher, k.body_hash, k.body, k.byte_count, k.experiment, k.instrument, k.content_hash, k.clock_at,
            k.source, k.event_id, k.reason, k.field, k.mend, case when k.is_erased then clock_timestamp() end
        from unnest(
            \(publishers), \(hashes), \(bodies), \(byteCounts), \(experiments), \(instruments), \(contents),
            \(clocks), \(sources), \(ids), \(reasons), \(fields), \(mends), \(erasures))
            as k (publisher, body_hash, body, byte_count, experiment, instrument, content_hash, clock_at, source,
                event_id, reason, field, mend, is_erased)
        on conflict do nothing
        returning publisher, reason not in ('identity-conflict', 'too-many-waiting') as is_remembered
        """
    }
}

/// What waits; one that waits already is told by its identity.
struct WaitColumns {
    private var keys = IdentityColumns()
    private var dependencies = PostgresArray(.text)
    private var bodies = PostgresArray(.bytea)
    private var clocks = PostgresArray(.timestamptz)

    var isEmpty: Bool { keys.isEmpty }

    init(_ waits: [PlannedWait]) {
        for wait in waits {
            keys.append(wait.message.identity)
            dependencies.append(text: wait.dependency.key)
            KeptCopy.bytes(of: wait.message).withUnsafeBytes { bodies.append(bytes: $0) }
            clocks.append(date: wait.message.clockAt)
        }
    }

    var insert: PostgresQuery {
        """
        insert into waiting (publisher, source, event_id, waits_for, body, clock_at)
        select * from unnest(
            \(keys.publishers), \(keys.sources), \(keys.ids), \(dependencies), \(bodies), \(clocks))
        on conflict do nothing
        """
    }
}

extension AcceptedResponse {
    /// As JSON; nil when there is no scale beside the main one.
    fileprivate var scalesText: String? {
        guard !scores.further.isEmpty else { return nil }
        // Names of scales are letters, digits and three marks: nothing of them has to be escaped.
        let members = scores.further.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        return "{\(members.joined(separator: ","))}"
    }
}

extension PostgresArray {
    mutating func append(optional number: Int?) {
        if let number { append(int4: Int32(clamping: number)) } else { appendNull() }
    }

    mutating func append(optional id: UUID?) {
        if let id { append(uuid: id) } else { appendNull() }
    }

    mutating func append(optional text: String?) {
        if let text { append(text: text) } else { appendNull() }
    }
}
