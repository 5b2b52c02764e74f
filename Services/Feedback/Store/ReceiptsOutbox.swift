import Events
import FeedbackDomain
import FoundationEssentials
import Postgres

/// A message of receipts on its way to a publisher.
struct ReceiptsMessage: Sendable {
    let position: Int64
    let publisher: String
    let id: UUID
    let body: [UInt8]
}

/// Receipts have a lane of their own: a publisher that does not read its receipts holds up nobody.
enum ReceiptsOutbox {
    /// The CloudEvents message around a batch of receipts.
    private struct Envelope: WireWritable {
        let specversion = "1.0"
        let id: String
        let source = EventOwner.feedback.source
        let type = FeedbackSubmission.receipts
        let time: Date
        let datacontenttype = "application/json"
        let data: FeedbackSubmission.Receipts

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.key("data")
                data.write(to: &writer)
                writer.member("datacontenttype", datacontenttype)
                writer.member("id", id)
                writer.member("source", source)
                writer.member("specversion", specversion)
                writer.member("time", time)
                writer.member("type", type)
            }
        }
    }

    /// Appends receipts, in the order given, in messages of up to 200 for each publisher.
    static func append(
        _ receipts: [(publisher: String, receipt: FeedbackSubmission.Receipt)], time: Date,
        in session: some PostgresSession
    ) async throws {
        // Whoever answers on a page is told by the page.
        let receipts = receipts.filter { $0.publisher != PagesPublisher.name }
        guard !receipts.isEmpty else { return }
        var publishers = PostgresArray(.text)
        var ids = PostgresArray(.uuid)
        var bodies = PostgresArray(.bytea)
        for (publisher, group) in Dictionary(grouping: receipts, by: \.publisher).sorted(by: { $0.key < $1.key }) {
            let all = group.map(\.receipt)
            for range in EventSplit.receipts.ranges(byteCounts: all.map(byteCountMax)) {
                let id = EventID.next()
                let body = try WireCoding.encode(
                    Envelope(
                        id: id.lowercase, time: time,
                        data: FeedbackSubmission.Receipts(publisher: publisher, receipts: Array(all[range]))))
                publishers.append(text: publisher)
                ids.append(uuid: id)
                body.withUnsafeBytes { bodies.append(bytes: $0) }
            }
        }
        try await session.enqueue(
            """
            insert into receipts_outbox (publisher, message_id, body)
            select * from unnest(\(publishers), \(ids), \(bodies))
            """)
    }

    /// Takes the oldest messages for a while. A relay that dies with them leaves them to the others.
    static func claim(
        limit: Int, seconds: Int, in session: some PostgresSession
    ) async throws(PostgresError) -> [ReceiptsMessage] {
        let rows = try await session.query(
            """
            update receipts_outbox as o
            set claimed_until = clock_timestamp() + make_interval(secs => \(Double(seconds)))
            from (
                select position from receipts_outbox where claimed_until < clock_timestamp()
                order by position limit \(limit) for update skip locked
            ) as free
            where o.position = free.position
            returning o.position, o.publisher, o.message_id, o.body
            """)
        var messages: [ReceiptsMessage] = []
        for row in rows {
            messages.append(
                ReceiptsMessage(
                    position: try row.get("position"), publisher: try row.get("publisher"),
                    id: try row.get("message_id"),
                    body: try row.get("body")))
        }
        return messages.sorted { $0.position < $1.position }
    }

    static func delete(_ positions: [Int64], in session: some PostgresSession) async throws(PostgresError) {
        try await session.query("delete from receipts_outbox where position = any(\(positions))")
    }

    /// Leaves messages that the broker did not take for later, so that those behind them are not held up.
    static func postpone(
        _ positions: [Int64], seconds: Int, in session: some PostgresSession
    ) async throws(PostgresError) {
        try await session.query(
            """
            update receipts_outbox set claimed_until = clock_timestamp() + make_interval(secs => \(Double(seconds)))
            where position = any(\(positions))
            """)
    }

    /// Drops what no broker took for so long; every receipt can still be asked for over HTTP.
    static func expire(days: Int, in session: some PostgresSession) async throws(PostgresError) -> Int {
        try await session.query(
            "delete from receipts_outbox where created_at < clock_timestamp() - make_interval(days => \(Int32(days)))"
        ).affectedCount
    }

    private static func byteCountMax(_ receipt: FeedbackSubmission.Receipt) -> Int {
        96 + 2 * (receipt.source.utf8.count + receipt.id.utf8.count + (receipt.mend?.utf8.count ?? 0))
            + (receipt.reason?.utf8.count ?? 0) + (receipt.field?.utf8.count ?? 0)
    }
}
