import Events
import Testing

@testable import Applications

@Suite struct DeadLetterWordsTests {
    @Test func everyEventThatIsHandledHereHasWordsForWhatIsNotDone() {
        let handled = EventCatalogue.entries.filter { $0.handledBy.contains(.applications) }.map(\.type)
        // A checkpoint that is lost is replaced by the next.
        let effective = handled.filter { $0.noun != CheckpointSlice.noun }.map(\.name)
        #expect(Set(DeadLetterWords.effects.keys) == Set(effective))
    }
}
