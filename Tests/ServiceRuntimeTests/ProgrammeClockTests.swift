import FoundationEssentials
import ServiceRuntime
import TestSupport
import Testing

@Suite struct ProgrammeClockTests {
    @Test func withoutAFileItIsTheRealClock() {
        #expect(abs(ProgrammeClock(offsetFile: nil).now().timeIntervalSinceNow) < 5)
    }

    @Test func theOffsetFollowsTheFileAndNonsenseChangesNothing() async throws {
        // given
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("offset-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let clock = ProgrammeClock(offsetFile: path)
        func ahead() -> Double { clock.now().timeIntervalSinceNow }
        // then: no file is no offset
        #expect(abs(ahead()) < 5)
        try Data("86400\n".utf8).write(to: URL(fileURLWithPath: path))
        try await waitUntil("a day ahead") { abs(ahead() - 86_400) < 5 }
        try Data("-3600.5".utf8).write(to: URL(fileURLWithPath: path))
        try await waitUntil("an hour back") { abs(ahead() + 3_600.5) < 5 }
        for nonsense in ["", "soon", "1e300", "nan"] {
            try Data(nonsense.utf8).write(to: URL(fileURLWithPath: path))
            // Longer than the 200 ms for which a value is kept, so that the file was read again.
            let start = ContinuousClock.now
            try await waitUntil("read again") { ContinuousClock.now - start > .milliseconds(250) }
            #expect(abs(ahead() + 3_600.5) < 5)
        }
    }

    @Test func aTestsClockStandsUntilItIsMoved() {
        let test = TestClock()
        let before = test.clock.now()
        #expect(test.clock.now() == before)
        test.advance(by: .milliseconds(1_500))
        #expect(test.clock.now() == before + 1.5)
    }
}
