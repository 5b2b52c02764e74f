import Events
import Foundation
import Testing

@Suite struct EventWordsTests {
    @Test func everyTypeIsCalledSomethingInBothLanguages() throws {
        for payload in EventSamples.complete + EventSamples.minimal {
            let type = Swift.type(of: payload).type
            let words = try #require(EventWords.of(type.name, data: WireCoding.encode(payload)), "\(type)")
            #expect(!words.fr.isEmpty && !words.en.isEmpty && words.fr != words.en, "\(type)")
        }
        #expect(Set(EventSamples.complete.map { Swift.type(of: $0).type }) == Set(EventCatalogue.entries.map(\.type)))
    }

    @Test func nothingIsSaidAboutAPerson() throws {
        // given
        for payload in EventSamples.complete {
            let type = Swift.type(of: payload).type
            let data = try WireCoding.encode(payload)
            let words = try #require(EventWords.of(type.name, data: data))
            // when: every text that travels under a name of a person's value
            let members = try #require(try JSONSerialization.jsonObject(with: Data(data)) as? [String: Any])
            for name in ["participant", "pseudonym"] {
                guard let value = members[name] as? String else { continue }
                // then
                #expect(!words.fr.contains(value) && !words.en.contains(value), "\(type) \(name)")
            }
        }
    }

    @Test func anUnknownTypeAndABrokenPayloadHaveNoWords() {
        #expect(EventWords.of("funding.nothing.happened.v1", data: Array("{}".utf8)) == nil)
        #expect(EventWords.of(PaymentExecuted.type.name, data: Array("{}".utf8)) == nil)
    }

    @Test func amountsAreWrittenAsPeopleDo() {
        #expect(
            [0, 5, 123_456_789, -100_050].map(EuroText.fr) == ["0,00 €", "0,05 €", "1 234 567,89 €", "-1 000,50 €"])
        #expect([0, 5, 123_456_789, -100_050].map(EuroText.en) == ["€0.00", "€0.05", "€1,234,567.89", "-€1,000.50"])
        #expect(EuroText.en(.min) == "-€92,233,720,368,547,758.08")
    }
}
