package import CoreMetrics
package import Hummingbird
import Observability

/// The middleware around every route, in the one order that works.
package enum HTTPStack {
    /// A router with traces, metrics and problems around everything, the operations routes, and then authentication and
    /// the rate limit around whatever is added after.
    package static func router(
        operations: OperationsRoutes, authentication: AuthenticationMiddleware, metrics: any MetricsFactory
    ) -> Router<MaillageContext> {
        let router = Router(context: MaillageContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: TraceMiddleware())
        // Outside of the problems, so that it sees the status that each error became.
        router.add(middleware: REDMiddleware<MaillageContext>(factory: metrics))
        router.add(middleware: ProblemMiddleware())
        operations.add(to: router)
        router.add(middleware: authentication)
        return router
    }
}
