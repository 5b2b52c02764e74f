import Events
import Testing

@testable import Applications

@Suite struct DeadLetterWordsTests {
    @Test func everyEventThatIsHandledHereHasWordsForWhatIsNotDone() {
        let handled = EventCatalogue.entries.filter { $0.handledBy.contains(.applications) }.map(\.type.name)
        #expect(Set(DeadLetterWords.effects.keys) == Set(handled))
    }
}
