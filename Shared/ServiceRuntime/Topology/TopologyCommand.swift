import ArgumentParser
import FoundationEssentials
import Observability
import RabbitMQ

struct TopologyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "topology", abstract: "The service's part of the broker.",
            subcommands: [TopologyApplyCommand<Definition>.self, TopologyCheckCommand<Definition>.self])
    }
}

struct TopologyApplyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "apply",
            abstract: "Declare exchanges, queues and bindings, and set policies and permissions where a URL is given.",
            discussion: "As the broker's administrator. Run again, it changes nothing.")
    }

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        for line in try await TopologyDeclaration.apply(Definition.self, settings: settings) {
            StandardOutput.write(line + "\n")
        }
    }
}

struct TopologyCheckCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "check", abstract: "Compare the broker with what the service needs; 0 when it is the same.",
            discussion: "One line per difference, with the command that mends it. Status 1: there are some; 2: unknown."
        )
    }

    @Flag(help: "Print the differences as one JSON object.") var json = false

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        _ = Telemetry.bootstrap(service: Definition.name, level: settings.logLevel)
        let report: TopologyReport
        do {
            report = try await TopologyReport.make(Definition.self, settings: settings)
        } catch let failure as BrokerManagement.Failure {
            StandardOutput.write("not checked: \(failure.description)\n")
            throw ExitCode(2)
        }
        StandardOutput.write(try json ? report.json() : report.text)
        guard report.drift.isEmpty else { throw ExitCode(1) }
    }
}

/// What `topology check` found.
struct TopologyReport: Encodable, Sendable {
    var drift: [TopologyDrift] = []
    /// What the user of the management interface may not see.
    var notChecked: [String] = []

    static func make<Definition: ServiceDefinition>(
        _: Definition.Type, settings: Settings
    ) async throws -> TopologyReport {
        var report = TopologyReport()
        for plan in try TopologyDeclaration.plans(of: Definition.self, settings: settings) {
            try settings.require([plan.brokerURL])
            let virtualHost = try settings.brokerConfiguration(url: plan.brokerURL).virtualHost
            guard let management = try settings.management(plan) else {
                try settings.require([plan.managementURL])
                continue
            }
            let comparison = TopologyComparison(
                plan: plan, state: try await BrokerState.read(virtualHost, from: management), virtualHost: virtualHost,
                applyCommand: "\(Definition.name) topology apply", management: management)
            report.drift += comparison.drifts
            if comparison.state.permissions == nil {
                report.notChecked.append("\(virtualHost): permissions: they are shown to an administrator alone")
            }
            if comparison.state.operatorPolicies == nil {
                report.notChecked.append("\(virtualHost): operator policies: the user may not see them")
            }
        }
        return report
    }

    var text: String {
        let end = drift.isEmpty ? ["no drift"] : ["drift: \(drift.count)"]
        return (drift.map(\.line) + notChecked.map { "not checked: \($0)" } + end).joined(separator: "\n") + "\n"
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

extension Settings {
    func management(_ plan: BrokerPlan) throws -> BrokerManagement? { try management(plan.managementURL) }

    /// The interface that a key names; ours where it names none, since the outsiders' broker may be our own.
    package func management(_ named: SettingKey) throws -> BrokerManagement? {
        let key = optionalText(named) == nil ? SettingKey.brokerManagementURL : named
        guard let url = optionalText(key) else { return nil }
        do throws(BrokerManagement.Failure) {
            return try BrokerManagement(url: url)
        } catch {
            throw SettingsError(violations: [.init(key: key.environmentName, value: nil, problem: error.description)])
        }
    }
}
