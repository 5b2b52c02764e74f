import Events
import Testing

@testable import Experimentation

@Suite struct DeadLetterWordsTests {
    @Test func everyEventThatIsHandledHereHasWordsForWhatIsNotDone() {
        let handled = EventCatalogue.entries.filter { $0.handledBy.contains(.experimentation) }.map(\.type.name)
        #expect(Set(DeadLetterWords.effects.keys) == Set(handled))
    }
}
