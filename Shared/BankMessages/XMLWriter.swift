/// Writes elements in the order they are named, two blanks deeper at each level: the same calls give the same bytes.
struct XMLWriter {
    private(set) var bytes: [UInt8] = Array(#"<?xml version="1.0" encoding="UTF-8"?>"#.utf8) + [newLine]
    private var depth = 0

    private static let newLine = UInt8(ascii: "\n")

    /// - Parameter attribute: its value has no quotes; both come from the code, not from outside.
    mutating func element(
        _ name: String, _ attribute: (name: String, value: String)? = nil,
        _ content: (inout XMLWriter) -> Void
    ) {
        line("<\(name)\(attribute.map { " \($0.name)=\"\(Self.escaped($0.value))\"" } ?? "")>")
        depth += 1
        content(&self)
        depth -= 1
        line("</\(name)>")
    }

    mutating func element(_ name: String, _ attribute: (name: String, value: String)? = nil, text: String) {
        let opening = "<\(name)\(attribute.map { " \($0.name)=\"\(Self.escaped($0.value))\"" } ?? "")>"
        line("\(opening)\(Self.escaped(text))</\(name)>")
    }

    /// Nothing of the SEPA set needs it; it stands here so that no text can ever become an element.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private mutating func line(_ text: String) {
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: depth * 2)
        bytes += text.utf8
        bytes.append(Self.newLine)
    }
}
