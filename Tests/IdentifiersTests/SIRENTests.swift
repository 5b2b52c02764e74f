import Identifiers
import Testing

struct SIRENTests {
    /// Vectors of domain sources 80 and 81; 356000000 is La Poste, which has no exception here.
    @Test(arguments: ["100000009", "000000083", "200034528", "180020026", "732829320", "356000000"])
    func aNumberWithARightKeyIsASIREN(_ digits: String) {
        #expect(SIREN(digits)?.digits == digits)
    }

    @Test(arguments: [
        "100000000", "200034582", "000000000", "", "20003452", "2000345280", "20003452A", "２00034528", "-00034528",
        "200 034 528", "73282932000074",
    ])
    func everythingElseIsNot(_ text: String) {
        #expect(SIREN(text) == nil)
    }

    @Test func everySingleWrongDigitIsFound() {
        let digits = Array("200034528".utf8)
        for position in digits.indices {
            for digit in UInt8(ascii: "0")...UInt8(ascii: "9") where digit != digits[position] {
                var wrong = digits
                wrong[position] = digit
                #expect(SIREN(String(decoding: wrong, as: UTF8.self)) == nil)
            }
        }
    }

    @Test func groupsOfDigitsArePutTogether() {
        #expect(SIREN.withoutSpaces("200 034\u{00A0}528") == "200034528")
        #expect(SIREN.withoutSpaces("2000 345x8") == "2000345x8")
    }
}
