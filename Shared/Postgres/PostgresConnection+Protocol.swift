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
            number: number, request: request, startedAt: monotonicNanoseconds(), continuation: continuation)
        let isSent =
            switch request.work {
            case .statements(let list): send(list, as: &operation, on: handle)
            // Several statements in one text, and COPY, exist in the simple protocol only, and that not in a pipeline.
            case .script(let text), .copyStart(let text), .load(let text, _):
                PQexitPipelineMode(handle) == 1 && PQsendQuery(handle, text) == 1
            case .copyData(let bytes): put(bytes, on: handle)
            case .copyEnd(let isAborted): PQputCopyEnd(handle, isAborted ? "the client gave up" : nil) == 1
            case .copyRead, .copyDrain: resumeReading(handle)
            }
        self.operation = operation
        // Half of a request is in libpq's queue now, and nothing takes it out again.
        guard isSent else { return lose() }
        if case .copyDrain = request.work { _ = interrupt(.cancelled, now: operation.startedAt) }
    }

    private func send(_ list: StatementList, as operation: inout Operation, on handle: OpaquePointer) -> Bool {
        if let isolation = list.isolation {
            operation.steps.append(.begin)
            guard send(isolation.begin, on: handle) else { return false }
        }
        // The same text may occur twice before the server has prepared it.
        var fresh: [StatementCache.Key: PreparedStatement] = [:]
        for (place, query) in list.queries.enumerated() {
            let key = StatementCache.Key(text: query.text, types: query.parameters.types)
            let statement: PreparedStatement
            if let known = cache.find(key) ?? fresh[key] {
                statement = known
            } else {
                statement = cache.make(key)
                fresh[key] = statement
                operation.steps.append(.prepare(statement, place))
                guard prepare(query, as: statement, on: handle) else { return false }
            }
            operation.steps.append(.execute(statement, place))
            guard send(query.parameters, to: statement, on: handle) else { return false }
        }
        if list.commits || list.rollsBack {
            operation.steps.append(list.commits ? .commit : .rollback)
            guard send(list.commits ? "COMMIT" : "ROLLBACK", on: handle) else { return false }
        }
        operation.steps.append(.sync)
        operation.answer.rows.reserveCapacity(list.queries.count)
        return PQpipelineSync(handle) == 1
    }

    private func prepare(
        _ query: PostgresQuery, as statement: PreparedStatement, on handle: OpaquePointer
    ) -> Bool {
        query.text.withUnsafeBytes { text in
            PQsendPrepare(
                handle, statement.name, text.assumingMemoryBound(to: CChar.self).baseAddress,
                Int32(query.parameters.count), query.parameters.types) == 1
        }
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
        while let handle, let phase = operation?.phase {
            switch phase {
            case .complete:
                return
            case .flush:
                guard operation?.isFlushed == true else { return }
                complete()
            case .copiedRows:
                guard collectCopiedRows(handle) else { return }
            case .results:
                guard PQisBusy(handle) == 0 else { return }
                collectResult(handle)
            }
        }
    }

    private func collectResult(_ handle: OpaquePointer) {
        if let pointer = PQgetResult(handle) {
            take(PostgresResult(pointer))
            PQclear(pointer)
        } else if PQstatus(handle) == CONNECTION_BAD {
            lose()
        } else if operation?.isOutsidePipeline == true {
            isCopyingOut = false
            guard PQenterPipelineMode(handle) == 1 else { return lose() }
            complete()
        } else if case .sync = operation?.awaiting {
            // No answer is left and the last one did not come: we and the server disagree about the protocol.
            lose()
        } else {
            operation?.position += 1
        }
    }

    private func take(_ result: PostgresResult) {
        switch result.status {
        case PGRES_PIPELINE_SYNC:
            complete()
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE:
            let error = result.error
            operation?.note(error)
            if error.isStalePlan { forgetAwaited() }
        case PGRES_PIPELINE_ABORTED:
            break  // follows an error that is noted already
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            if case .load(_, let rows) = operation?.request.work {
                load(rows, result.status)
            } else {
                beginCopying(result.status)
            }
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            takeSuccess(result)
        default:
            break
        }
    }

    private func takeSuccess(_ result: PostgresResult) {
        switch operation?.awaiting {
        case .prepare(let statement, _):
            cache.insert(statement)
        case .execute(let statement, _):
            if statement.columns == nil { statement.columns = result.columns() }
            append(result, known: statement.columns)
        case nil:
            // Of a COPY: how many rows. A script's rows are dropped.
            if operation?.request.isCopyStep == true { append(result, known: nil) }
        case .begin, .commit, .rollback, .sync:
            break
        }
    }

    private func append(_ result: PostgresResult, known columns: ResultColumns?) {
        do {
            operation?.answer.rows.append(try result.rows(known: columns))
        } catch {
            operation?.note(error)
        }
    }

    private func forgetAwaited() {
        switch operation?.awaiting {
        case .prepare(let statement, _), .execute(let statement, _): cache.forget(statement)
        case .begin, .commit, .rollback, .sync, nil: break
        }
    }

    func complete() {
        operation?.phase = .complete
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
