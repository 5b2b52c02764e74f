/// The position of a piece of work in a distributed trace, as W3C Trace Context (level 1) carries it in `traceparent`.
///
/// It travels from the HTTP request through the outbox row and the message header to the listener, so that one trace
/// shows a command and everything that it set off in the other services.
package struct TraceContext: Sendable, Hashable {
    /// The context of the work that runs in this task; read by the log handler and by whoever appends events.
    @TaskLocal package static var current: TraceContext?

    /// The 16 bytes of the trace id, most significant half first; never both zero.
    private let traceHigh: UInt64
    private let traceLow: UInt64
    /// The 8 bytes of the span's own id (the `parent-id` of the header); never zero.
    private let span: UInt64
    /// Whether the caller records this trace.
    package let isSampled: Bool

    private init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, isSampled: Bool) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.isSampled = isSampled
    }

    /// A new trace with a random id.
    package static func generate(isSampled: Bool = true) -> TraceContext {
        // `1...` keeps both ids from being zero, which the standard reserves for "invalid".
        TraceContext(
            traceHigh: .random(in: 0 ... .max), traceLow: .random(in: 1 ... .max), span: .random(in: 1 ... .max),
            isSampled: isSampled)
    }

    /// The same trace, with a span of its own.
    package func child() -> TraceContext {
        TraceContext(
            traceHigh: traceHigh, traceLow: traceLow, span: .random(in: 1 ... .max), isSampled: isSampled)
    }

    /// 32 lower-case hexadecimal digits.
    package var traceID: String { Self.hexadecimal(traceHigh) + Self.hexadecimal(traceLow) }

    /// 16 lower-case hexadecimal digits.
    package var spanID: String { Self.hexadecimal(span) }

    /// The header's value, always in version 00.
    package var traceparent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension TraceContext {
    /// Reads a `traceparent` header; nil when it breaks the standard, and the receiver then starts a trace of its own.
    ///
    /// Strict where the standard is: lower-case digits only, no zero id, version 00 has exactly four fields, version ff
    /// does not exist. A later version may have more fields, which are ignored.
    package init?(traceparent: String) {
        let bytes = Array(traceparent.utf8)
        // Longest that is looked at: nobody has a reason to send more than a few fields.
        guard bytes.count >= 55, bytes.count <= 512 else { return nil }
        guard let version = Self.parse(bytes[0..<2]), version != 0xff, bytes[2] == UInt8(ascii: "-") else { return nil }
        guard bytes[35] == UInt8(ascii: "-"), bytes[52] == UInt8(ascii: "-") else { return nil }
        guard bytes.count == 55 || (version > 0 && bytes[55] == UInt8(ascii: "-")) else { return nil }
        guard
            let high = Self.parse(bytes[3..<19]), let low = Self.parse(bytes[19..<35]),
            let span = Self.parse(bytes[36..<52]), let flags = Self.parse(bytes[53..<55]),
            high != 0 || low != 0, span != 0
        else { return nil }
        self.init(traceHigh: high, traceLow: low, span: span, isSampled: flags & 1 == 1)
    }

    private static func parse(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
