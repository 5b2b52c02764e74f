import RabbitMQ
import Testing

@testable import Outbox

@Suite struct RelayProgressTests {
    private let now = ContinuousClock.now

    private func row(_ position: Int64, _ subject: String, _ sequence: Int64) -> OutboxRow {
        OutboxRow(
            position: position, key: SubjectKey(stream: "milestone", subject: subject), sequence: sequence, age: .zero,
            message: OutgoingMessage(
                exchange: "", routingKey: "", body: [], messageID: "\(position)", contentType: "application/json"),
            mayBeReturned: false)
    }

    private func snapshot(oldest: Int64, next: Int64) -> TransactionSnapshot {
        TransactionSnapshot(oldestRunning: oldest, next: next)
    }

    @Test func aRowWaitsForAPredecessorThatWasCommittedBeforeItAndSeenAfterIt() {
        // given: position 7 (a 1) was drawn first and committed late; the look found 9 (a 2) and 10 only
        var progress = RelayProgress()
        let rows = [row(9, "a", 2), row(10, "b", 1)]
        // when
        let unproven = progress.unproven(rows)
        let claimed = progress.claim(rows, late: [9], now: now)
        // then
        #expect(unproven.map(\.position) == [9])
        #expect(claimed.map(\.position) == [10])
        let again = [row(7, "a", 1), row(9, "a", 2)]
        #expect(progress.unproven(again).isEmpty)
        #expect(progress.claim(again, late: [], now: now).map(\.position) == [7, 9])
    }

    @Test func rowsBehindALateOneWaitToo() {
        // given
        var progress = RelayProgress()
        // when
        let claimed = progress.claim([row(9, "a", 3), row(11, "a", 4), row(12, "a", 5)], late: [9], now: now)
        // then
        #expect(claimed.isEmpty)
    }

    @Test func theFloorRisesOnlyWhenEveryTransactionThatRanAtTheMarkHasEnded() {
        // given
        var progress = RelayProgress()
        progress.scanned(upTo: 100, wasComplete: true)
        progress.beginRescan(snapshot(oldest: 40, next: 50))
        progress.scanned(upTo: 120, wasComplete: true)
        // when: transaction 45 still runs
        progress.beginRescan(snapshot(oldest: 45, next: 60))
        progress.scanned(upTo: 130, wasComplete: true)
        // then
        #expect(progress.floor == 0)
        // when: it has ended
        progress.beginRescan(snapshot(oldest: 50, next: 70))
        #expect(progress.cursor == 0)
        progress.scanned(upTo: 140, wasComplete: true)
        // then: what was below 100 at the mark is final, what came since is not
        #expect(progress.floor == 100)
    }

    @Test func whatWasDrawnAndNotSeenIsMissingUntilItAppearsOrNeverWill() {
        // given
        var progress = RelayProgress()
        progress.looked([40, 43], limit: 10)
        #expect(progress.missing == [41, 42] && progress.cursor == 43)
        // when: one appears, others are drawn
        progress.looked([42, 46], limit: 10)
        // then
        #expect(progress.missing == [41, 44, 45] && progress.cursor == 46)
        // when: nobody who ran at the mark runs any more
        progress.beginRescan(snapshot(oldest: 40, next: 50))
        progress.beginRescan(snapshot(oldest: 50, next: 60))
        progress.scanned(upTo: 46, wasComplete: true)
        progress.looked([], limit: 10)
        // then
        #expect(progress.missing.isEmpty && progress.floor == 46)
    }

    @Test func whatARescanHasClaimedIsNotMissing() {
        var progress = RelayProgress()
        progress.looked([40, 43], limit: 10)
        _ = progress.claim([row(41, "a", 1)], late: [], now: now)
        #expect(progress.missing == [42])
    }

    @Test func oldGapsAreLeftToTheRescans() {
        var progress = RelayProgress()
        progress.looked([1, 10_000, 10_003], limit: 10)
        #expect(progress.missing == Array(9_502..<10_000) + [10_001, 10_002])
    }

    @Test func aRescanThatFoundNothingEndsAtTheHighestPosition() {
        var progress = RelayProgress()
        progress.looked([7], limit: 10)
        progress.beginRescan(snapshot(oldest: 40, next: 50))
        #expect(progress.isBehind)
        progress.scanned(upTo: nil, wasComplete: true)
        #expect(!progress.isBehind && progress.cursor == 7)
    }

    @Test func theFloorDoesNotRiseBeforeTheRescanHasPassedIt() {
        // given
        var progress = RelayProgress()
        progress.scanned(upTo: 100, wasComplete: true)
        progress.beginRescan(snapshot(oldest: 40, next: 50))
        progress.scanned(upTo: 100, wasComplete: true)
        progress.beginRescan(snapshot(oldest: 50, next: 60))
        // when
        progress.scanned(upTo: 60, wasComplete: false)
        // then
        #expect(progress.floor == 0)
        progress.scanned(upTo: 110, wasComplete: false)
        #expect(progress.floor == 100)
    }

    @Test func aConfirmedHeldRowSendsTheLookBackToItsPlace() {
        // given
        var progress = RelayProgress()
        let rows = [row(5, "a", 1), row(6, "a", 2), row(8, "b", 1)]
        progress.scanned(upTo: 8, wasComplete: true)
        _ = progress.claim(rows, late: [], now: now)
        let settlement = progress.settle(rows, [.nacked, .confirmed, .confirmed], now: now)
        #expect(settlement.publishedCount == 1 && progress.published == [8])
        #expect(progress.due(at: now + .seconds(60), limit: 10) == [5] && progress.nextRetry != nil)
        // when
        let retried = progress.claimRetries([rows[0]], now: now)
        #expect(progress.due(at: now + .seconds(60), limit: 10).isEmpty && progress.nextRetry == nil)
        #expect(progress.settle(retried, [.confirmed], now: now).publishedCount == 1 && progress.published == [8, 5])
        // then
        #expect(progress.holds.isEmpty && progress.cursor == 5)
        #expect(progress.unproven([rows[1]]).isEmpty)
    }

    @Test func aSecondFailureWaitsLongerThanTheFirst() {
        for failure in [RelayFailure.nacked, .returned, .unknown] {
            #expect(failure.delayMilliseconds(afterFailures: 1) == 50...100)
            #expect(failure.delayMilliseconds(afterFailures: 50) == 15_000...30_000)
        }
    }

    @Test func aRowThatCannotBePublishedHereIsHeldAndNeverClaimed() {
        // given
        var progress = RelayProgress()
        let foreign = OutboxRow(
            position: 3, key: SubjectKey(stream: "grant", subject: "a"), sequence: 1, age: .zero, message: nil,
            mayBeReturned: false)
        // then
        #expect(progress.claim([foreign], late: [], now: now).isEmpty)
        #expect(progress.holds.count == 1 && progress.claimed.isEmpty)
    }

    @Test func aHeldRowThatAnOperatorDroppedFreesItsSubject() {
        // given
        var progress = RelayProgress()
        let rows = [row(5, "a", 1)]
        _ = progress.claim(rows, late: [], now: now)
        _ = progress.settle(rows, [.nacked], now: now)
        // when
        progress.drop([5])
        // then
        #expect(progress.holds.isEmpty)
        #expect(progress.unproven([row(6, "a", 2)]).isEmpty)
    }
}
