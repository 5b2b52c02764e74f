import FoundationEssentials
import Logging
import Observability
import Synchronization
import Testing

@Suite struct JSONLogHandlerTests {
    private final class Lines: Sendable {
        let texts = Mutex<[String]>([])
        var output: LogOutput {
            LogOutput { [self] line in texts.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
        }
        var all: [String] { texts.withLock { $0 } }
        /// The single record, parsed by a reader that is not ours.
        func record() throws -> [String: String] {
            let text = try #require(all.first)
            #expect(all.count == 1)
            #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 1)
            return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        }
    }

    private func logger(_ lines: Lines, level: Logger.Level = .trace) -> Logger {
        Logger(label: "pool") { label in
            JSONLogHandler(service: "funding", label: label, level: level, output: lines.output)
        }
    }

    @Test func aRecordSaysWhenHowBadWhoAndWhat() throws {
        let lines = Lines()
        logger(lines).warning("slow statement", metadata: ["count": "3"])
        let record = try lines.record()
        #expect(record["level"] == "warning" && record["service"] == "funding" && record["logger"] == "pool")
        #expect(record["message"] == "slow statement" && record["count"] == "3")
        let ts = try #require(record["ts"])
        let date = try Date(ts, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        #expect(abs(date.timeIntervalSinceNow) < 60)
    }

    @Test(arguments: [
        "quote \" backslash \\ slash /", "two\nlines\r\nand\ttab", "nul \u{0} bell \u{7} delete \u{7F}",
        "é ü 漢字 👩‍⚕️ \u{2028}", "", "{\"a\":1}",
    ])
    func whateverTheTextTheLineIsJSON(_ text: String) throws {
        let lines = Lines()
        logger(lines).info("\(text)", metadata: ["k \(text)": "\(text)"])
        let record = try lines.record()
        #expect(record["message"] == text && record["k \(text)"] == text)
    }

    @Test func nestedMetadataIsFlattened() throws {
        let lines = Lines()
        logger(lines).info("x", metadata: ["a": ["b": ["c": "1"]], "list": ["p", ["q": "2"]]])
        let record = try lines.record()
        #expect(record["a.b.c"] == "1" && record["list.0"] == "p" && record["list.1.q"] == "2")
    }

    @Test(arguments: [
        "email", "applicant.email", "contactEmail", "E-Mail", "givenName", "first_name", "nir", "IBAN",
        "authorization", "free_text", "remoteAddress", "pseudonym",
    ])
    func whatMayBePersonalIsMasked(_ key: String) throws {
        let lines = Lines()
        logger(lines).info("x", metadata: ["\(key)": "Jeanne", "outer": ["\(key)": ["Jeanne"]]])
        let text = try #require(lines.all.first)
        #expect(!text.contains("Jeanne") && text.contains("[masked]"))
    }

    @Test(arguments: ["queue.name", "count", "event_type", "instrument", "shipment", "ipsum", "insert"])
    func whatOnlyLooksAlikeIsNotMasked(_ key: String) throws {
        let lines = Lines()
        logger(lines).info("x", metadata: ["\(key)": "value"])
        #expect(try lines.record()[key] == "value")
    }

    @Test func theTraceOfTheTaskIsInTheRecord() throws {
        let lines = Lines()
        let trace = TraceContext.generate()
        TraceContext.$current.withValue(trace) { logger(lines).info("x") }
        let record = try lines.record()
        #expect(record["trace_id"] == trace.traceID && record["span_id"] == trace.spanID)
    }

    @Test func metadataCannotStandInForTheFieldsOfTheRecord() throws {
        let lines = Lines()
        logger(lines).info("real", metadata: ["message": "forged", "level": "debug"])
        let record = try lines.record()
        #expect(record["message"] == "real" && record["meta.message"] == "forged" && record["level"] == "info")
    }

    @Test func longTextsAndManyEntriesAreCut() throws {
        let lines = Lines()
        let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("key\($0)", Logger.MetadataValue.string("v")) })
        logger(lines).info("\(String(repeating: "é", count: 10_000))", metadata: many)
        let record = try lines.record()
        #expect(record["message"]?.hasSuffix("é…") == true)
        #expect(try #require(record["message"]).utf8.count <= 8 * 1024 + 8)
        #expect(record.keys.filter { $0.hasPrefix("key") }.count == 64 && record["metadata_dropped"] == "36")
    }

    @Test func anErrorIsNamedByItsType() throws {
        struct Broken: Error, CustomStringConvertible { let description = "it broke" }
        let lines = Lines()
        logger(lines).error("failed", error: Broken())
        let record = try lines.record()
        #expect(record["error"] == "it broke" && record["error_type"] == "Broken")
    }

    @Test func belowTheLevelNothingIsWritten() {
        let lines = Lines()
        logger(lines, level: .warning).info("x")
        #expect(lines.all.isEmpty)
    }
}
