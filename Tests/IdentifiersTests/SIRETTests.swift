import Identifiers
import Testing

struct SIRETTests {
    /// Vectors of domain sources 80 and 81, and the establishments of the format's own example.
    @Test(arguments: ["73282932000074", "20003452800014", "18002002600019", "23350001600040", "35600000000048"])
    func aNumberWithBothKeysRightIsASIRET(_ digits: String) {
        #expect(SIRET(digits)?.digits == digits)
        #expect(SIRET(digits)?.siren == SIREN(String(digits.prefix(9))))
        #expect(SIRET(digits)?.description == digits)
    }

    @Test(arguments: [
        "73282932000079", "20003452800041", "77984790400034", "00000000000000", "", "7328293200007", "732829320000740",
        "7328293200007A", "７3282932000074", "732 829 320 00074", "732829320",
    ])
    func everythingElseIsNot(_ text: String) {
        #expect(SIRET(text) == nil)
    }

    /// 10000000000008: its fourteen digits pass, its first nine do not.
    @Test func theFirstNineDigitsAreASIRENOfTheirOwn() {
        #expect(SIRET("10000000000008") == nil)
        #expect(SIREN("100000000") == nil)
    }

    /// Domain source 82: Luhn fails, the digits add up to 35.
    @Test func anOfficeOfLaPosteMayAddUpToAMultipleOfFive() {
        #expect(SIRET("35600000009075")?.siren.digits == "356000000")
        #expect(SIRET("35600000009076") == nil)
        // The digits of this one add up to a multiple of five as well, but it is no office of La Poste.
        #expect(SIRET("18002002600006") == nil)
    }

    @Test func everySingleWrongDigitIsFound() {
        let digits = Array("73282932000074".utf8)
        for position in digits.indices {
            for digit in UInt8(ascii: "0")...UInt8(ascii: "9") where digit != digits[position] {
                var wrong = digits
                wrong[position] = digit
                #expect(SIRET(String(decoding: wrong, as: UTF8.self)) == nil)
            }
        }
    }

    /// Over all tails of one entity: one in ten passes, and those are the ones that a sum written another way takes.
    @Test func oneTailInTenPassesForAnEntityThatIsNotLaPoste() {
        for tail in 0..<10_000 {
            let tail = String(tail)
            let digits = "732829320" + String(repeating: "0", count: 5 - tail.count) + tail
            #expect((SIRET(digits) != nil) == luhnSum(digits).isMultiple(of: 10), "\(digits)")
        }
    }

    /// From the right, every second digit counts by its value in this table.
    private func luhnSum(_ digits: String) -> Int {
        let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
        return digits.reversed().enumerated().reduce(0) { sum, item in
            let digit = item.element.wholeNumberValue ?? 0
            return sum + (item.offset % 2 == 1 ? doubled[digit] : digit)
        }
    }
}
