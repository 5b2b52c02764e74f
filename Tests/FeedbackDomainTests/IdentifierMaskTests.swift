import FeedbackDomain
import Glibc
import Testing

@Suite("Identifiers in free text")
struct IdentifierMaskTests {
    /// 15 digits with the key that belongs to them.
    private static func registerNumber(_ thirteen: Int) -> String {
        let key = 97 - thirteen % 97
        return "\(thirteen)\(key < 10 ? "0" : "")\(key)"
    }

    @Test(
        arguments: [
            "185057800608491", "1 85 05 78 006 084 91", "1.85.05.78.006.084.91", "1850578006084 91", "1850578006084",
            "2 69 05 49 588 157 80", "1 85 05 2A 006 084 35", "185052b00608462",
            "06 12 34 56 78", "0612345678", "06.12.34.56.78", "06-12-34-56-78", "01\u{A0}23\u{A0}45\u{A0}67\u{A0}89",
            "0612 34 56 78", "+33 6 12 34 56 78", "+33612345678", "+33 (0)6 12 34 56 78", "0033 6 12 34 56 78",
            "+49 30 901820", "jean.petit@chu-lille.fr", "a+b@exemple.com",
        ])
    func isMaskedWhereverItStands(identifier: String) {
        let mark = IdentifierMask.mark
        #expect(IdentifierMask.mask(identifier) == mark)
        #expect(IdentifierMask.mask("Appelez le \(identifier), merci") == "Appelez le \(mark), merci")
        #expect(IdentifierMask.mask("é\"\(identifier)\"") == "é\"\(mark)\"")
        #expect(IdentifierMask.mask("(\(identifier)).") == "(\(mark)).")
        #expect(IdentifierMask.count(in: IdentifierMask.mask("\(identifier) / \(identifier)")) == 2)
    }

    @Test(
        arguments: [
            "", "rien", "le 06/12/2024 à 10 h 30", "01.02.2024 10:30", "2024-02-01 12", "1 234 567,89 €", "12 000 €",
            "commande 4006381333931", "CMD-0612345678", "CMD0612345678", "ref 185057800608437x", "185057800608435",
            "0123456789012", "10/10", "5,1,5,1", "@", "a@b", "a@b.1", "@fr.fr", "+12", "+ 33", "3 14 15 92", "20 %",
            "de 08 h 00 à 12 h 00", "[masqué", "0000000000", "1234567890",
        ])
    func whatOnlyLooksAlikeStays(text: String) {
        #expect(IdentifierMask.mask(text) == text)
        #expect(IdentifierMask.count(in: text) == 0)
    }

    @Test func everyNumberWithItsKeyIsFoundAndWithAnotherItIsNot() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            // given: sex, year, month, department, commune, order
            func draw(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &generator) }
            let place = draw(1...95) * 1_000_000 + draw(1...990) * 1_000 + draw(1...999)
            let number = ((draw(1...2) * 100 + draw(0...99)) * 100 + draw(1...12)) * 100_000_000 + place
            let whole = Self.registerNumber(number)
            // when, then
            #expect(IdentifierMask.mask("n° \(whole)") == "n° \(IdentifierMask.mark)", "\(whole)")
            #expect(IdentifierMask.isRegisterNumber(whole))
            let wrong = "\(number)\(whole.hasSuffix("42") ? "43" : "42")"
            #expect(!IdentifierMask.isRegisterNumber(wrong), "\(wrong)")
        }
    }

    @Test(arguments: [
        ("https://app.test/patient/185057800608491", true), ("185057800608491-M3", true),
        ("urn:ins:1 85 05 78 006 084 91", true), ("app-185057800608492", false), ("evt-1760912345678", false),
        ("01936f2e-7c3a-7e11-9b7a-0d6a4b1c2d3e", false), ("x185057800608491", false), ("185057800608491x", false),
    ])
    func aRegisterNumberIsFoundWithinANameAndInTextBehindAnyMark(name: String, isFound: Bool) {
        #expect(IdentifierMask.holdsRegisterNumber(name) == isFound)
        #expect((IdentifierMask.mask(name) != name) == isFound)
    }

    /// One counter in 97 has the key of a register number.
    @Test func daysTimesAndCountersInNamesAreNobodysNumber() {
        for counter in 0..<2_000 {
            let padded = String(String(10_000_000 + counter).dropFirst())
            for name in ["telesuivi-20220217-\(padded)", "20260113-\(padded)", "2026-11-22/2\(padded)"] {
                #expect(!IdentifierMask.isGivenAwayByName(name), "\(name)")
            }
            // Milliseconds since 1970, in the months in which they look like somebody born in 1980.
            #expect(!IdentifierMask.isGivenAwayByName("\(1_801_234_560_000 + counter)"))
        }
        #expect(IdentifierMask.isGivenAwayByName("https://app.test/patient/185057800608491"))
        #expect(IdentifierMask.isGivenAwayByName("urn:ins:1 85 05 78 006 084 91"))
    }

    /// Nothing that begins before the limit shows, wherever the limit falls.
    @Test func whatIsCutOffShowsNoPartOfANumber() {
        let text = "numéro 1 85 05 78 006 084 91 ou jean.dupont@example.org"
        let bytes = Array(text.utf8) + Array(repeating: UInt8(ascii: "."), count: IdentifierMask.lookAhead)
        for limit in 0...text.utf8.count {
            let masked = String(decoding: IdentifierMask.mask(bytes, upTo: limit), as: UTF8.self)
            #expect(!masked.contains("85") && !masked.contains("@"), "\(limit)")
        }
    }

    @Test(arguments: ["7QK2M4X9TBWN", "P000", "M3", "185057800608435", "1850578006084x", "06 12 34 56 78", ""])
    func codesOfParticipantsAreNoRegisterNumbers(code: String) {
        #expect(!IdentifierMask.isRegisterNumber(code))
    }

    /// Whatever the bytes: nothing but what was found changes, and masking again changes nothing.
    @Test func anyTextIsMaskedOnce() {
        var generator = SeededGenerator(seed: 5)
        let parts = ["06", " ", "12", ".", "@", "a", "fr", "+33", "é", "2A", "185057800608491", "(0)", "\u{A0}", "-"]
        for _ in 0..<3_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...20, using: &generator) {
                text += parts.randomElement(using: &generator) ?? ""
            }
            let masked = IdentifierMask.mask(text)
            #expect(IdentifierMask.mask(masked) == masked, "\(text)")
        }
    }

    /// Processor time of this thread.
    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The worst kinds of text, sixteen times as long: in sixteen times the processor's time, far from the 256 times
    /// of a search that begins again at each character. This thread's own time, whatever else the machine does.
    @Test(arguments: ["0", "0 ", "@", "a@", "+", "1.", "00-"])
    func timeGrowsWithTheLengthAlone(part: String) {
        func seconds(_ count: Int) -> Double {
            let text = String(repeating: part, count: count)
            return (0..<3).map { _ in
                let start = threadSeconds()
                _ = IdentifierMask.mask(text)
                return threadSeconds() - start
            }.min() ?? 0
        }
        let (short, long) = (seconds(1_000), seconds(16_000))
        #expect(long < short * 64 + 0.01)
    }
}
