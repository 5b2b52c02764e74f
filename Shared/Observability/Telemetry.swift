package import Logging
import Metrics

/// Sets up logs and metrics of the process; called once, before the first logger is made.
package enum Telemetry {
    /// - Parameter service: the name in every record, `funding`.
    /// - Returns: the factory whose text ``/metrics`` answers.
    package static func bootstrap(service: String, level: Logger.Level) -> PrometheusMetricsFactory {
        LoggingSystem.bootstrap { label in JSONLogHandler(service: service, label: label, level: level) }
        let factory = PrometheusMetricsFactory()
        MetricsSystem.bootstrap(factory)
        return factory
    }
}
