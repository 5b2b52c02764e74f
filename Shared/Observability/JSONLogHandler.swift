package import Logging

/// One JSON object per record and line: `ts`, `level`, `service`, `logger`, `message`, `trace_id` and `span_id` of the
/// current ``TraceContext``, then the metadata, flattened (`a.b`, `a.0`).
///
/// Limits: message 8 KiB, a value 2 KiB, 64 metadata entries; what is over is cut and marked. Values whose key is in
/// ``PersonalKeys`` are masked.
package struct JSONLogHandler: LogHandler {
    private static let messageBytesMax = 8 * 1024
    private static let valueBytesMax = 2 * 1024
    private static let entryCountMax = 64
    private static let depthMax = 4
    private static let reserved: Set<String> = ["ts", "level", "service", "logger", "message"]

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let service: String
    private let label: String
    private let output: LogOutput

    package init(
        service: String, label: String, level: Logger.Level = .info, output: LogOutput = .standardError
    ) {
        self.service = service
        self.label = label
        self.logLevel = level
        self.output = output
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line: [UInt8] = []
        line.reserveCapacity(512)
        line.append(UInt8(ascii: "{"))
        append("ts", LogTime.now(), to: &line, limit: 64)
        append("level", event.level.rawValue, to: &line, limit: 64)
        append("service", service, to: &line, limit: 256)
        append("logger", label, to: &line, limit: 256)
        append("message", event.message.description, to: &line, limit: Self.messageBytesMax)
        var entries = merged(with: event)
        if let trace = TraceContext.current {
            entries[LogKeys.traceID] = .string(trace.traceID)
            entries[LogKeys.spanID] = .string(trace.spanID)
        }
        if let error = event.error {
            entries[LogKeys.error] = .string(String(describing: error))
            entries[LogKeys.errorType] = .string(String(describing: type(of: error)))
        }
        append(entries, to: &line)
        line.append(contentsOf: "}\n".utf8)
        output.write(line)
    }

    /// The record's own metadata wins over the logger's, and that over the provider's.
    private func merged(with event: LogEvent) -> Logger.Metadata {
        var entries = metadataProvider?.get() ?? [:]
        entries.merge(metadata) { _, new in new }
        if let own = event.metadata { entries.merge(own) { _, new in new } }
        return entries
    }

    private func append(_ entries: Logger.Metadata, to line: inout [UInt8]) {
        var count = 0
        // Sorted, so that a record reads the same every time and tests can compare it.
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            append(value, under: Self.reserved.contains(key) ? "meta.\(key)" : key, depth: 0, count: &count, to: &line)
        }
        if count > Self.entryCountMax {
            append("metadata_dropped", String(count - Self.entryCountMax), to: &line, limit: 64)
        }
    }

    private func append(
        _ value: Logger.MetadataValue, under key: String, depth: Int, count: inout Int, to line: inout [UInt8]
    ) {
        switch value {
        case .dictionary(let inner) where depth < Self.depthMax && !PersonalKeys.contains(key):
            for (name, value) in inner.sorted(by: { $0.key < $1.key }) {
                append(value, under: "\(key).\(name)", depth: depth + 1, count: &count, to: &line)
            }
        case .array(let inner) where depth < Self.depthMax && !PersonalKeys.contains(key):
            for (index, value) in inner.enumerated() {
                append(value, under: "\(key).\(index)", depth: depth + 1, count: &count, to: &line)
            }
        default:
            count += 1
            guard count <= Self.entryCountMax else { return }
            let text = PersonalKeys.contains(key) ? PersonalKeys.mask : value.description
            append(key, text, to: &line, limit: Self.valueBytesMax)
        }
    }

    private func append(_ key: String, _ value: String, to line: inout [UInt8], limit: Int) {
        if line.last != UInt8(ascii: "{") { line.append(UInt8(ascii: ",")) }
        JSONText.append(key, to: &line, limit: 256)
        line.append(UInt8(ascii: ":"))
        JSONText.append(value, to: &line, limit: limit)
    }
}
