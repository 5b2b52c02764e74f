import Foundation
import Testing

/// Rule 1: what a room may import and call. Rule 2: SQL lives in Store. Each message names what to use instead.
@Suite struct RoomTests {
    struct Ban: Sendable {
        let pattern: String
        let instead: String
    }

    @Test(arguments: SourceTree.services)
    func everyServiceHasTheSameRooms(service: String) {
        for room in ["Domain", "Store", "Consumers", "Routes"] {
            let files = SourceTree.files.filter { $0.path.hasPrefix("Services/\(service)/\(room)/") }
            #expect(!files.isEmpty, "Services/\(service)/\(room) is missing: every service has the same four rooms")
        }
        #expect(
            SourceTree.files.contains { $0.path == "Services/\(service)/\(service).swift" },
            "Services/\(service)/\(service).swift is missing: it alone knows all rooms")
    }

    @Test func domainsImportNothingButValueTypes() {
        let allowed: Set = [
            "FoundationEssentials.Date", "FoundationEssentials.UUID", "CofundingRules", "Identifiers",
        ]
        for file in SourceTree.sources where file.room == "Domain" {
            for (place, name) in file.imports where !allowed.contains(name) {
                Issue.record(
                    """
                    \(place): a domain imports no \(name). Take the value as an argument, or \
                    `import struct FoundationEssentials.Date` or `.UUID` alone
                    """)
            }
        }
    }

    @Test func domainsKnowNoClockNoChanceAndNoWaiting() {
        let bans = [
            Ban(pattern: #"\bDate\(\)|\bDate\.now\b|ContinuousClock"#, instead: "take `now` as an argument"),
            Ban(pattern: #"\bUUID\(\)|EventID\.next"#, instead: "take the new identifier as an argument"),
            Ban(pattern: #"\.random\b|RandomNumberGenerator\(\)"#, instead: "take the random bytes as an argument"),
            Ban(pattern: #"\bawait\b|\basync\b|\bTask\b"#, instead: "decide from values; the store waits"),
        ]
        for file in SourceTree.sources where file.room == "Domain" { check(file, bans) }
    }

    @Test func roomsImportOnlyWhatTheyAreFor() {
        let bans: [String: [String: String]] = [
            "Routes": [
                "RabbitMQ": "append events through the store", "Inbox": "write a consumer",
                "Outbox": "append events in Store, in the command's transaction",
            ],
            "Consumers": [
                "Hummingbird": "answer HTTP in Routes", "HTTPDefaults": "answer HTTP in Routes",
                "Identity": "the event's actor is in the event",
            ],
            "Store": [
                "Hummingbird": "answer HTTP in Routes", "HTTPDefaults": "answer HTTP in Routes",
                "RabbitMQ": "publish through the outbox", "ServiceLifecycle": "run services from Consumers",
            ],
        ]
        for file in SourceTree.sources {
            guard let room = file.room, let banned = bans[room] else { continue }
            for (place, name) in file.imports {
                if let instead = banned[name] { Issue.record("\(place): \(room) imports no \(name): \(instead)") }
            }
        }
    }

    @Test func cLibrariesAreWrappedOnce() {
        let owners = [
            "CExpat": "Shared/BankMessages/", "CLibPQ": "Shared/Postgres/", "CRabbitMQ": "Shared/RabbitMQ/",
        ]
        for file in SourceTree.files where !file.path.hasPrefix("Benchmarks/") {
            for (place, name) in file.imports {
                if let owner = owners[name], !file.path.hasPrefix(owner) {
                    Issue.record("\(place): only \(owner) imports \(name): use what it offers, or add it there")
                }
            }
        }
    }

    @Test func noServiceImportsAnother() {
        for file in SourceTree.sources where file.path.hasPrefix("Services/") {
            let others = SourceTree.services.filter { $0 != file.target }
            for (place, name) in file.imports where others.contains(where: { name == $0 || name == "\($0)Domain" }) {
                Issue.record(
                    "\(place): \(file.target) imports no \(name): listen to its events, or share a pure target")
            }
        }
    }

    @Test func bannedCallsAreNotMade() {
        let bans = [
            Ban(pattern: #"(^|[^.\w])print\("#, instead: "log through the Logger that was passed in"),
            Ban(pattern: #"\btry!"#, instead: "throw, or handle the error"),
            Ban(pattern: #"\bas!"#, instead: "`as?` with an error that says what was expected"),
            Ban(
                pattern: #"(^|[^.\w])Task(\.detached)?\s*(\([^)]*\))?\s*\{"#,
                instead: "a task group, `async let`, or a Service in the group"),
            Ban(
                pattern: #"fatalError\(\)|preconditionFailure\(\)"#,
                instead: "the same with a message that names the mend"),
            Ban(
                pattern: #"Thread\.sleep|\busleep\(|(^|[^.\w])sleep\(\d"#,
                instead: "wait on a condition with a deadline"),
        ]
        for file in SourceTree.sources { check(file, bans) }
        let services = [
            Ban(
                pattern: #"\bDate\(\)|\bDate\.now\b"#,
                instead: "ProgrammeClock.now(): the one clock that a demo may move")
        ]
        for file in SourceTree.sources where file.path.hasPrefix("Services/") { check(file, services) }
    }

    @Test func promisesToTheCompilerAreExplained() {
        for file in SourceTree.sources {
            for (place, index) in file.matches(#"@unchecked Sendable|nonisolated\(unsafe\)"#) {
                let above = file.lines[max(0, index - 6)..<index].contains { $0.contains("//") }
                #expect(above, "\(place): say in a comment above why this is safe, or use an actor or a Mutex")
            }
        }
    }

    @Test func nothingIsLeftForLater() {
        for file in SourceTree.files where !file.path.hasPrefix("Tests/ArchitectureTests/") {
            for (index, line) in file.lines.enumerated()
            where line.range(of: #"\b(FIXME|TODO|XXX|HACK)\b"#, options: .regularExpression) != nil {
                Issue.record("\(file.location(index)): finish it, or open an issue and link it without the mark")
            }
        }
    }

    @Test func sqlLivesInStoreAlone() {
        let sharedWithSQL: Set = ["Postgres", "Migrations", "Outbox", "Inbox", "HTTPDefaults", "ServiceRuntime"]
        let pattern =
            #"(?i)\b(select\s+.+\s+from|insert\s+into|update\s+\w+\s+set|delete\s+from"#
            + #"|create\s+(table|index|schema)|alter\s+table|truncate\s+\w|for\s+update)\b"#
        for file in SourceTree.sources where file.room != "Store" {
            if file.room == nil, sharedWithSQL.contains(file.target) { continue }
            for (index, text) in file.strings.enumerated()
            where text.range(of: pattern, options: .regularExpression) != nil {
                Issue.record("\(file.location(index)): SQL outside Store: move the statement to a store and call it")
            }
        }
    }

    private func check(_ file: SourceFile, _ bans: [Ban]) {
        for ban in bans {
            for (place, index) in file.matches(ban.pattern) {
                let line = file.lines[index].trimmingCharacters(in: .whitespaces)
                Issue.record("\(place): `\(line)` is banned: use \(ban.instead)")
            }
        }
    }
}
