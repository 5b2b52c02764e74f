import CLibPQ
import ConnectionLoop

/// COPY on one connection. Its steps are requests like any other, but they belong together: whoever began holds the
/// connection's turn until ``endCopying()``.
extension PostgresConnection {
    /// Rows are handed on in pieces of about this size.
    static let copyChunkBytes = 64 << 10

    /// Those of the commands whose columns' types were not yet found to be the table's.
    func unchecked(_ commands: [String]) -> Set<String> { Set(commands).subtracting(copyCommands) }
    func noteCheck(of command: String) { copyCommands.insert(command) }

    /// Takes the turn and sends the command.
    func beginCopying(
        _ command: String, expecting way: Answer.Copy, in transaction: TransactionToken?, timeout: Duration
    ) async throws(PostgresError) {
        await takeTurn()
        do throws(PostgresError) {
            try await begin(transaction)
            let answer = try await copyStep(.copyStart(command), timeout: timeout)
            guard answer.copy == way else {
                // A way that we did not ask for: nobody would take or send the rows.
                lose()
                throw PostgresError(.configuration, reason: "the server began another COPY than was asked for")
            }
        } catch {
            giveTurn()
            throw error
        }
    }

    /// Hands rows to the server; returns when the socket has taken them.
    func write(_ bytes: [UInt8], timeout: Duration) async throws(PostgresError) {
        _ = try await copyStep(.copyData(bytes), timeout: timeout)
    }

    /// - Returns: rows as they came; empty when there are no more.
    func readCopied(timeout: Duration) async throws(PostgresError) -> [UInt8] {
        guard isCopyingOut else { return [] }
        return try await copyStep(.copyRead, timeout: timeout).chunk
    }

    /// Ends a COPY to the server.
    /// - Returns: the number of rows.
    func finishWriting(
        isAborted: Bool, in transaction: TransactionToken?, timeout: Duration
    ) async throws(PostgresError) -> Int {
        let request = Request(
            work: .copyEnd(isAborted: isAborted), timeout: timeout, isCancellable: false,
            codeWhenLost: transaction == nil && !isAborted ? .commitUnknown : .connectionLost)
        return try await perform(request).get().rows.first?.affectedCount ?? 0
    }

    /// Gives the turn back. Rows that nobody read are stopped at their source first.
    func endCopying() async {
        if isCopyingOut {
            _ = await perform(
                Request(work: .copyDrain, timeout: .seconds(5), isCancellable: true, codeWhenLost: .connectionLost),
                evenIfCancelled: true)
        }
        giveTurn()
    }

    private func copyStep(_ work: Request.Work, timeout: Duration) async throws(PostgresError) -> Answer {
        let request = Request(work: work, timeout: timeout, isCancellable: true, codeWhenLost: .connectionLost)
        return try await perform(request).get()
    }

    /// Puts rows into their tables in a transaction.
    /// - Parameters:
    ///   - commands: a COPY for each table.
    ///   - rows: of each, as COPY takes them.
    func load(
        _ commands: [String], _ rows: [[UInt8]], in transaction: TransactionToken?
    ) async throws(PostgresError) {
        await takeTurn()
        defer { giveTurn() }
        try await begin(transaction)
        let request = Request(
            work: .load(commands: commands.joined(separator: ";"), rows: rows),
            timeout: configuration.statementTimeout, isCancellable: true, codeWhenLost: .connectionLost)
        _ = try await perform(request).get()
    }

    // MARK: The loop

    /// The server asks for the next table's rows.
    func load(_ rows: [[UInt8]], _ status: ExecStatusType) {
        guard let handle, let place = operation?.loadedCount, status == PGRES_COPY_IN, place < rows.count,
            put(rows[place], on: handle), PQputCopyEnd(handle, nil) == 1
        else { return lose() }
        operation?.loadedCount += 1
        operation?.isFlushed = false
        if !flush(handle) { lose() }
    }

    /// The server has begun a COPY.
    func beginCopying(_ status: ExecStatusType) {
        guard case .copyStart = operation?.request.work, status != PGRES_COPY_BOTH else {
            operation?.failure = PostgresError(.configuration, reason: "COPY has functions of its own")
            operation?.phase = .complete
            return lose()
        }
        isCopyingOut = status == PGRES_COPY_OUT
        operation?.answer.copy = isCopyingOut ? .goesOut : .goesIn
        complete()
    }

    func put(_ bytes: [UInt8], on handle: OpaquePointer) -> Bool {
        bytes.withUnsafeBytes { bytes in
            PQputCopyData(handle, bytes.assumingMemoryBound(to: CChar.self).baseAddress, Int32(bytes.count)) == 1
        }
    }

    /// Takes rows until the piece is full or no more have come.
    /// - Returns: whether there is something else to collect.
    func collectCopiedRows(_ handle: OpaquePointer) -> Bool {
        let isKept = if case .copyRead = operation?.request.work { true } else { false }
        var pointer: UnsafeMutablePointer<CChar>?
        while operation.map({ $0.answer.chunk.count < Self.copyChunkBytes }) ?? false {
            switch PQgetCopyData(handle, &pointer, 1) {
            case let count where count > 0:
                if isKept {
                    let row = UnsafeRawBufferPointer(start: pointer, count: Int(count))
                    operation?.answer.chunk.append(contentsOf: row)
                }
                PQfreemem(pointer)
            case 0:
                if operation?.answer.chunk.isEmpty == false { complete() }
                return false
            case -1:
                // The rows are through; whether all went well comes with the result.
                operation?.phase = .results
                return true
            default:
                lose()
                return false
            }
        }
        complete()
        return false
    }

    /// Rows that nobody asked for stay in the socket, so that a slow reader slows the server down instead of filling
    /// our memory. The loop must not look at the socket either, or it would turn without end.
    func pauseReading() { attach(descriptor: -1) }

    func resumeReading(_ handle: OpaquePointer) -> Bool {
        attach(descriptor: PQsocket(handle))
        return true
    }

    private func attach(descriptor: Int32) {
        loop.attach(descriptor: descriptor) { [weak self] in
            self?.assumeIsolated { $0.tick() } ?? -1
        }
    }
}
