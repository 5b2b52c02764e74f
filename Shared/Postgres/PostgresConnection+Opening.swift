import CLibPQ
import ConnectionLoop
import Glibc
import Synchronization

/// A connection that is being opened.
struct Opening {
    let number: UInt64
    let deadline: UInt64
    /// For messages.
    let server: String
    let continuation: CheckedContinuation<PostgresError?, Never>
    var interest: LoopExecutor.Interest
}

extension PostgresConnection {
    /// Connects and logs in, to the first server that answers and may do what the connection string asks for.
    /// - Throws: `.connectionRefused` with every server's reason, `.cancelled` or `.configuration`.
    static func open(
        _ configuration: PostgresConfiguration, metrics: PostgresMetrics, servers: ServerMemory = ServerMemory(),
        statementCountMax: Int = 256
    ) async throws(PostgresError) -> PostgresConnection {
        let candidates = try ConnectionParameters(configuration).servers()
        servers.remember(candidates)
        let connection = PostgresConnection(
            configuration: configuration, metrics: metrics, servers: servers, statementCountMax: statementCountMax)
        var refusals: [String] = []
        // The one that answered last goes first: another that swallows packets would cost every opening its time.
        for place in servers.order(of: candidates) {
            do throws(PostgresError) {
                try await connection.open(candidates[place])
                servers.answered(place)
                return connection
            } catch {
                guard error.code == .connectionRefused else { throw error }
                refusals.append(error.reason ?? "refused")
            }
        }
        throw PostgresError(.connectionRefused, reason: refusals.joined(separator: "; "))
    }

    private func open(_ server: ConnectionParameters) async throws(PostgresError) {
        guard !Task.isCancelled else { throw PostgresError(.cancelled) }
        guard let handle = server.start() else {
            throw PostgresError(.connectionRefused, reason: "no memory for a connection")
        }
        self.handle = handle
        // The default prints the server's notices on stderr, past every log level.
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        let number = nextNumber()
        let deadline = monotonicNanoseconds() + configuration.connectTimeout.nanoseconds
        let failure = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // libpq's manual: begin as if PQconnectPoll had asked to write.
                opening = Opening(
                    number: number, deadline: deadline, server: server.name, continuation: continuation,
                    interest: .write)
                guard PQstatus(handle) != CONNECTION_BAD else { return endOpening(refusal(handle)) }
                watchSocket(handle, for: .write)
            }
        } onCancel: {
            cancel(number)
        }
        if let failure { throw failure }
        condition.store(.ready, ordering: .releasing)
    }

    func tickOpening() -> Int32 {
        guard let handle, let opening else { return -1 }
        let now = monotonicNanoseconds()
        if isCancelled(opening.number) {
            endOpening(PostgresError(.cancelled))
            return -1
        }
        guard now < opening.deadline else {
            let reason = "\(opening.server): no answer within \(configuration.connectTimeout)"
            endOpening(PostgresError(.connectionRefused, reason: reason))
            return -1
        }
        // PQconnectPoll takes a call for the news that the socket is ready; a wake-up for another reason is none.
        guard isReady(PQsocket(handle), for: opening.interest) else {
            return sleepMilliseconds(from: now, until: opening.deadline)
        }
        switch PQconnectPoll(handle) {
        case PGRES_POLLING_READING: watchSocket(handle, for: .read)
        case PGRES_POLLING_WRITING: watchSocket(handle, for: .write)
        case PGRES_POLLING_OK: endOpening(prepareHandle(handle))
        default: endOpening(refusal(handle))
        }
        return self.opening == nil ? 0 : sleepMilliseconds(from: now, until: opening.deadline)
    }

    /// libpq may take another socket for each host that it tries.
    private func watchSocket(_ handle: OpaquePointer, for interest: LoopExecutor.Interest) {
        opening?.interest = interest
        loop.attach(descriptor: PQsocket(handle), interest: interest) { [weak self] in
            self?.assumeIsolated { $0.tick() } ?? -1
        }
    }

    private func prepareHandle(_ handle: OpaquePointer) -> PostgresError? {
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { return refusal(handle) }
        loop.wait(for: .read)
        return nil
    }

    private func endOpening(_ failure: PostgresError?) {
        guard let opening else { return }
        self.opening = nil
        if failure != nil { closeHandle() }
        opening.continuation.resume(returning: failure)
    }

    /// libpq's words about a connection that failed: hosts, users and reasons, never a password.
    private func refusal(_ handle: OpaquePointer) -> PostgresError {
        let message = String(cString: PQerrorMessage(handle)).split(separator: "\n").joined(separator: "; ")
        return PostgresError(.connectionRefused, reason: message)
    }
}
