// The C library's thread types reach Swift through whichever module includes them first; here that is CRabbitMQ.
import CRabbitMQ
import Glibc

/// A thread for calls that block: logging in, questions to the broker, a name server that does not answer.
enum BlockingThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// The stack is as large as a loop's, because frames that arrive meanwhile are decoded here, by recursion.
    /// - Returns: false when the process may have no more threads.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 8 << 20)
        var identifier = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let created = pthread_create(
            &identifier, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard created == 0 else {
            body.release()
            return false
        }
        pthread_detach(identifier)
        return true
    }
}
