import Synchronization

/// Something that blocks on a connection, done on a thread of its own, so that the loop goes on to count deadlines. The
/// loop watches ``descriptor`` and then takes the outcome.
final class LinkWork: Sendable {
    enum Outcome {
        case ready(AMQPConnection)
        /// The connection that survived, when only its channel failed.
        case failed(RabbitMQError, survivor: AMQPConnection?)
    }

    private enum State {
        case pending
        case done(Outcome)
        case abandoned
    }

    private let state = Mutex(State.pending)
    private let pipe = WakePipe()

    /// Readable when the outcome is there.
    var descriptor: Int32 { pipe.readEnd }

    private init() {}

    /// Begins the work.
    static func start(_ body: @escaping @Sendable () throws(RabbitMQError) -> AMQPConnection) -> LinkWork {
        let work = LinkWork()
        let started = BlockingThread.start {
            do throws(RabbitMQError) {
                work.finish(.ready(try body()))
            } catch {
                work.finish(.failed(error, survivor: nil))
            }
        }
        if !started { work.finish(.failed(noThread, survivor: nil)) }
        return work
    }

    /// Begins work on the channel of an open connection, which nobody else may touch until the outcome is taken.
    static func start(
        on connection: AMQPConnection, _ body: @escaping @Sendable (AMQPConnection) throws(RabbitMQError) -> Void
    ) -> LinkWork {
        let work = LinkWork()
        let started = BlockingThread.start {
            do throws(RabbitMQError) {
                try body(connection)
                work.finish(.ready(connection))
            } catch {
                work.finish(.failed(error, survivor: error.leavesConnectionOpen ? connection : nil))
            }
        }
        if !started { work.finish(.failed(noThread, survivor: nil)) }
        return work
    }

    private static let noThread = RabbitMQError(.connectionLost, "no thread left: raise the limit of threads")

    /// The outcome, once.
    func take() -> Outcome? {
        state.withLock { state in
            guard case .done(let outcome) = state else { return nil }
            state = .abandoned
            return outcome
        }
    }

    /// Nobody waits any more: the thread closes what it opened when it ends.
    func abandon() { state.withLock { $0 = .abandoned } }

    private func finish(_ outcome: Outcome) {
        state.withLock { state in
            if case .pending = state { state = .done(outcome) }
        }
        pipe.wake()
    }
}
