import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// What earlier lines of the same file came to in its preview: later lines are judged by it, as they will be when it is
/// committed.
struct ImportSeen: Sendable {
    var known: [EventIdentity: KnownIdentity] = [:]
    /// Of what would be accepted.
    var answerHashes: Set<[UInt8]> = []
    var waitingCount = 0

    static func answerHash(of submission: Submission, _ contentKey: ContentKey) -> [UInt8] {
        contentKey.line([
            submission.experiment.lowercase, submission.pseudonym, submission.instrument, submission.occasion,
        ])
    }

    static func read(
        for messages: [InboundMessage], of id: UUID, _ contentKey: ContentKey, in session: some PostgresSession
    ) async throws(PostgresError) -> ImportSeen {
        let identities = Dictionary(messages.map { ($0.identity.id, $0.identity) }) { first, _ in first }
        var seen = ImportSeen()
        let events = try await session.query(
            """
            select event_id, content_hash, outcome, reason from import_seen
            where import = \(id) and event_id = any(\(identities.keys.sorted()))
            """)
        for row in events {
            guard let identity = identities[try row.get("event_id")] else { continue }
            seen.known[identity] = KnownIdentity(
                contentHash: try row.get("content_hash"), outcome: try row.get("outcome"),
                reason: try row.get("reason"), response: nil)
        }
        let hashes = messages.compactMap(\.submission).map { answerHash(of: $0, contentKey) }
        let answers = try await session.query(
            "select answer_hash from import_seen where import = \(id) and answer_hash = any(\(hashes))")
        for row in answers { seen.answerHashes.insert(try row.get("answer_hash")) }
        let waiting = try await session.query(
            """
            select coalesce(sum(waiting), 0) as waiting from import_ranges
            where import = \(id) and phase = 'preview'
            """)
        seen.waitingCount = try waiting.first?.get("waiting") ?? 0
        return seen
    }

    /// Notes what a step decided.
    static func write(
        _ receipts: [Int: FeedbackSubmission.Receipt], of messages: [InboundMessage], to id: UUID,
        _ contentKey: ContentKey, in session: some PostgresSession
    ) async throws(PostgresError) {
        // Those do not use up the event's name.
        let forgotten: Set = [Refusal.Reason.identityConflict.rawValue, Refusal.Reason.tooManyWaiting.rawValue]
        var (events, hashes, outcomes): ([String], [[UInt8]], [String]) = ([], [], [])
        var (reasons, answers): ([String?], [[UInt8]?]) = ([], [])
        for (place, message) in messages.enumerated() {
            guard let receipt = receipts[place], receipt.outcome != .duplicate,
                !forgotten.contains(receipt.reason ?? "")
            else { continue }
            events.append(message.identity.id)
            hashes.append(message.contentHash)
            outcomes.append(receipt.outcome.rawValue)
            reasons.append(receipt.reason)
            let isAnswered = receipt.outcome == .accepted
            answers.append(isAnswered ? message.submission.map { answerHash(of: $0, contentKey) } : nil)
        }
        guard !events.isEmpty else { return }
        try await session.query(
            """
            insert into import_seen (import, event_id, content_hash, outcome, reason, answer_hash)
            select \(id), k.* from unnest(\(events), \(hashes), \(outcomes), \(reasons), \(answers)) as k
            on conflict do nothing
            """)
    }
}

extension IntakeStore {
    /// What would become of messages if they were settled now. Nothing is locked and nothing written.
    /// - Parameter messages: each with its ``InboundMessage/answerPlace``.
    func preview(
        _ messages: [InboundMessage], after seen: ImportSeen, in session: some PostgresSession
    ) async throws -> [Int: FeedbackSubmission.Receipt] {
        let reader = IntakeFactsReader(session: session)
        let submissions = messages.compactMap(\.submission)
        let look = try await reader.look(at: messages)
        let known = look.known.merging(seen.known) { stored, _ in stored }
        var judge = look.judge
        judge.instruments = try await instruments.catalogue(for: submissions, judge.experiments, in: session)
        judge.events = known.mapValues(\.event)
        for submission in submissions
        where seen.answerHashes.contains(ImportSeen.answerHash(of: submission, contentKey)) {
            guard let participant = judge.participants[submission.participantKey]?.participant else { continue }
            let key = ResponseKey(
                participant: participant, instrument: submission.instrument, occasion: submission.occasion)
            judge.responses[key] = ResponseFacts(
                response: EventID.next(), version: 1, instrumentVersion: "", answeredAt: submission.answeredAt,
                publisher: submission.identity.publisher)
        }
        var publishers = look.publishers
        for name in publishers.keys { publishers[name]?.waitingCount += seen.waitingCount }
        var plan = IntakePlan(judge: judge, known: known, publishers: publishers)
        for message in messages { plan.add(message) }
        plan.finish()
        return plan.answers
    }
}
