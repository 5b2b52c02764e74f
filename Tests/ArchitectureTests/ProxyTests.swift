import Foundation
import Testing
import Yams

/// deploy/Caddyfile sends every path that a service describes in its openapi.yaml to that service.
@Suite struct ProxyTests {
    private struct Rule {
        let service: String
        let patterns: [String]

        /// Caddy's `path` matcher: a star stands for anything, slashes too.
        func matches(_ path: String) -> Bool {
            patterns.contains { pattern in
                let expression = NSRegularExpression.escapedPattern(for: pattern).replacing("\\*", with: ".*")
                return path.range(of: "^\(expression)$", options: .regularExpression) != nil
            }
        }
    }

    /// `@funding path /v1/grants /v1/grants/*`, in the order in which Caddy tries them.
    private static func rules() throws -> [Rule] {
        try text("deploy/Caddyfile").split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count > 2, words[0].hasPrefix("@"), words[1] == "path" else { return nil }
            return Rule(service: String(words[0].dropFirst()), patterns: Array(words[2...]))
        }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: SourceTree.root.appending(path: path), encoding: .utf8)
    }

    private static func paths(of service: String) throws -> [String] {
        let document = try Yams.compose(yaml: text("Services/\(service)/Routes/openapi.yaml"))
        return document?["paths"]?.mapping?.keys.compactMap(\.string) ?? []
    }

    @Test(arguments: SourceTree.services) func everyDescribedPathGoesToItsService(service: String) throws {
        let rules = try Self.rules()
        let paths = try Self.paths(of: service)
        #expect(!paths.isEmpty && rules.count >= SourceTree.services.count)
        for path in paths {
            let example = path.replacing(/\{[a-z]+\}/, with: "0")
            let taken = rules.first { $0.matches(example) }?.service
            #expect(
                taken == service.lowercased(),
                "\(path) goes to \(taken ?? "nobody"): name it in deploy/Caddyfile, above what takes it now")
        }
    }
}
