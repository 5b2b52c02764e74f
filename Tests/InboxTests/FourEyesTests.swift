import Inbox
import Testing

@Suite struct FourEyesTests {
    @Test(arguments: ["Anne Durand", "anne durand", "  Anne   DURAND ", "Anne\u{A0}Durand"])
    func thePersonWhoActsCannotAgreeToo(second: String) {
        // when
        let refusal = #expect(throws: ActRefusal.self) {
            try FourEyes(by: "Anne Durand", second: second, reason: "the cause is mended")
        }
        // then
        #expect(
            refusal?.description
                == "--second is the same person as --by: ask somebody else to agree, and give that name")
    }

    @Test(
        arguments: [
            (nil, "Marc", "because", "--by"), ("Anne", nil, "because", "--second"), ("Anne", "Marc", nil, "--reason"),
            ("Anne", " ", "because", "--second"), ("Anne", "Marc", "why", "--reason"), ("A", "Marc", "because", "--by"),
            ("Anne", "Marc", String(repeating: "x", count: 501), "--reason"),
            ("Anne\u{1B}[2J", "Marc", "because", "--by"),
        ] as [(String?, String?, String?, String)])
    func whatIsMissingOrNoNameIsRefusedWithItsField(by: String?, second: String?, reason: String?, field: String) {
        let refusal = #expect(throws: ActRefusal.self) { try FourEyes(by: by, second: second, reason: reason) }
        #expect(refusal?.field == field)
    }

    @Test func spacesDoNotCount() throws {
        let people = try FourEyes(by: " Anne  Durand", second: "Marc\tPetit", reason: " the cause\nis mended ")
        #expect(people.by == "Anne Durand" && people.second == "Marc Petit" && people.reason == "the cause is mended")
    }
}
