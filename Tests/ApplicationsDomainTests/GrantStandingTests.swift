import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ApplicationsDomain

struct GrantStandingTests {
    @Test func everyOrderOfArrivalEndsTheSame() {
        // given
        let start = Controls.afterCall
        let news = [
            GrantStanding(.refused(grant: UUID(), reason: "envelope-exhausted"), at: start),
            GrantStanding(.reserved(grant: UUID(), cents: 75_000_000), at: start.addingTimeInterval(60)),
            GrantStanding(.refused(grant: UUID(), reason: "later"), at: start.addingTimeInterval(60)),
        ]
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [2, 1, 0, 0, 1, 2]]
        // when
        let ends = orders.map { $0.reduce(GrantStanding()) { $0.merging(news[$1]) } }
        // then
        #expect(ends.allSatisfy { $0 == news[1] })
        #expect(ends[0].state == .reserved && ends[0].reservedCents == 75_000_000)
        #expect(ends[0].asOf == start.addingTimeInterval(60))
    }

    @Test func nothingIsKnownAtFirst() {
        let standing = GrantStanding()
        #expect(standing.state == .unknown && standing.asOf == nil)
        #expect(standing.merging(GrantStanding()) == standing)
    }
}
