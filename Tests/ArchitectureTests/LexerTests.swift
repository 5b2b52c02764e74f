import Testing

/// The rules above are only as good as what they read.
@Suite struct LexerTests {
    @Test func commentsAndStringsAreToldFromCode() {
        let file = SourceFile(
            path: "Services/X/Store/Y.swift",
            text: #"""
                let a = "select b from c" // print("no")
                /* print(
                */ let d = #"a "quoted" print("# + call()
                """#)
        #expect(file.matches("print").isEmpty)
        #expect(file.code[0].contains("let a ="))
        #expect(file.strings[0].contains("select b from c"))
        #expect(file.code[2].contains("call()"))
        #expect(file.room == "Store")
    }

    @Test func eachLineThatMatchesIsNamedWhereverInItTheMatchStands() {
        let file = SourceFile(
            path: "Shared/X/Y.swift",
            text: #"""
                print("é \" //")
                let é = "\(print())"; /* /* print( */ print( */ work()
                    if é { print("") }
                reprint()
                """#)
        #expect(file.matches(#"(^|[^.\w])print\("#).map(\.index) == [0, 2])
        #expect(file.matches(#"^let"#).map(\.place) == ["Shared/X/Y.swift:2"])
        #expect(file.code.count == 4 && file.strings.count == 4)
        #expect(file.code[1].hasPrefix("let é = \"") && file.code[1].hasSuffix(" work()"))
        #expect(file.strings[0].contains("é    //"))
    }

    @Test func aLongFunctionAndItsParametersAreCounted() {
        let body = Array(repeating: "    work()", count: 80).joined(separator: "\n")
        let file = SourceFile(
            path: "Shared/X/Y.swift",
            text: """
                func f<T>(_ a: Int, b: [String: Int], c: (Int, Int) -> Void, d: T) {
                \(body)
                }
                protocol P {
                    func g()
                    var h: Int { get }
                }
                """
        )
        let functions = FunctionScanner.functions(in: file)
        #expect(functions.map(\.name) == ["f"])
        #expect(functions.first?.lineCount == 82)
        #expect(functions.first?.parameterCount == 4)
    }

    @Test func importsAreReadWithTheirScope() {
        let file = SourceFile(
            path: "Services/X/Domain/Y.swift",
            text: "package import struct FoundationEssentials.Date\nimport Hummingbird")
        #expect(file.imports.map(\.name) == ["FoundationEssentials.Date", "Hummingbird"])
    }
}
