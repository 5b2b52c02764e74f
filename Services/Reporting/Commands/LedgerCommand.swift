import ArgumentParser
import Logging
import Postgres
import ServiceRuntime

/// `reporting ledger`: what this service knows of funding's ledger.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "What is known here of funding's ledger.",
        subcommands: [LedgerSealsCommand.self])
}

struct LedgerSealsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seals", abstract: "The blocks of the ledger's hash chain as they were received, NUMBER:HASH.",
        discussion: "For `funding ledger verify --anchors`: what funding cannot change any more.")

    func run() async throws {
        let settings = try Settings.load(keys: ReportingService.allSettings)
        try settings.require([.databaseURL])
        let logger = Logger(label: "ledger") { _ in SwiftLogNoOpLogHandler() }
        let seals = try await settings.withPool(logger: logger) { pool in try await LedgerSealStore.all(in: pool) }
        for seal in seals { StandardOutput.write("\(seal.block):\(seal.hash)\n") }
    }
}
