import Foundation
import Testing

@testable import FeedbackDomain

@Suite struct GiverFormTests {
    @Test(arguments: Instrument.builtIn.filter { GiverForm.hasWords(for: $0.name) }, PageLanguage.allCases)
    func everyInstrumentWithWordsHasItsItemsAndLevelsInBothLanguages(
        instrument: Instrument, language: PageLanguage
    )
        throws
    {
        let form = try #require(GiverForm.of(instrument.name, in: language))
        #expect(form.items.count == instrument.items.count)
        for (item, rules) in zip(form.items, instrument.items) {
            let levels = try #require(rules.levels)
            #expect(item.levels.map(\.value) == Array(stride(from: levels.min, through: levels.max, by: levels.step)))
            #expect(item.levels.first?.meaning != nil && item.levels.last?.meaning != nil)
        }
        #expect(Set(form.items.map(\.question)).count == instrument.items.count)
    }

    @Test func anInstrumentWhoseWordsAreLicensedHasNoPage() {
        #expect(!GiverForm.hasWords(for: "EQ-5D-5L"))
    }

    @Test func everyFaultIsFoundAtOnceAndNoneInACompleteEntry() throws {
        let form = try #require(GiverForm.of("SUS", in: .french))
        var entry = GiverEntry.blank(for: form)
        entry.comment = String(repeating: "é", count: 4_003)
        entry.choices[3] = 2
        let faults = entry.faults(in: form)
        #expect(faults.count == 10)
        #expect(!faults.contains(.unanswered(item: 3)))
        #expect(faults.last == .commentTooLong(excess: 3))
        entry = GiverEntry(choices: Array(repeating: 3, count: 10), comment: " \n")
        #expect(entry.faults(in: form).isEmpty)
        #expect(entry.sentComment == nil)
    }

    @Test func aDraftComesBackAsItWasAndWhatDoesNotFitIsLeftOut() throws {
        let form = try #require(GiverForm.of("SUS", in: .english))
        var entry = GiverEntry.blank(for: form)
        entry.choices[0] = 5
        entry.choices[9] = 1
        #expect(GiverEntry(choicesText: entry.choicesText, comment: "", form: form).choices == entry.choices)
        let strange = GiverEntry(choicesText: "6,x,,3", comment: "", form: form)
        #expect(strange.choices == [nil, nil, nil, 3] + Array(repeating: nil, count: 6))
    }

    @Test(arguments: [
        ("fr-FR,fr;q=0.9,en;q=0.8", PageLanguage.french), ("en-GB,en;q=0.9", .english),
        ("de, en;q=0.7, fr;q=0.3", .english),
        ("fr;q=0.1,en;q=0.2", .english),
    ])
    func theLanguageIsTheOneThatTheBrowserPrefers(header: String, language: PageLanguage) {
        #expect(PageLanguage(accepted: header) == language)
    }

    @Test(arguments: ["", "de-DE", "fro", "fr;q=0", ";;;,,", "*"])
    func aBrowserThatWantsNeitherLanguageDecidesNothing(header: String) {
        #expect(PageLanguage(accepted: header) == nil)
    }

    @Test(arguments: [
        (1_772_442_000.0, "2 mars 2026", "2 March 2026"), (1_774_745_999, "29 mars 2026", "29 March 2026"),
        // 2026-06-30T22:30:00Z is July in Paris; 2026-12-31T22:30:00Z is still December.
        (1_782_858_600, "1er juillet 2026", "1 July 2026"), (1_798_756_200, "31 décembre 2026", "31 December 2026"),
        (1_798_758_000, "1er janvier 2027", "1 January 2027"), (1_709_164_800, "29 février 2024", "29 February 2024"),
    ])
    func aDayIsTheOneOfParis(seconds: Double, french: String, english: String) {
        let day = ParisDay(Date(timeIntervalSince1970: seconds))
        #expect(day.words(in: .french) == french)
        #expect(day.words(in: .english) == english)
    }

    /// Foundation knows the zone where these tests run.
    @Test func theDayOfParisIsFoundationsAtEveryHourOfTwoYears() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "Europe/Paris"))
        for hour in 0..<(2 * 366 * 24) {
            let date = Date(timeIntervalSince1970: 1_767_225_600 + Double(hour) * 3600 - 1)
            let parts = calendar.dateComponents([.year, .month, .day], from: date)
            let day = ParisDay(date)
            guard day.year == parts.year, day.month == parts.month, day.day == parts.day else {
                Issue.record("\(date): \(day)")
                return
            }
        }
    }
}

@Suite struct GiverSecretTests {
    private var generator = SeededBits()

    /// The same bits in every run.
    private struct SeededBits: RandomNumberGenerator {
        private var state: UInt64 = 26

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    @Test func aSecretHasNoLetterThatIsTakenForAnotherAndIsReadAsItLooks() throws {
        let word = SecretWord(randomBytes: (0..<17).map { UInt8($0 * 15) })
        #expect(word.text.count == 26)
        #expect(word.text.allSatisfy { !"ilou".contains($0) })
        #expect(SecretWord(word.text.uppercased()) == word)
        let looks = word.text.replacing("0", with: "O").replacing("1", with: "l")
        #expect(SecretWord(looks) == word)
        #expect(SecretWord(String(word.text.dropLast())) == nil)
        #expect(SecretWord(word.text.dropLast() + "ü") == nil)
    }

