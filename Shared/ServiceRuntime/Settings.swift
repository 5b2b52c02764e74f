import FoundationEssentials

/// The settings of one service, read once at the start and checked as a whole: what is in here is valid.
package struct Settings: Sendable {
    /// A key with the value that counts and where it comes from.
    package struct Entry: Sendable {
        package let key: SettingKey
        /// nil when the key has neither a value nor a default.
        package let text: String?
        package let source: String?
    }

    package let entries: [Entry]
    private let texts: [String: String]

    /// Reads and checks every key.
    /// - Parameters:
    ///   - keys: all that exist; a `MAILLAGE_…` variable or file entry without a key is refused.
    ///   - environment: the process's variables.
    /// - Throws: one ``SettingsError`` with everything that is wrong.
    package static func load(
        keys: [SettingKey], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(SettingsError) -> Settings {
        let sources = SettingsSources(keys: keys, environment: environment)
        var violations = sources.violations
        var entries: [Entry] = []
        for key in keys {
            let found = sources.lookUp(key)
            if let found, !key.kind.accepts(found.text) {
                violations.append(
                    .init(
                        key: key.environmentName, value: key.isSecret ? nil : found.text,
                        problem: "allowed: \(key.kind.allowed)"))
            }
            entries.append(Entry(key: key, text: found?.text, source: found?.source))
        }
        let settings = Settings(entries: entries)
        if settings.isProduction, let path = settings.optionalText(.clockOffsetFile) {
            violations.append(
                .init(
                    key: SettingKey.clockOffsetFile.environmentName, value: path,
                    problem: "not allowed when MAILLAGE_ENVIRONMENT is production: deadlines must follow the real clock"
                ))
        }
        guard violations.isEmpty else { throw SettingsError(violations: violations) }
        return settings
    }

    private init(entries: [Entry]) {
        self.entries = entries
        var texts: [String: String] = [:]
        for entry in entries { texts[entry.key.name] = entry.text }
        self.texts = texts
    }

    /// - Throws: when one of `keys` has no value; a command calls it for what it needs, before it begins.
    package func require(_ keys: [SettingKey]) throws(SettingsError) {
        let missing = keys.filter { texts[$0.name] == nil }
        guard missing.isEmpty else {
            throw SettingsError(
                violations: missing.map {
                    let file = $0.fileEnvironmentName.map { " (or \($0))" } ?? ""
                    return .init(
                        key: $0.environmentName, value: nil, problem: "required\(file); allowed: \($0.kind.allowed)")
                })
        }
    }

    package var isProduction: Bool { texts[SettingKey.environment.name] == "production" }

    /// The value, if the key has one.
    package func optionalText(_ key: SettingKey) -> String? { texts[key.name] }

    /// The value of a key that has a default or was required.
    package func text(_ key: SettingKey) -> String {
        guard let text = texts[key.name] else {
            preconditionFailure("the setting \(key.name) is read without a default and without require(_:)")
        }
        return text
    }

    /// The value of a key of kind `count`.
    package func count(_ key: SettingKey) -> Int {
        guard let count = Int(text(key)) else { preconditionFailure("the setting \(key.name) is not a count") }
        return count
    }

    /// The value of a key of kind `duration`.
    package func duration(_ key: SettingKey) -> Duration {
        guard let duration = DurationText.parse(text(key)) else {
            preconditionFailure("the setting \(key.name) is not a duration")
        }
        return duration
    }
}
