import Events
import Testing

@testable import Feedback

@Suite struct DeadLetterWordsTests {
    @Test func everyEventThatIsHandledHereHasWordsForWhatIsNotDone() {
        let handled = EventCatalogue.entries.filter { $0.handledBy.contains(.feedback) }.map(\.type.name)
        #expect(Set(DeadLetterWords.effects.keys) == Set(handled))
    }
}
