import Foundation

/// A Swift file with its comments and string contents told apart from its code.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    /// The lines without comments, and with what stands in string literals blanked.
    let code: [String]
    /// What stands in string literals, by line.
    let strings: [String]
    /// The lines of code as one text.
    private let codeText: String

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        (code, strings) = SourceLexer.split(text)
        codeText = code.joined(separator: "\n")
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

    /// Every line of code that matches, with its place. Most files have none, which one look at the whole text tells.
    func matches(_ pattern: String) -> [(place: String, index: Int)] {
        guard codeText.range(of: "(?m)" + pattern, options: .regularExpression) != nil else { return [] }
        return code.indices.filter { code[$0].range(of: pattern, options: .regularExpression) != nil }
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

/// Enough of Swift's lexical grammar to tell code, comments and strings apart. It reads bytes: what decides is ASCII.
private struct SourceLexer {
    private enum State { case code, lineComment, blockComment(Int), string(end: [UInt8], isRaw: Bool) }

    private static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")
    private static let lineComment = Array("//".utf8)
    private static let (commentStart, commentEnd) = (Array("/*".utf8), Array("*/".utf8))

    private let bytes: [UInt8]
    private var code: [UInt8] = []
    private var strings: [UInt8] = []
    private var state = State.code
    private var index = 0

    static func split(_ text: String) -> (code: [String], strings: [String]) {
        var lexer = SourceLexer(bytes: Array(text.utf8))
        while lexer.index < lexer.bytes.count { lexer.step() }
        return (lines(lexer.code), lines(lexer.strings))
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        code.reserveCapacity(bytes.count)
        strings.reserveCapacity(bytes.count)
    }

    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: newline, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    private func starts(_ prefix: [UInt8], at position: Int) -> Bool {
        guard position + prefix.count <= bytes.count else { return false }
        for offset in 0..<prefix.count where bytes[position + offset] != prefix[offset] { return false }
        return true
    }

    private mutating func take(_ count: Int, toCode: Bool = false, toStrings: Bool = false) {
        let space = UInt8(ascii: " ")
        for byte in bytes[index..<min(index + count, bytes.count)] {
            code.append(toCode || byte == Self.newline ? byte : space)
            strings.append(toStrings || byte == Self.newline ? byte : space)
        }
        index += count
    }

    private mutating func step() {
        switch state {
        case .code: stepCode()
        case .lineComment:
            if bytes[index] == Self.newline { state = .code }
            take(1)
        case .blockComment(let depth):
            if starts(Self.commentStart, at: index) {
                state = .blockComment(depth + 1)
                take(2)
            } else if starts(Self.commentEnd, at: index) {
                state = depth == 1 ? .code : .blockComment(depth - 1)
                take(2)
            } else {
                take(1)
            }
        case .string(let end, let isRaw):
            if starts(end, at: index) {
                state = .code
                take(end.count, toCode: true)
            } else if !isRaw, bytes[index] == UInt8(ascii: "\\") {
                take(2)
            } else {
                take(1, toStrings: true)
            }
        }
    }

    private mutating func stepCode() {
        if starts(Self.lineComment, at: index) {
            state = .lineComment
            return
        }
        if starts(Self.commentStart, at: index) {
            state = .blockComment(1)
            return take(2)
        }
        let hash = UInt8(ascii: "#")
        var opening = index
        while opening < bytes.count, bytes[opening] == hash { opening += 1 }
        guard opening < bytes.count, bytes[opening] == Self.quote else { return take(1, toCode: true) }
        let hashCount = opening - index
        let isMultiline = starts([Self.quote, Self.quote, Self.quote], at: opening)
        let quotes = Array(repeating: Self.quote, count: isMultiline ? 3 : 1)
        state = .string(end: quotes + Array(repeating: hash, count: hashCount), isRaw: hashCount > 0)
        take(hashCount + quotes.count, toCode: true)
    }
}
