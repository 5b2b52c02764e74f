import ArgumentParser
import Events
import FoundationEssentials
import Logging
import Postgres
import ServiceRuntime

/// `funding ledger`: the ledger, for those who have to trust it.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The double-entry ledger.", subcommands: [LedgerVerifyCommand.self])
}

struct LedgerVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read the whole ledger again; 0 if nobody changed anything.",
        discussion: """
            Compares the hash chain with the entries, the sums of the accounts with the entries, every entry with the \
            moves that there are and with the event that tells it. Whoever can write into this schema can write a new \
            chain: `reporting ledger seals` prints the blocks as reporting received them, for --anchor.
            """)

    @Flag(help: "Answer as JSON.") var json = false

    @Option(help: "A block's hash as somebody else has kept it: NUMBER:HASH. May be repeated.")
    var anchor: [String] = []

    @Option(help: "A file with an anchor on each line; /dev/stdin for what another command prints.")
    var anchors: String?

    func run() async throws {
        var known: [Int64: Set<String>] = [:]
        for (block, hash) in try (anchor + lines()).map(Self.read) { known[block, default: []].insert(hash) }
        let settings = try Settings.load(keys: FundingService.allSettings)
        try settings.require([.databaseURL])
        let logger = Logger(label: "ledger") { _ in SwiftLogNoOpLogHandler() }
        let report = try await settings.withPool(logger: logger) { [known] pool in
            try await LedgerVerifier(pool: pool).verify(anchors: known)
        }
        StandardOutput.write(json ? String(decoding: try WireCoding.encode(report), as: UTF8.self) + "\n" : report.text)
        guard report.isWhole else { throw ExitCode.failure }
    }

    private func lines() throws -> [String] {
        guard let anchors else { return [] }
        guard let text = try? String(contentsOfFile: anchors, encoding: .utf8) else {
            throw ValidationError("--anchors: \(anchors) cannot be read")
        }
        return text.split(whereSeparator: \.isNewline).map(String.init)
    }

    private static func read(_ anchor: String) throws -> (block: Int64, hash: String) {
        let parts = anchor.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let block = Int64(parts[0]), block >= 1, parts[1].utf8.count == 64 else {
            throw ValidationError("--anchor: NUMBER:HASH, 64 hexadecimal digits, as `reporting ledger seals` prints")
        }
        return (block, parts[1].lowercased())
    }
}
