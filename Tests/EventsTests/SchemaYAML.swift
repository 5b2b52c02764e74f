extension SchemaNode {
    /// Block-style YAML; texts are quoted wherever a plain scalar could be read as something else.
    func yaml(indent: Int = 0) -> String {
        let pad = String(repeating: " ", count: indent)
        switch self {
        case .text(let text): return Self.scalar(text)
        case .number(let number): return "\(number)"
        case .flag(let flag): return flag ? "true" : "false"
        case .list(let items):
            if items.isEmpty { return "[]" }
            return items.map { item in
                let body = item.yaml(indent: indent + 2)
                return item.isBlock ? "\(pad)- \(body.dropFirst(indent + 2))" : "\(pad)- \(body)"
            }.joined(separator: "\n")
        case .map(let members):
            if members.isEmpty { return "{}" }
            return members.map { key, value in
                value.isBlock
                    ? "\(pad)\(Self.scalar(key)):\n\(value.yaml(indent: indent + 2))"
                    : "\(pad)\(Self.scalar(key)): \(value.yaml())"
            }.joined(separator: "\n")
        }
    }

    private var isBlock: Bool {
        switch self {
        case .map(let members): !members.isEmpty
        case .list(let items): !items.isEmpty
        default: false
        }
    }

    private static func scalar(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.first?.isLetter == true
            && text.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) }
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
        if isPlain { return text }
        return "'" + text.replacing("'", with: "''") + "'"
    }
}
