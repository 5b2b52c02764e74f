import Testing

/// Rule 3: a reader can hold a file and a function in the head.
@Suite struct SizeTests {
    static let fileLinesMax = 400
    static let functionLinesMax = 70
    static let lineColumnsMax = 120
    static let parametersMax = 5

    @Test func filesAreShort() {
        for file in SourceTree.files where file.lines.count > Self.fileLinesMax + 1 {
            Issue.record("\(file.path) has \(file.lines.count) lines of at most \(Self.fileLinesMax): split it by noun")
        }
    }

    @Test func linesAreShort() {
        for file in SourceTree.files {
            for (index, line) in file.lines.enumerated() where line.count > Self.lineColumnsMax {
                Issue.record(
                    "\(file.location(index)) has \(line.count) columns of at most \(Self.lineColumnsMax): break it")
            }
        }
    }

    @Test func functionsAreShortAndTakeFewParameters() {
        for file in SourceTree.sources {
            for function in FunctionScanner.functions(in: file) {
                if function.lineCount > Self.functionLinesMax {
                    Issue.record(
                        """
                        \(function.place): \(function.name) has \(function.lineCount) lines of at most \
                        \(Self.functionLinesMax): give its steps names
                        """)
                }
                // An initialiser lists a value's members; a function with many arguments hides a value that has no
                // name yet.
                if function.name != "init", function.parameterCount > Self.parametersMax {
                    Issue.record(
                        """
                        \(function.place): \(function.name) takes \(function.parameterCount) parameters of at most \
                        \(Self.parametersMax): group them in a struct
                        """)
                }
            }
        }
    }
}

struct ScannedFunction {
    let place: String
    let name: String
    let lineCount: Int
    let parameterCount: Int
}

/// Finds functions and initialisers by brace matching over code without comments and strings.
enum FunctionScanner {
    private static let parenthesis = UInt8(ascii: "(")

    static func functions(in file: SourceFile) -> [ScannedFunction] {
        file.code.indices.compactMap { index in
            guard
                file.code[index].utf8.contains(parenthesis),
                let found = file.code[index].firstMatch(
                    of: /(?:^|\s)(?:func\s+([\w`]+|[^\s\w(]+)|(init)[?]?)\s*(?:<[^(]*>)?\(/)
            else { return nil }
            let name = found.1.map(String.init) ?? "init"
            let start = found.range.upperBound
            return body(file, name: name, line: index, from: start)
        }
    }

    private static func body(_ file: SourceFile, name: String, line: Int, from start: String.Index) -> ScannedFunction?
    {
        var depth = 1
        var angle = 0
        var braces = 0
        var parameters = 0
        var sawParameter = false
        for index in line..<file.code.count {
            let text = file.code[index]
            // A requirement without a body ends where the next declaration starts.
            if depth == 0, braces == 0, index > line, text.contains(/\b(func|var|init|static)\b/) { return nil }
            for character in index == line ? text[start...] : text[...] {
                if depth > 0 {
                    switch character {
                    case "(", "[", "{": depth += 1
                    case ")", "]", "}": depth -= 1
                    case "<": angle += 1
                    case ">" where angle > 0: angle -= 1
                    case ",": if depth == 1, angle == 0 { parameters += 1 }
                    default: if !character.isWhitespace { sawParameter = true }
                    }
                } else if character == "{" {
                    braces += 1
                } else if character == "}" {
                    braces -= 1
                    if braces == 0 {
                        return ScannedFunction(
                            place: file.location(line), name: name, lineCount: index - line + 1,
                            parameterCount: sawParameter ? parameters + 1 : 0)
                    }
                    // The end of the protocol or type around a requirement without a body.
                    if braces < 0 { return nil }
                }
            }
            // A requirement ends where the next declaration starts.
            if depth == 0, braces == 0, index > line, file.code[index].contains(/\b(func|var|init|static)\b/) {
                return nil
            }
        }
        return nil
    }
}