    @Test func everyBitOfASecretCounts() {
        let blank = SecretWord(randomBytes: Array(repeating: 0, count: 17))
        var seen: Set<SecretWord> = [blank]
        for bit in 0..<130 {
            var bytes = [UInt8](repeating: 0, count: 17)
            bytes[bit / 8] = 0x80 >> UInt8(bit % 8)
            seen.insert(SecretWord(randomBytes: bytes))
        }
        #expect(seen.count == 131)
    }

    @Test mutating func aCodeIsReadWithOrWithoutHyphensSpacesAndCapitals() throws {
        for _ in 0..<200 {
            let code = ReceiptCode(number: generator.next())
            #expect(try ReceiptCode(parsing: code.text) == code)
            #expect(try ReceiptCode(parsing: code.text.uppercased().replacing("-", with: " ")) == code)
        }
        #expect(ReceiptCode(number: 0).text == "babab-babab-babab-babab-00")
    }

    /// One wrong letter or digit, and two letters swapped within a group, are always told from a code that never was.
    @Test mutating func everyTypoIsTold() {
        let alphabet = Array("bdfgjklmnprstvxzaiou0123456789")
        for _ in 0..<20 {
            let text = Array(ReceiptCode(number: generator.next()).text)
            for place in text.indices where text[place] != "-" {
                for letter in alphabet where letter != text[place] {
                    var wrong = text
                    wrong[place] = letter
                    #expect(throws: ReceiptCode.Fault.self) { try ReceiptCode(parsing: String(wrong)) }
                }
                let next = place + 2
                guard next < text.count, text[next] != text[place], text[next] != "-" else { continue }
                var swapped = text
                swapped.swapAt(place, next)
                #expect(throws: ReceiptCode.Fault.self) { try ReceiptCode(parsing: String(swapped)) }
            }
        }
    }

    @Test(arguments: [
        "", "bamor", "bamor-tisok-luvap-xanid", String(repeating: "b", count: 200), "ééééé-ééééé-ééééé-éé",
    ])
    func whatHasNotTheFormIsMalformed(text: String) {
        #expect(throws: ReceiptCode.Fault.malformed) { try ReceiptCode(parsing: text) }
    }
}

@Suite struct InvitationTests {
    private static let start = Date(timeIntervalSince1970: 1_772_442_000)
    private let calendar = AnswerCalendar(
        startedAt: start, completedAt: nil,
        windows: [.init(opensDay: 10, closesDay: 20), .init(opensDay: 30, closesDay: 40)])

    private func day(_ day: Double) -> Date { Self.start.addingTimeInterval(day * 86_400) }

    private func request(
        _ instrument: String = "SUS", expiresAt: Date? = nil
    ) -> InvitationRequest {
        InvitationRequest(
            experiment: UUID(), instrument: instrument, occasion: "M3", language: nil, expiresAt: expiresAt)
    }

    @Test func aLinkOpensInItsWindowsAndSaysWhenTheNextOneOpens() {
        #expect(calendar.place(at: day(9.99)) == .early(opensAt: day(10)))
        #expect(calendar.place(at: day(10)) == .open(until: day(20)))
        #expect(calendar.place(at: day(20)) == .early(opensAt: day(30)))
        #expect(calendar.place(at: day(39.99)) == .open(until: day(40)))
        #expect(calendar.place(at: day(40)) == .over)
        var ended = calendar
        ended.completedAt = day(12)
        #expect(ended.place(at: day(12)) == .over)
        #expect(AnswerCalendar(startedAt: nil, completedAt: nil, windows: []).place(at: day(0)) == .early(opensAt: nil))
    }

    @Test func aLinkEndsAfterThirtyDaysUnlessToldOtherwiseAndAfterNinetyAtMost() throws {
        #expect(try request().check(calendar, covers: true, now: day(11)) == day(41))
        #expect(try request(expiresAt: day(101)).check(calendar, covers: true, now: day(11)) == day(101))
        for wrong in [day(101.1), day(11), day(1)] {
            #expect(throws: InvitationRefusal.expiryOutOfRange) {
                try request(expiresAt: wrong).check(calendar, covers: true, now: day(11))
            }
        }
    }

    @Test func whatCouldNotBeAnsweredIsNotAskedFor() {
        #expect(throws: InvitationRefusal.noPage) {
            try request("EQ-5D-5L").check(calendar, covers: true, now: day(11))
        }
        #expect(throws: InvitationRefusal.consentMissing) {
            try request().check(calendar, covers: false, now: day(11))
        }
        #expect(throws: InvitationRefusal.windowOver) { try request().check(calendar, covers: true, now: day(41)) }
        var unplanned = calendar
        unplanned.windows = []
        #expect(throws: InvitationRefusal.notInProtocol) {
            try request().check(unplanned, covers: true, now: day(11))
        }
    }

    @Test func anAnsweredLinkStaysAnsweredWhateverElseEndsIt() {
        var invitation = Invitation(
            id: UUID(), experiment: UUID(), participant: UUID(), instrument: "SUS", occasion: "M3", language: nil,
            createdAt: day(1), expiresAt: day(15))
        #expect(GiverStanding(invitation, calendar, now: day(11)) == .open(until: day(15)))
        #expect(GiverStanding(invitation, calendar, now: day(15)) == .expired)
        invitation.withdrawnAt = day(2)
        #expect(GiverStanding(invitation, calendar, now: day(11)) == .withdrawn)
        invitation.isAnswered = true
        #expect(GiverStanding(invitation, calendar, now: day(11)) == .answered)
    }
}
