package import CoreMetrics
import Synchronization

/// Keeps every series that swift-metrics asks for and writes them in Prometheus's text format.
///
/// A counter's name ends in `_total` and a timer's in `_seconds`, whatever its label; timers and aggregating recorders
/// are histograms, other recorders and meters gauges. There are at most `seriesCountMax` series, since a label with
/// unbounded values would else eat the memory: what is over is measured by nobody and counted in
/// `metrics_series_refused_total`. So is a name that is asked for as two kinds.
package final class PrometheusMetricsFactory: MetricsFactory, Sendable {
    private enum Kind: String { case counter, gauge, histogram }

    private struct Family {
        let kind: Kind
        var series: [String: any PrometheusSeries] = [:]
    }

    private struct State {
        var families: [String: Family] = [:]
        var seriesCount = 0
        var refusedCount = 0
    }

    private let seriesCountMax: Int
    private let state = Mutex(State())

    package init(seriesCountMax: Int = 10_000) {
        self.seriesCountMax = seriesCountMax
    }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions) ?? PrometheusCounter()
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) ?? NOOPMetricsHandler.instance }
        let name = PrometheusText.metricName(label)
        let bounds = name.hasSuffix("_seconds") ? PrometheusHistogram.secondsBounds : PrometheusHistogram.amountBounds
        return histogram(name, dimensions, bounds) ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = PrometheusText.metricName(label, suffix: "_seconds")
        return histogram(name, dimensions, PrometheusHistogram.secondsBounds) ?? NOOPMetricsHandler.instance
    }

    // A series lives as long as the process: one that vanished between two scrapes would lose its last increments.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// All series, families and labels in order.
    package func render() -> String {
        let (families, refusedCount) = state.withLock { ($0.families, $0.refusedCount) }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.render(name: name, labels: labels, into: &text)
            }
        }
        text += "# TYPE metrics_series_refused_total counter\n"
        PrometheusText.line("metrics_series_refused_total", "", Double(refusedCount), into: &text)
        return text
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> PrometheusCounter? {
        let name = PrometheusText.metricName(label, suffix: "_total")
        return series(.counter, name, dimensions, weight: 1) { PrometheusCounter() }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> PrometheusGauge? {
        series(.gauge, PrometheusText.metricName(label), dimensions, weight: 1) { PrometheusGauge() }
    }

    private func histogram(
        _ name: String, _ dimensions: [(String, String)], _ bounds: [Double]
    ) -> PrometheusHistogram? {
        let weight = PrometheusHistogram.seriesCount(bounds: bounds)
        return series(.histogram, name, dimensions, weight: weight) { PrometheusHistogram(bounds: bounds) }
    }

    /// The series of that name and labels, made at its first use: swift-metrics asks anew for every `Counter(…)`.
    private func series<Series: PrometheusSeries>(
        _ kind: Kind, _ name: String, _ dimensions: [(String, String)], weight: Int, make: () -> Series
    ) -> Series? {
        let labels = PrometheusText.labels(dimensions)
        return state.withLock { state in
            if let known = state.families[name]?.series[labels] as? Series { return known }
            let isOtherKind = state.families[name].map { $0.kind != kind } ?? false
            guard !isOtherKind, state.seriesCount + weight <= seriesCountMax else {
                state.refusedCount += 1
                return nil
            }
            let new = make()
            state.families[name, default: Family(kind: kind)].series[labels] = new
            state.seriesCount += weight
            return new
        }
    }
}
