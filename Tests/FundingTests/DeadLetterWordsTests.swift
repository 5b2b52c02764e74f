import Events
import Testing

@testable import Funding

@Suite struct DeadLetterWordsTests {
    @Test func everyEventThatIsHandledHereHasWordsForWhatIsNotDone() {
        let handled = EventCatalogue.entries.filter { $0.handledBy.contains(.funding) }.map(\.type.name)
        #expect(Set(DeadLetterWords.effects.keys) == Set(handled))
    }
}
