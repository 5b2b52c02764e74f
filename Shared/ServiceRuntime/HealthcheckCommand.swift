import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

struct HealthcheckCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "healthcheck", abstract: "Ask the running service whether it is ready; 0 if it is, else 1.")
    }

    func run() async throws {
        let settings = try Settings.load(keys: Definition.allSettings)
        let (isReady, answer) = await Self.ask(settings)
        StandardOutput.write(answer + "\n")
        guard isReady else { throw ExitCode.failure }
    }

    /// The answer of `/health/ready` with its reasons, or why there is none.
    static func ask(_ settings: Settings) async -> (isReady: Bool, answer: String) {
        // A service that listens everywhere is asked on the loopback.
        let host = settings.text(.httpHost) == "0.0.0.0" ? "127.0.0.1" : settings.text(.httpHost)
        let url = "http://\(host):\(settings.count(.httpPort))/health/ready"
        do {
            // Below the 5 s that container engines grant by default.
            let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(4))
            let body = try await response.body.collect(upTo: 65_536)
            return (response.status == .ok, String(buffer: body))
        } catch {
            return (false, "no answer from \(url): \(error)")
        }
    }
}
