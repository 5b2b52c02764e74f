import Foundation

/// A Swift file with its comments and string contents told apart from its code.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    /// The lines without comments, and with what stands in string literals blanked.
    let code: [String]
    /// What stands in string literals, by line.
    let strings: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        (code, strings) = SourceLexer.split(text)
    }

    var room: String? {
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[0] == "Services" else { return nil }
        return parts.count == 3 ? "" : String(parts[2])
    }

    /// The service or shared target.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 1 ? String(parts[1]) : ""
    }

    func location(_ index: Int) -> String { "\(path):\(index + 1)" }

    /// Every line of code that matches, with its place.
    func matches(_ pattern: String) -> [(place: String, index: Int)] {
        code.indices.filter { code[$0].range(of: pattern, options: .regularExpression) != nil }
            .map { (location($0), $0) }
    }

    var imports: [(place: String, name: String)] {
        code.indices.compactMap { index in
            var words = code[index].split(separator: " ").map(String.init)[...]
            let modifiers: Set = ["@testable", "package", "public", "internal", "private", "fileprivate"]
            words = words.drop { modifiers.contains($0) }
            guard words.first == "import" else { return nil }
            let kinds: Set = ["struct", "class", "enum", "protocol", "func", "typealias"]
            guard let name = words.dropFirst().drop(while: { kinds.contains($0) }).first else { return nil }
            return (location(index), name)
        }
    }
}

enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let services = ["Applications", "Funding", "Experimentation", "Feedback", "Reporting"]

    static let files: [SourceFile] = ["Services", "Shared", "Tests", "Benchmarks"].flatMap { folder in
        let base = root.appending(path: folder)
        let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
        return paths.filter { $0.hasSuffix(".swift") && !$0.hasSuffix("_Placeholder.swift") }.sorted().compactMap {
            path in
            (try? String(contentsOf: base.appending(path: path), encoding: .utf8)).map {
                SourceFile(path: "\(folder)/\(path)", text: $0)
            }
        }
    }

    /// What ships: services and shared targets.
    static var sources: [SourceFile] { files.filter { $0.path.hasPrefix("Services/") || $0.path.hasPrefix("Shared/") } }
}

/// Enough of Swift's lexical grammar to tell code, comments and strings apart.
private enum SourceLexer {
    private enum State { case code, lineComment, blockComment(Int), string(hashes: Int, isMultiline: Bool) }

    static func split(_ text: String) -> (code: [String], strings: [String]) {
        let characters = Array(text)
        var code = ""
        var strings = ""
        var state = State.code
        var index = 0

        func starts(_ prefix: String, at position: Int) -> Bool {
            position + prefix.count <= characters.count && zip(prefix, characters[position...]).allSatisfy { $0 == $1 }
        }
        func put(_ character: Character, toCode: Bool, toStrings: Bool) {
            code.append(toCode || character == "\n" ? character : " ")
            strings.append(toStrings || character == "\n" ? character : " ")
        }
        func skip(_ count: Int, toCode: Bool) {
            for offset in index..<min(index + count, characters.count) {
                put(characters[offset], toCode: toCode, toStrings: false)
            }
            index += count
        }

        while index < characters.count {
            switch state {
            case .code:
                let hashes = characters[index...].prefix { $0 == "#" }.count
                let quote = index + hashes
                if starts("//", at: index) {
                    state = .lineComment
                } else if starts("/*", at: index) {
                    state = .blockComment(1)
                    skip(2, toCode: false)
                } else if quote < characters.count, characters[quote] == "\"" {
                    let isMultiline = starts("\"\"\"", at: quote)
                    state = .string(hashes: hashes, isMultiline: isMultiline)
                    skip(hashes + (isMultiline ? 3 : 1), toCode: true)
                } else {
                    skip(1, toCode: true)
                }
            case .lineComment:
                if characters[index] == "\n" { state = .code }
                skip(1, toCode: false)
            case .blockComment(let depth):
                if starts("/*", at: index) {
                    state = .blockComment(depth + 1)
                    skip(2, toCode: false)
                } else if starts("*/", at: index) {
                    state = depth == 1 ? .code : .blockComment(depth - 1)
                    skip(2, toCode: false)
                } else {
                    skip(1, toCode: false)
                }
            case .string(let hashes, let isMultiline):
                let end = (isMultiline ? "\"\"\"" : "\"") + String(repeating: "#", count: hashes)
                if starts(end, at: index) {
                    state = .code
                    skip(end.count, toCode: true)
                } else if hashes == 0, characters[index] == "\\", index + 1 < characters.count {
                    skip(2, toCode: false)
                } else {
                    put(characters[index], toCode: false, toStrings: true)
                    index += 1
                }
            }
        }
        func lines(_ text: String) -> [String] {
            text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
        return (lines(code), lines(strings))
    }
}
