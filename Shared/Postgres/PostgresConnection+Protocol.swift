import CLibPQ

extension PostgresConnection {
    /// Sends a request. Its answers come with later turns of the loop.
    func start(_ request: Request, number: UInt64, continuation: Operation.Continuation) {
        // Reading first finds a connection that the server closed meanwhile, while it still is certain that nothing was
        // sent.
        guard let handle, PQconsumeInput(handle) == 1 else {
            lose()
            return continuation.resume(returning: .failure(lostBefore("the statement")))
        }
        var operation = Operation(
            number: number, request: request, startedAt: monotonicNanoseconds(), continuation: continuation,
            awaiting: .execute)
        let isSent =
            switch request.work {
            case .statement(let query, let isolation): send(query, begins: isolation, as: &operation, on: handle)
            case .command(let text): send(text, on: handle) && PQpipelineSync(handle) == 1
            // Several statements in one text exist in the simple protocol only, and that not in a pipeline.
            case .script(let script): PQexitPipelineMode(handle) == 1 && PQsendQuery(handle, script) == 1
            }
        self.operation = operation
        // Half of a request is in libpq's queue now, and nothing takes it out again.
        if !isSent { lose() }
    }

    private func send(
        _ query: PostgresQuery, begins isolation: PostgresIsolation?, as operation: inout Operation,
        on handle: OpaquePointer
    ) -> Bool {
        let key = StatementCache.Key(text: query.text, types: query.parameters.types)
        let known = cache.find(key)
        let statement = known ?? cache.make(key)
        operation.statement = statement
        operation.prepares = known == nil
        operation.awaiting = isolation != nil ? .begin : known == nil ? .prepare : .execute
        if let isolation {
            guard send(isolation.begin, on: handle) else { return false }
        }
        if known == nil {
            let isSent = query.text.withUnsafeBytes { text in
                PQsendPrepare(
                    handle, statement.name, text.assumingMemoryBound(to: CChar.self).baseAddress,
                    Int32(query.parameters.count), query.parameters.types)
            }
            guard isSent == 1 else { return false }
        }
        return send(query.parameters, to: statement, on: handle) && PQpipelineSync(handle) == 1
    }

    private func send(
        _ parameters: PostgresParameters, to statement: PreparedStatement, on handle: OpaquePointer
    ) -> Bool {
        let count = parameters.count
        return parameters.bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { formats in
                    var offset = 0
                    for (position, length) in parameters.lengths.enumerated() {
                        values[position] = length < 0 ? nil : bytes.start(at: offset)
                        formats[position] = 1
                        offset += Int(max(0, length))
                    }
                    return PQsendQueryPrepared(
                        handle, statement.name, Int32(count), values.baseAddress, parameters.lengths,
                        formats.baseAddress, 1) == 1
                }
            }
        }
    }

    private func send(_ command: StaticString, on handle: OpaquePointer) -> Bool {
        let text = UnsafeRawPointer(command.utf8Start).assumingMemoryBound(to: CChar.self)
        return PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1
    }

    /// Takes the answers that have arrived.
    func collect() {
        while let handle, let operation, !operation.isComplete, PQisBusy(handle) == 0 {
            if let pointer = PQgetResult(handle) {
                take(PostgresResult(pointer))
                PQclear(pointer)
            } else if PQstatus(handle) == CONNECTION_BAD {
                return lose()
            } else if operation.isScript {
                guard PQenterPipelineMode(handle) == 1 else { return lose() }
                complete()
            } else if operation.awaiting == .sync {
                // No answer is left and the last one did not come: we and the server disagree about the protocol.
                return lose()
            } else {
                self.operation?.advance()
            }
        }
    }

    private func take(_ result: PostgresResult) {
        switch result.status {
        case PGRES_PIPELINE_SYNC:
            complete()
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
            let error = result.error
            if operation?.failure == nil { operation?.failure = error }
            if let statement = operation?.statement, error.isStalePlan { cache.forget(statement) }
        case PGRES_PIPELINE_ABORTED:
            break  // follows an error that is noted already
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            operation?.failure = PostgresError(.configuration, reason: "COPY is not supported")
            operation?.isComplete = true
            lose()
        default:
            takeSuccess(result)
        }
    }

    private func takeSuccess(_ result: PostgresResult) {
        guard let operation, let statement = operation.statement else { return }
        switch operation.awaiting {
        case .prepare:
            cache.insert(statement)
        case .execute:
            if statement.columns == nil { statement.columns = result.columns() }
            do {
                self.operation?.rows = try result.rows(known: statement.columns)
            } catch {
                self.operation?.failure = error
            }
        case .begin, .sync:
            break
        }
    }

    private func complete() {
        operation?.isComplete = true
        // A cancellation that is still on its way would hit the next statement: `watch` waits for it.
        guard let operation, operation.interruption == nil else { return }
        deliver(operation.result)
    }
}

extension UnsafeRawBufferPointer {
    /// The address of a parameter. An empty one needs an address too, for null is another value.
    fileprivate func start(at offset: Int) -> UnsafePointer<CChar> {
        let address = baseAddress.map { $0 + offset } ?? UnsafeRawPointer(emptyValue.utf8Start)
        return address.assumingMemoryBound(to: CChar.self)
    }
}

/// What an empty parameter points to when there is no byte at all.
private let emptyValue: StaticString = ""
