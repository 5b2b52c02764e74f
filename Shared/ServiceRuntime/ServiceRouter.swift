package import HTTPDefaults
package import Hummingbird
package import Identity
package import Observability

/// Builds the router of a service: the same for the process and for its tests.
package struct ServiceRouter: Sendable {
    private let verifier: TokenVerifier
    private let metrics: PrometheusMetricsFactory
    private let context: BuildContext

    package init(verifier: TokenVerifier, metrics: PrometheusMetricsFactory, context: BuildContext) {
        self.verifier = verifier
        self.metrics = metrics
        self.context = context
    }

    /// - Parameter checks: of database and broker; the service's own come after them.
    package func router<Definition: ServiceDefinition>(
        of _: Definition.Type, parts: ServiceParts, checks: [ReadinessCheck]
    ) -> Router<MaillageContext> {
        let limiter = RateLimiter(
            ratePerSecond: context.settings.count(.httpRate), burst: context.settings.count(.httpBurst))
        let router = HTTPStack.router(
            operations: OperationsRoutes(
                checks: checks + parts.readiness, metrics: metrics, openAPI: Definition.openAPI),
            authentication: AuthenticationMiddleware(
                verifier: verifier, limiter: limiter, proxyCount: context.settings.count(.httpProxyCount)),
            metrics: metrics)
        router.add(middleware: WakeUpMiddleware(wakeUp: context.wakeUp))
        parts.routes(router)
        return router
    }
}
