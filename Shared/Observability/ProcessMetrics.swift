import FoundationEssentials
import Glibc

/// What the process itself uses, read from the kernel at each scrape under the names that every Prometheus client has.
package enum ProcessMetrics {
    package static func render() -> String {
        var text = ""
        if let statm = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) {
            let pages = statm.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
            append("process_resident_memory_bytes", "gauge", pages * Double(sysconf(Int32(_SC_PAGESIZE))), to: &text)
        }
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            append("process_cpu_seconds_total", "counter", seconds(usage.ru_utime) + seconds(usage.ru_stime), to: &text)
        }
        if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            append("process_open_fds", "gauge", Double(descriptors.count), to: &text)
        }
        return text
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func append(_ name: String, _ kind: String, _ value: Double, to text: inout String) {
        text += "# TYPE \(name) \(kind)\n"
        PrometheusText.line(name, "", value, into: &text)
    }
}
