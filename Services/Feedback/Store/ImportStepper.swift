import Events
import FeedbackDomain
import FoundationEssentials
import Outbox
import Postgres
import ServiceRuntime

/// Takes imports on, a step at a time: some lines are judged or settled, and where the next step begins is written in
/// the same transaction. Whoever dies, another goes on where the last commit ended.
struct ImportStepper: Sendable {
    /// What is kept of one phase; a file that is wrong from end to end needs no more to be told so.
    static let errorCountMax = 100_000
    /// A line with which so many steps ended that held no other is not looked at again.
    private static let attemptsMax = 12

    /// What is to be expected of the first line of a step.
    private enum Care {
        case none
        /// It makes the database fail.
        case poisoned
        /// It may have ended the process: not even its cells are read.
        case unread
    }

    let intake: IntakeStore
    /// Lines that are settled in one transaction.
    let lineCountMax: Int

    /// - Parameter id: of the import; nil for the one whose turn it is.
    /// - Returns: whether there was a step to take.
    func advance(_ id: UUID? = nil) async throws -> Bool {
        guard let id = if let id { id } else { try await due() } else { return false }
        guard let attempts = try await begin(id) else { return false }
        do {
            return try await search(id, attempts: attempts)
        } catch {
            // The others have their turn before this one is tried again.
            _ = try? await intake.pool.query(
                """
                update imports set stepped_at = clock_timestamp(), attempts = greatest(attempts - 1, 0)
                where import = \(id)
                """)
            throw error
        }
    }

    /// Notes that a step is begun; done, it takes two off and leaves no more than eight, so that steps grow again
    /// behind a line that was found, and a stop at the wrong moment does not make the next one look like it.
    /// - Returns: how many were begun and not ended, with this one; nil when there is nothing to do.
    private func begin(_ id: UUID) async throws(PostgresError) -> Int? {
        let rows = try await intake.pool.query(
            """
            update imports set attempts = attempts + 1
            where import = \(id) and state in ('previewing', 'committing') returning attempts
            """)
        guard let row = rows.first else { return nil }
        return Int(try row.get("attempts", as: Int32.self))
    }

    /// One that no other replica works on.
    private func due() async throws(PostgresError) -> UUID? {
        try await intake.pool.query(
            """
            select import from imports where state in ('previewing', 'committing')
            order by stepped_at limit 1 for update skip locked
            """
        ).first?.get("import")
    }

    /// All lines of a step together; if one of them makes the database fail, the first alone, and if it is that one, it
    /// is refused.
    ///
    /// A line that ends the process is searched by halving too, over the processes.
    private func search(_ id: UUID, attempts: Int) async throws -> Bool {
        guard attempts <= Self.attemptsMax else { return try await step(id, lineCountMax: 1, .unread) }
        do {
            return try await step(id, lineCountMax: max(1, lineCountMax >> (attempts - 1)))
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
        }
        do {
            return try await step(id, lineCountMax: 1)
        } catch {
            guard case .messages = IntakeFailure(error) else { throw error }
            return try await step(id, lineCountMax: 1, .poisoned)
        }
    }

    private func step(_ id: UUID, lineCountMax: Int, _ care: Care = .none) async throws -> Bool {
        try await intake.racing { transaction, _ in
            guard var work = try await ImportWork.lock(id, in: transaction) else { return false }
            try await take(&work, lineCountMax: lineCountMax, care, in: transaction)
            return true
        }
    }

    private func take(
        _ work: inout ImportWork, lineCountMax: Int, _ care: Care, in session: some PostgresSession
    ) async throws {
        let (bytes, isLast) = try await work.bytes(in: session)
        let beginning: ImportSheet.Beginning
        do throws(ImportRejection) {
            beginning = try work.beginning(bytes, isWhole: isLast)
        } catch { return try await work.reject(error, in: session) }
        let sheet = ImportSheet(work.mapping, header: beginning.header, charset: beginning.charset)
        var reader = CSVReader(separator: beginning.separator, from: beginning.place)
        reader.append(bytes.dropFirst(beginning.place.byte - work.place.byte))
        if isLast { reader.finish() }
        var lines: [ImportLine] = []
        do throws(CSVBreak) {
            while lines.count < lineCountMax, let record = try reader.next() {
                if !record.isBlank { lines.append(care == .unread ? ImportLine(unread: record) : sheet.read(record)) }
            }
        } catch { return try await work.reject(ImportRejection(error), in: session) }
        var messages = try work.origin.messages(of: lines, by: intake.reader, now: intake.clock.now())
        if care == .poisoned { messages = messages.map(\.poisoned) }
        let receipts = try await judge(messages, work, in: session)
        let findings = ImportFindings(receipts, of: lines, sheet: sheet, instruments: intake.instruments.known)
        let errorCount = try await findings.write(
            to: work.id, work.phase, errorCountMax: Self.errorCountMax - work.errorCount, in: session)
        work.errorCount += errorCount
        work.begin(beginning, at: reader.place)
        try await work.advance(isDone: reader.isAtEnd, now: intake.clock.now(), in: session)
    }

    private func judge(
        _ messages: [InboundMessage], _ work: ImportWork, in session: some PostgresSession
    ) async throws -> [Int: FeedbackSubmission.Receipt] {
        guard !messages.isEmpty else { return [:] }
        switch work.phase {
        case .preview:
            let seen = try await ImportSeen.read(
                for: messages, of: work.id, intake.contentKey, in: session)
            let receipts = try await intake.preview(messages, after: seen, in: session)
            try await ImportSeen.write(receipts, of: messages, to: work.id, intake.contentKey, in: session)
            return receipts
        case .commit:
            var told = messages
            for place in told.indices { told[place].isAnsweredTwice = true }
            let cause = EventCause(correlationID: work.id.lowercase)
            return try await intake.settle(told, cause: cause, in: session).answers
        }
    }
}
