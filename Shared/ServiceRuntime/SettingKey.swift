/// One thing that an operator may set: its name, its form and limits, its default and what it is for.
///
/// `database.owner-url` is set by `MAILLAGE_DATABASE_OWNER_URL`, by the same path in the file that
/// `MAILLAGE_CONFIG_FILE` names, and, when it is a secret, by the contents of the file that
/// `MAILLAGE_DATABASE_OWNER_URL_FILE` names.
package struct SettingKey: Sendable {
    /// The form of a value; `allowed` says it to an operator.
    package enum Kind: Sendable {
        /// Any text without control characters, at most that many bytes.
        case text(bytesMax: Int)
        /// Text too long to be guessed.
        case secret(bytes: ClosedRange<Int>)
        /// A URL with one of the schemes.
        case url(schemes: [String])
        case oneOf([String])
        case count(ClosedRange<Int>)
        /// A whole number with its unit: `500ms`, `10s`, `2m`, `24h`.
        case duration(ClosedRange<Duration>)
        /// An absolute path.
        case path
    }

    package let name: String
    package let kind: Kind
    /// In the same writing as a value; nil when there is none and the commands that need the key ask for it.
    package let fallback: String?
    /// What a count counts; a duration carries its own unit.
    package let unit: String?
    package let about: String
    package let isSecret: Bool

    package init(
        _ name: String, _ kind: Kind, default fallback: String? = nil, unit: String? = nil, about: String,
        isSecret: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.unit = unit
        self.about = about
        self.isSecret = isSecret
    }

    /// The same key with another default.
    func with(default fallback: String) -> SettingKey {
        SettingKey(name, kind, default: fallback, unit: unit, about: about, isSecret: isSecret)
    }

    /// `MAILLAGE_DATABASE_OWNER_URL`
    package var environmentName: String {
        "MAILLAGE_" + String(name.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    /// The variable that names a file with the value; nil unless the key is a secret.
    package var fileEnvironmentName: String? { isSecret ? environmentName + "_FILE" : nil }
}
