import Events
import FoundationEssentials
import Testing

@testable import ServiceRuntime

@Suite struct SettingsTests {
    private let keys = SettingKey.standard(for: .funding)

    private func load(_ environment: [String: String]) throws -> Settings {
        try Settings.load(keys: keys, environment: environment)
    }

    private func violations(_ environment: [String: String]) -> [SettingsError.Violation] {
        do throws(SettingsError) {
            _ = try Settings.load(keys: keys, environment: environment)
            return []
        } catch {
            return error.violations
        }
    }

    /// A file that goes when the test ends.
    private func withFile<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }

    @Test func everythingHasItsDefault() throws {
        let settings = try load(["PATH": "/bin", "OTHER_KEY": "1"])
        #expect(settings.count(.httpPort) == 8080 && settings.text(.httpHost) == "127.0.0.1")
        #expect(settings.duration(.drainTimeout) == .seconds(10) && settings.duration(.startTimeout) == .seconds(60))
        #expect(settings.text(.databaseSchema) == "funding" && settings.text(.databaseRunRole) == "maillage_funding")
        #expect(!settings.isProduction && settings.optionalText(.databaseURL) == nil)
    }

    @Test func everyDefaultKeepsItsOwnLimits() {
        for key in keys { #expect(key.fallback.map(key.kind.accepts) != false, "\(key.name)") }
        #expect(Set(keys.map(\.environmentName)).count == keys.count)
    }

    @Test(arguments: [
        ("MAILLAGE_HTTP_PORT", "65536", "allowed: a whole number from 0 to 65535"),
        ("MAILLAGE_HTTP_PORT", "x", "allowed: a whole number from 0 to 65535"),
        ("MAILLAGE_DRAIN_TIMEOUT", "10", "allowed: a whole number with ms, s, m or h, from 1s to 5m"),
        ("MAILLAGE_DRAIN_TIMEOUT", "301s", "allowed: a whole number with ms, s, m or h, from 1s to 5m"),
        ("MAILLAGE_ENVIRONMENT", "prod", "allowed: development, production"),
        ("MAILLAGE_IDENTITY_PUBLIC_KEY_FILE", "key.pem", "allowed: an absolute path"),
    ])
    func aBadValueNamesTheKeyTheValueAndWhatIsAllowed(_ key: String, _ value: String, _ problem: String) {
        #expect(violations([key: value]) == [.init(key: key, value: value, problem: problem)])
    }

    @Test func everythingThatIsWrongIsToldAtOnce() throws {
        let found = violations([
            "MAILLAGE_HTTP_PORT": "x", "MAILLAGE_LOG_LEVEL": "loud", "MAILLAGE_POOL_CONNECTIONS": "1",
        ])
        #expect(found.map(\.key).sorted() == ["MAILLAGE_HTTP_PORT", "MAILLAGE_LOG_LEVEL", "MAILLAGE_POOL_CONNECTIONS"])
        let text = SettingsError(violations: found).description
        #expect(text.contains("MAILLAGE_LOG_LEVEL is \"loud\": allowed: trace, debug"))
    }

    @Test func theValueOfASecretIsNotInItsError() {
        let found = violations(["MAILLAGE_BROKER_URL": "http://user:hunter2@broker"])
        #expect(found.map(\.key) == ["MAILLAGE_BROKER_URL"] && found.first?.value == nil)
        #expect(!SettingsError(violations: found).description.contains("hunter2"))
    }

    @Test(arguments: [
        ("MAILLAGE_HTTP_PROT", "there is no such setting; did you mean MAILLAGE_HTTP_PORT?"),
        ("MAILLAGE_DATABSE_URL", "there is no such setting; did you mean MAILLAGE_DATABASE_URL?"),
        ("MAILLAGE_DATABASE_URL_FIEL", "there is no such setting; did you mean MAILLAGE_DATABASE_URL_FILE?"),
        ("MAILLAGE_ZZZ", "there is no such setting"),
        ("MAILLAGE_HTTP_PORT_FILE", "there is no such setting; did you mean MAILLAGE_HTTP_PORT?"),
    ])
    func aVariableThatNobodyReadsIsRefused(_ name: String, _ problem: String) {
        #expect(violations([name: "1"]) == [.init(key: name, value: nil, problem: problem)])
    }

    @Test func productionRefusesAMovedClock() {
        let path = ["MAILLAGE_CLOCK_OFFSET_FILE": "/tmp/offset"]
        #expect(violations(path).isEmpty)
        let found = violations(path.merging(["MAILLAGE_ENVIRONMENT": "production"]) { $1 })
        #expect(found.map(\.key) == ["MAILLAGE_CLOCK_OFFSET_FILE"])
    }

    @Test func aSecretIsReadFromItsFileWithoutItsLastNewline() throws {
        try withFile("host=db password='a b' \n") { path in
            let settings = try load(["MAILLAGE_DATABASE_URL_FILE": path])
            #expect(settings.text(.databaseURL) == "host=db password='a b' ")
            #expect(settings.entries.first { $0.key.name == "database.url" }?.source == "secret file")
            let both = violations(["MAILLAGE_DATABASE_URL_FILE": path, "MAILLAGE_DATABASE_URL": "host=other"])
            #expect(both.map(\.problem) == ["set either it or MAILLAGE_DATABASE_URL, not both"])
        }
        // Only one newline is the editor's; a second is in the value, and no setting has one.
        try withFile("host=db\n\n") { path in
            #expect(violations(["MAILLAGE_DATABASE_URL_FILE": path]).map(\.key) == ["MAILLAGE_DATABASE_URL"])
        }
        #expect(
            violations(["MAILLAGE_DATABASE_URL_FILE": "/no/such/file"]).map(\.key) == ["MAILLAGE_DATABASE_URL_FILE"])
    }

    @Test func anEmptyVariableIsNotSet() throws {
        let settings = try load(["MAILLAGE_HTTP_PORT": "", "MAILLAGE_DATABASE_URL_FILE": ""])
        #expect(settings.count(.httpPort) == 8080 && settings.optionalText(.databaseURL) == nil)
    }

    @Test func theFileIsWeakerThanTheEnvironmentAndStrongerThanTheDefault() throws {
        let json =
            #"{"http": {"port": 9000, "host": "0.0.0.0"}, "drain.timeout": "20s", "database": {"url": "host=file"}}"#
        try withFile(json) { path in
            let settings = try load(["MAILLAGE_CONFIG_FILE": path, "MAILLAGE_HTTP_PORT": "9001"])
            #expect(settings.count(.httpPort) == 9001 && settings.text(.httpHost) == "0.0.0.0")
            #expect(settings.duration(.drainTimeout) == .seconds(20))
            let sources = Dictionary(uniqueKeysWithValues: settings.entries.map { ($0.key.name, $0.source) })
            #expect(sources["http.port"] == "environment" && sources["http.host"] == "file \(path)")
            #expect(sources["log.level"] == "default" && sources["broker.url"] == .some(nil))
        }
    }

    @Test(arguments: ["[]", "{", #"{"http": {"port": [1]}}"#, #"{"http": {"port": 1.5}}"#])
    func aFileThatIsNoSettingsIsRefused(_ text: String) throws {
        try withFile(text) { path in
            #expect(violations(["MAILLAGE_CONFIG_FILE": path]).map(\.key) == ["MAILLAGE_CONFIG_FILE"])
        }
    }

    @Test func anUnknownEntryOfTheFileIsRefused() throws {
        try withFile(#"{"http": {"prot": 1}}"#) { path in
            let problem = violations(["MAILLAGE_CONFIG_FILE": path]).first?.problem
            #expect(problem?.contains("did you mean http.port?") == true)
        }
    }

    @Test func aDatabaseElsewhereIsReachedInTheClearOnlyWhereThatIsAllowed() throws {
        let url = "host=db user=u password=hunter2"
        for (environment, isAllowed) in [
            ([:], true), (["MAILLAGE_DATABASE_URL": url + " sslmode=prefer"], false),
            (["MAILLAGE_DATABASE_URL": url + " sslmode=prefer", "MAILLAGE_DATABASE_PLAINTEXT_HOSTS": "a, db"], true),
            (["MAILLAGE_DATABASE_URL": url + " sslmode=verify-full"], true),
            (["MAILLAGE_DATABASE_URL": "postgresql://u:hunter2@[broken"], false),
        ] as [([String: String], Bool)] {
            let settings = try load(["MAILLAGE_DATABASE_URL": url].merging(environment) { $1 })
            if isAllowed {
                _ = try settings.databaseConfiguration(url: .databaseURL)
            } else {
                let error = #expect(throws: SettingsError.self) {
                    try settings.databaseConfiguration(url: .databaseURL)
                }
                #expect(error?.violations.map(\.key) == ["MAILLAGE_DATABASE_URL"])
                #expect(error?.description.contains("hunter2") == false)
            }
        }
    }

    @Test func configShowsEverythingButSecrets() throws {
        let text = SettingsTable.text(
            try load([
                "MAILLAGE_DATABASE_URL": "host=db password=hunter2", "MAILLAGE_BROKER_URL": "amqp://u:hunter2@b/",
                "MAILLAGE_HTTP_PORT": "9000",
            ]))
        #expect(!text.contains("hunter2"))
        let lines = text.split(separator: "\n")
        #expect(lines.count == keys.count + 1)
        func words(_ name: String) -> [Substring] {
            lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ", omittingEmptySubsequences: true) ?? []
        }
        #expect(words("MAILLAGE_DATABASE_URL").prefix(3) == ["MAILLAGE_DATABASE_URL", "[hidden]", "environment"])
        #expect(words("MAILLAGE_HTTP_PORT").prefix(5) == ["MAILLAGE_HTTP_PORT", "9000", "environment", "8080", "port"])
        #expect(words("MAILLAGE_LOG_LEVEL").prefix(4) == ["MAILLAGE_LOG_LEVEL", "info", "default", "info"])
        #expect(words("MAILLAGE_IDENTITY_ISSUER").prefix(3) == ["MAILLAGE_IDENTITY_ISSUER", "-", "-"])
    }

    @Test func whatACommandNeedsIsAskedForByName() throws {
        let settings = try load(["MAILLAGE_BROKER_URL": "amqp://b/"])
        do throws(SettingsError) {
            try settings.require([.databaseURL, .brokerURL, .identityIssuer])
            Issue.record("nothing was missing")
        } catch {
            #expect(error.violations.map(\.key) == ["MAILLAGE_DATABASE_URL", "MAILLAGE_IDENTITY_ISSUER"])
            #expect(error.description.contains("required (or MAILLAGE_DATABASE_URL_FILE)"))
        }
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("10s", .seconds(10)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
    ])
    func aDurationIsReadAndWrittenAlike(_ text: String, _ duration: Duration) {
        #expect(DurationText.parse(text) == duration && DurationText.format(duration) == text)
        #expect(DurationText.parse("-" + text) == nil && DurationText.parse(" " + text) == nil)
    }
}
