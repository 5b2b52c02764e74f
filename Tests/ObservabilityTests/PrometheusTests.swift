import CoreMetrics
import Observability
import Testing

@Suite struct PrometheusTests {
    @Test func allKindsAreWrittenInTheTextFormat() {
        // given
        let factory = PrometheusMetricsFactory()
        // when
        Counter(label: "events", dimensions: [("type", "a\"b\\c\nd")], factory: factory).increment(by: 3)
        FloatingPointCounter(label: "cost", factory: factory).increment(by: 1.5)
        Meter(label: "pool.open-connections", factory: factory).set(7)
        Gauge(label: "lag", dimensions: [("b", "2"), ("a", "1")], factory: factory).record(-2.25)
        let timer = Timer(label: "query", factory: factory)
        timer.recordMilliseconds(3)
        timer.recordSeconds(20)
        // then
        #expect(
            factory.render() == """
                # TYPE cost_total counter
                cost_total 1.5
                # TYPE events_total counter
                events_total{type="a\\"b\\\\c\\nd"} 3
                # TYPE lag gauge
                lag{a="1",b="2"} -2.25
                # TYPE pool_open_connections gauge
                pool_open_connections 7
                # TYPE query_seconds histogram
                query_seconds_bucket{le="0.0005"} 0
                query_seconds_bucket{le="0.001"} 0
                query_seconds_bucket{le="0.0025"} 0
                query_seconds_bucket{le="0.005"} 1
                query_seconds_bucket{le="0.01"} 1
                query_seconds_bucket{le="0.025"} 1
                query_seconds_bucket{le="0.05"} 1
                query_seconds_bucket{le="0.1"} 1
                query_seconds_bucket{le="0.25"} 1
                query_seconds_bucket{le="0.5"} 1
                query_seconds_bucket{le="1"} 1
                query_seconds_bucket{le="2.5"} 1
                query_seconds_bucket{le="5"} 1
                query_seconds_bucket{le="10"} 1
                query_seconds_bucket{le="+Inf"} 2
                query_seconds_sum 20.003
                query_seconds_count 2
                # TYPE metrics_series_refused_total counter
                metrics_series_refused_total 0

                """)
    }

    @Test func theSameNameAndLabelsAreOneSeriesWhateverTheirOrder() {
        let factory = PrometheusMetricsFactory()
        Counter(label: "n", dimensions: [("a", "1"), ("b", "2")], factory: factory).increment()
        Counter(label: "n_total", dimensions: [("b", "2"), ("a", "1")], factory: factory).increment()
        #expect(factory.render().contains("n_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func namesAndLabelNamesAreMadeLegal() {
        let factory = PrometheusMetricsFactory()
        Counter(label: "9 días", dimensions: [("le", "x"), ("__name__", "y"), ("a.b", "z")], factory: factory)
            .increment()
        #expect(
            factory.render().contains("_9_d_as_total{a_b=\"z\",exported___name__=\"y\",exported_le=\"x\"} 1\n"))
    }

    @Test func moreSeriesThanTheLimitAreRefusedAndCounted() {
        // given
        let factory = PrometheusMetricsFactory(seriesCountMax: 20)
        // when
        for number in 0..<30 {
            Counter(label: "n", dimensions: [("id", String(number))], factory: factory).increment()
        }
        Timer(label: "t", factory: factory).recordSeconds(1)
        Counter(label: "n", dimensions: [("id", "0")], factory: factory).increment()
        // then
        let text = factory.render()
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("n_total") }.count == 20)
        #expect(text.contains("n_total{id=\"0\"} 2\n"))
        #expect(text.contains("metrics_series_refused_total 11\n"))
    }

    @Test func aNameThatIsTakenByAnotherKindIsRefused() {
        let factory = PrometheusMetricsFactory()
        Meter(label: "n_total", factory: factory).set(5)
        Counter(label: "n", factory: factory).increment()
        #expect(factory.render().hasPrefix("# TYPE metrics_series_refused_total") == false)
        #expect(factory.render().contains("n_total 5\n"))
        #expect(factory.render().contains("metrics_series_refused_total 1\n"))
    }

    @Test func theProcessTellsItsMemory() throws {
        let line = try #require(
            ProcessMetrics.render().split(separator: "\n").first { $0.hasPrefix("process_resident_memory_bytes ") })
        let bytes = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        #expect(bytes > 1_000_000)
    }

    @Test func manyThreadsLoseNoIncrement() async {
        let factory = PrometheusMetricsFactory()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1_000 { Counter(label: "n", factory: factory).increment() }
                }
            }
        }
        #expect(factory.render().contains("n_total 8000\n"))
    }
}
