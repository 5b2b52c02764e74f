import CofundingRules
import Testing

@testable import BankMessages

@Suite struct SEPATextTests {
    @Test(arguments: [
        ("Éric Lefèvre", "Eric Lefevre"), ("cœur", "coeur"), ("ŒUVRE", "OEUVRE"), ("Straße", "Strasse"),
        ("Ægir Þór", "AEgir THor"), ("Łódź", "Lodz"), ("Timișoara", "Timisoara"), ("Kärntner Öl", "Karntner Ol"),
        ("Haÿ‑les‑Roses", "Hay-les-Roses"), ("l’Hôpital «\u{202F}A\u{202F}»", "l'Hopital ' A '"),
        ("n° 5 & 6; [a]", "no 5 + 6, (a)"),
        ("10\u{00A0}€", "10 EUR"), ("a_b\\c|d…", "a-b/c/d..."), ("  blanks  ", "blanks"), ("e\u{301}", "e"),
    ])
    func textsBecomeSEPACharacters(text: String, expected: String) throws {
        #expect(try SEPAText.text(text, lengthMax: 70, field: "name") == expected)
    }

    @Test func tableLeadsIntoTheSetAndNeverOutOfIt() {
        for (character, letters) in SEPATransliteration.table {
            #expect(!letters.isEmpty && letters.utf8.allSatisfy(SEPAText.isAllowed), "\(character)")
            #expect(!String(character).utf8.allSatisfy(SEPAText.isAllowed), "\(character) needs none")
        }
    }

    /// What a French, German, Spanish, Italian, Polish or Romanian keyboard writes.
    @Test func everyLetterOfLatinOneAndLatinExtendedAIsKnown() throws {
        for value in 0xC0...0x17F where value != 0xD7 && value != 0xF7 && value != 0x149 {
            let character = Character(try #require(Unicode.Scalar(value)))
            #expect(SEPATransliteration.table[character] != nil, "\(character)")
        }
    }

    @Test func setIsThatOfTheGuidelines() {
        let set = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(SEPAText.isAllowed(byte) == set.contains(byte), "\(byte)") }
    }

    @Test func markupCanNeverComeFromAText() {
        #expect(XMLWriter.escaped(#"a<b>&c"d"#) == "a&lt;b&gt;&amp;c&quot;d")
        var writer = XMLWriter()
        writer.element("A", ("b", #"""#), text: "</A><B>&")
        #expect(
            String(decoding: writer.bytes, as: UTF8.self).hasSuffix("\n<A b=\"&quot;\">&lt;/A&gt;&lt;B&gt;&amp;</A>\n"))
    }

    // MARK: Amounts

    @Test(arguments: [
        ("0", 0), ("0.01", 1), ("0.1", 10), ("12.34", 1234), ("12", 1200), ("007.50", 750),
        ("1000123750.50", 100_012_375_050),
        ("92233720368547758.07", Int64.max),
    ])
    func amountsAreReadExactly(text: String, cents: Int64) {
        #expect(Cents.parse(text) == cents)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.234", "1.000", "-1", "+1", "1,5", "1e3", "1 000", "1.2.3", "١", "0x10", "NaN", "1.-1",
        "92233720368547758.08", "92233720368547759", "999999999999999999999999999",
    ])
    func anythingElseIsNoAmount(text: String) {
        #expect(Cents.parse(text) == nil)
    }

    @Test func writtenAmountsAreReadAgain() {
        var random = SeededGenerator(seed: 0x4365_6E74_7331)
        for _ in 0..<10_000 {
            let cents = Int64.random(in: 0...Int64.max, using: &random) >> Int64.random(in: 0...60, using: &random)
            #expect(Cents.parse(Cents.decimal(cents)) == cents)
        }
    }

    // MARK: Days

    @Test(arguments: [
        "2026-11-25T00:00:00", "2026-11-25T23:59:59.999Z", "2026-11-25T12:00:00+14:00", "2026-11-25T12:00:00.5-11:30",
    ])
    func dayOfAnInstantIsTheOneItsSenderWrote(text: String) {
        #expect(DateText.day(ofInstant: text) == CalendarDay("2026-11-25"))
        #expect(DateText.day(ofDate: text) == nil)
    }

    @Test(arguments: [
        "", "2026-11-25T", "2026-11-25T1:00:00", "2026-11-25T12:00", "2026-11-25T12:00:00.", "2026-11-25T12:00:00+1",
        "2026-02-29T12:00:00", "2026-11-25 12:00:00", "2026-11-25T12:00:00ZZ", "26-11-25T12:00:00", "2026-11-25",
        "2026-11-25T12:00:00é",
    ])
    func anythingElseIsNoInstant(text: String) {
        #expect(DateText.day(ofInstant: text) == nil)
    }

    @Test(arguments: ["", "2026-11-2", "2026-11-25 ", "2026-11-25+1", "2026-11-25z", "2026-13-01", "２026-11-25"])
    func anythingElseIsNoDate(text: String) {
        #expect(DateText.day(ofDate: text) == nil)
    }
}
