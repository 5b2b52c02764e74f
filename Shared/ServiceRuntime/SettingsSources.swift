import Configuration
import FoundationEssentials

/// Where values come from, strongest first: secret files, environment, file, default.
///
/// An empty variable counts as not set: compose passes `${NAME:-}` for what an operator left out.
struct SettingsSources {
    private static let fileBytesMax = 1_048_576

    private let providers: [(source: String, provider: any ConfigProvider)]
    let violations: [SettingsError.Violation]

    init(keys: [SettingKey], environment: [String: String]) {
        let set = environment.filter { !$0.value.isEmpty }
        var violations = Self.unknownVariables(keys, set)
        var secrets: [AbsoluteConfigKey: ConfigValue] = [:]
        for key in keys {
            guard let name = key.fileEnvironmentName, let path = set[name] else { continue }
            if set[key.environmentName] != nil {
                violations.append(
                    .init(key: name, value: nil, problem: "set either it or \(key.environmentName), not both"))
            } else if let text = Self.contents(of: path) {
                secrets[Self.absolute(key.name)] = ConfigValue(.string(text), isSecret: true)
            } else {
                violations.append(
                    .init(key: name, value: path, problem: "no readable file of at most \(Self.fileBytesMax) bytes"))
            }
        }
        var file: [AbsoluteConfigKey: ConfigValue] = [:]
        let path = set[SettingKey.configFile.environmentName]
        if let path { file = Self.read(path, keys, &violations) }
        var defaults: [AbsoluteConfigKey: ConfigValue] = [:]
        for key in keys {
            if let text = key.fallback {
                defaults[Self.absolute(key.name)] = ConfigValue(.string(text), isSecret: false)
            }
        }
        self.violations = violations
        providers = [
            ("secret file", InMemoryProvider(values: secrets)),
            ("environment", EnvironmentVariablesProvider(environmentVariables: set).prefixKeys(with: "maillage")),
            (path.map { "file \($0)" } ?? "file", InMemoryProvider(values: file)),
            ("default", InMemoryProvider(values: defaults)),
        ]
    }

    /// The value and where it comes from; nil when nobody gives one.
    func lookUp(_ key: SettingKey) -> (text: String, source: String)? {
        for (source, provider) in providers {
            // None of the providers can fail on a string.
            guard let value = try? provider.value(forKey: Self.absolute(key.name), type: .string).value,
                case .string(let text) = value.content
            else { continue }
            return (text, source)
        }
        return nil
    }

    private static func absolute(_ name: String) -> AbsoluteConfigKey { AbsoluteConfigKey(ConfigKey(name)) }

    /// A variable that nobody reads is a value that somebody believes in.
    private static func unknownVariables(
        _ keys: [SettingKey], _ environment: [String: String]
    ) -> [SettingsError.Violation] {
        let known = keys.map(\.environmentName) + keys.compactMap(\.fileEnvironmentName)
        return environment.keys.filter { $0.hasPrefix("MAILLAGE_") && !known.contains($0) }.sorted().map { name in
            unknown(name, known)
        }
    }

    private static func unknown(
        _ name: String, _ known: [String], in path: String? = nil
    ) -> SettingsError.Violation {
        let advice = NearestName.of(name, among: known).map { "; did you mean \($0)?" } ?? ""
        return .init(
            key: path.map { "\(name) in \($0)" } ?? name, value: nil, problem: "there is no such setting\(advice)")
    }

    /// The file's text without the one newline that editors and secret stores add.
    private static func contents(of path: String) -> String? {
        guard let size = size(of: path), size <= fileBytesMax,
            var text = try? String(contentsOfFile: path, encoding: .utf8)
        else { return nil }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// A number object where the whole of Foundation is linked, as in tests, and an integer of some width in a service.
    private static func size(of path: String) -> Int? {
        let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size]
        return size as? Int ?? (size as? any BinaryInteger).map { Int(clamping: $0) }
    }

    private static func read(
        _ path: String, _ keys: [SettingKey], _ violations: inout [SettingsError.Violation]
    ) -> [AbsoluteConfigKey: ConfigValue] {
        guard let text = contents(of: path) else {
            violations.append(
                .init(key: SettingKey.configFile.environmentName, value: path, problem: "no readable file"))
            return [:]
        }
        guard let tree = try? JSONDecoder().decode(SettingsTree.self, from: Data(text.utf8)) else {
            violations.append(
                .init(
                    key: SettingKey.configFile.environmentName, value: path,
                    problem: "not a JSON object of objects, texts, whole numbers and booleans"))
            return [:]
        }
        let names = keys.map(\.name)
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, text) in tree.leaves {
            if names.contains(name) {
                values[absolute(name)] = ConfigValue(.string(text), isSecret: false)
            } else {
                violations.append(unknown(name, names, in: path))
            }
        }
        return values
    }
}

/// The settings file: objects nest, `{"http": {"port": 8080}}` is `http.port`.
private struct SettingsTree: Decodable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private(set) var leaves: [(name: String, text: String)] = []

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            if let text = try? container.decode(String.self, forKey: key) {
                leaves.append((key.stringValue, text))
            } else if let number = try? container.decode(Int.self, forKey: key) {
                leaves.append((key.stringValue, String(number)))
            } else if let flag = try? container.decode(Bool.self, forKey: key) {
                leaves.append((key.stringValue, String(flag)))
            } else {
                let inner = try container.decode(SettingsTree.self, forKey: key)
                leaves += inner.leaves.map { ("\(key.stringValue).\($0.name)", $0.text) }
            }
        }
    }
}
