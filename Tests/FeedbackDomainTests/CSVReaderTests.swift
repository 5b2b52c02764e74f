import Testing

@testable import FeedbackDomain

@Suite("Files with separated values")
struct CSVReaderTests {
    private static let semicolon = UInt8(ascii: ";")

    /// - Parameter step: bytes that come at a time.
    private func read(
        _ text: String, step: Int = .max, separator: UInt8 = semicolon
    ) throws(CSVBreak) -> [CSVRecord] {
        try read(Array(text.utf8), step: step, separator: separator)
    }

    private func read(_ bytes: [UInt8], step: Int, separator: UInt8) throws(CSVBreak) -> [CSVRecord] {
        var reader = CSVReader(separator: separator)
        var records: [CSVRecord] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.append(rest.prefix(step))
            rest = rest.dropFirst(step)
            while let record = try reader.next() { records.append(record) }
        }
        reader.finish()
        while let record = try reader.next() { records.append(record) }
        #expect(reader.isAtEnd && reader.place.byte == bytes.count)
        return records
    }

    private func texts(_ records: [CSVRecord]) -> [[String]] {
        records.map { $0.fields.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test(
        arguments: [
            ("a;b\r\nc;d\r\n", [["a", "b"], ["c", "d"]]), ("a;b\nc;d", [["a", "b"], ["c", "d"]]),
            ("a\rb\r", [["a"], ["b"]]), ("", []), (";;", [["", "", ""]]), ("\n", [[""]]),
            (#""a;""b"";c""#, [["a;\"b\";c"]]), ("\"a\r\nb\";c", [["a\r\nb", "c"]]), ("\"\"\";\"", [["\";"]]),
            (#"a"b;"c""#, [["a\"b", "c"]]), (#"5'10";x"#, [["5'10\"", "x"]]), ("\"\"\";x", nil), (#""a;b"#, nil),
        ] as [(String, [[String]]?)])
    func fieldsAreAsTheStandardSays(text: String, expected: [[String]]?) throws {
        guard let expected else {
            #expect(throws: CSVBreak(kind: .unterminatedQuote, line: 1)) { try read(text) }
            return
        }
        for step in [1, 2, 3, 1_000] { #expect(texts(try read(text, step: step)) == expected) }
    }

    @Test func textBehindAClosingQuotationMarkIsFlaggedAndSpoilsItsOwnRecordAlone() throws {
        let records = try read("a;\"b\"c;d\ne;f;g\n")
        #expect(records.map(\.hasTextAfterQuote) == [true, false])
        #expect(texts(records)[1] == ["e", "f", "g"])
    }

    @Test func everyRecordKnowsItsFirstPhysicalLine() throws {
        let records = try read("a\r\n\"b\nb\r\nb\rb\";x\r\n\nc\n")
        #expect(records.map(\.line) == [1, 2, 6, 7])
        #expect(records.map(\.isBlank) == [false, false, true, false])
    }

    @Test func aQuotationMarkThatIsNeverClosedEndsTheReadingInBoundedMemory() {
        let text = "a;b\nc;\"d\n" + String(repeating: "e;f\n", count: 50_000)
        #expect(throws: CSVBreak(kind: .unterminatedQuote, line: 2)) { try read(text, step: 1_000) }
        #expect(throws: CSVBreak(kind: .recordTooLong, line: 2)) {
            try read("a\n" + String(repeating: "x", count: 70_000), step: 1_000)
        }
    }

    @Test(arguments: 0..<200)
    func whatWasWrittenIsReadWhateverTheChunksAndFromEveryRecordOn(seed: Int) throws {
        // given: records of every nasty character
        var dice = SeededGenerator(seed: UInt64(seed))
        let separator = [Self.semicolon, UInt8(ascii: ","), UInt8(ascii: "\t")][dice.roll(3)]
        let alphabet = Array(";,\t\"\r\n a1é".utf8)
        var (written, text): ([[[UInt8]]], [UInt8]) = ([], [])
        for _ in 0..<(1 + dice.roll(12)) {
            var fields: [[UInt8]] = []
            for _ in 0..<(1 + dice.roll(5)) {
                fields.append((0..<dice.roll(9)).map { _ in alphabet[dice.roll(alphabet.count)] })
            }
            written.append(fields)
            let quoted = fields.map { [0x22] + $0.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] } + [0x22] as [UInt8] }
            text += quoted.joined(separator: [separator])
            text += [Array("\r\n".utf8), Array("\n".utf8), Array("\r".utf8)][dice.roll(3)]
        }
        // when
        let whole = try read(text, step: .max, separator: separator)
        let pieces = try read(text, step: 1 + dice.roll(7), separator: separator)
        // then
        #expect(whole.map(\.fields) == written)
        #expect(pieces == whole)
        // and: a reader that begins where another stopped goes on the same
        var first = CSVReader(separator: separator)
        first.append(text)
        first.finish()
        for index in 0...dice.roll(whole.count) {
            guard index < whole.count else { break }
            var second = CSVReader(separator: separator, from: first.place)
            second.append(text[first.place.byte...])
            second.finish()
            #expect(try second.next() == whole[index])
            _ = try first.next()
        }
    }

    @Test(arguments: 0..<200) func noBytesTrapTheReader(seed: Int) {
        var dice = SeededGenerator(seed: UInt64(seed) + 7_000)
        let bytes = (0..<dice.roll(400)).map { _ in
            dice.roll(3) == 0 ? Array("\";\r\n".utf8)[dice.roll(4)] : UInt8(dice.roll(256))
        }
        do throws(CSVBreak) {
            let records = try read(bytes, step: 1 + dice.roll(50), separator: Self.semicolon)
            #expect(records.reduce(0) { $0 + $1.raw.count } <= bytes.count)
        } catch { #expect(error.kind == .unterminatedQuote) }
    }

    // MARK: Charsets

    @Test func windowsCharactersAreReadAndWhatIsNoneIsNot() {
        let charset = CSVCharset.windows1252
        #expect(charset.text([0x80, 0xE9, 0x9C, 0x92, 0xFF]) == "€éœ’ÿ")
        #expect(charset.text([0x81]) == nil)
        #expect(CSVCharset.utf8.text([0xE9]) == nil)
        #expect(CSVCharset.utf8.text(Array("é€".utf8)) == "é€")
        #expect(CSVCharset.utf8.text([0x61, 0]) == nil)
        #expect(CSVCharset(parameter: "ISO-8859-1") == .windows1252)
        #expect(CSVCharset(parameter: "utf-16") == nil)
    }

    // MARK: FINESS

    @Test(arguments: ["750712184", "690781810", "590780193", "290000017", "540002698", "580008803"])
    func numbersOfRealEstablishmentsHaveARightKey(number: String) throws {
        #expect(try #require(Finess(number)).isKeyRight)
    }

    /// The fictive examples of the Agence du numérique en santé: of the right form, with another key.
    @Test(arguments: ["458174839", "754567860"]) func aWrongKeyIsAHintAndNoRefusal(number: String) throws {
        #expect(try !#require(Finess(number)).isKeyRight)
    }

    @Test(arguments: ["", "75071218", "7507121840", "75071218A", "3A0712184", "2C0712184", "٧٥٠٧١٢١٨٤"])
    func anythingElseIsNoNumber(text: String) { #expect(Finess(text) == nil) }

    @Test func theLettersOfCorsicaCountAsOneAndTwo() throws {
        let keys = (0...9).filter { Finess("2a000001\($0)")?.isKeyRight ?? false }
        #expect(keys.count == 1)
        #expect(Finess("2a0000019")?.text == "2A0000019")
        // As 21 and 22 in the place of 2A and 2B.
        for (letters, digits) in [("2A", "21"), ("2B", "22")] {
            for key in 0...9 {
                let (corsican, plain) = (Finess("\(letters)000001\(key)"), Finess("\(digits)000001\(key)"))
                #expect(corsican?.isKeyRight == plain?.isKeyRight)
            }
        }
    }
}

extension SeededGenerator {
    /// From 0 to below the count.
    fileprivate mutating func roll(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
}
