import Events
import Foundation
import Postgres
import ReportingDomain
import ServiceRuntime
import TestSupport
import Testing

@testable import Reporting

/// The money of the facts against what funding says of its ledger.
@Suite(.timeLimit(.minutes(10))) struct LedgerCheckTests {
    /// What the story comes to: both envelopes, one grant, one agreement, a tranche released and paid.
    private let balances: [String: Int64] = [
        "budget": -150_000_000, "available": 120_000_000, "reserved": 0, "committed": 15_000_000, "released": 0,
        "paid": 15_000_000,
    ]

    @Test func factsThatAreWholeFitTheLedger() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            // when
            try await tell(balances, at: 100, to: service)
            // then
            #expect(try await ReportingService.differences(on: service.pool).isEmpty)
        }
    }

    @Test func aFactThatWasTamperedWithIsFound() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let story = Story()
            try await story.deliver(story.events, to: service)
            try await tell(balances, at: 100, to: service)
            // when
            try await service.pool.query(
                "update facts set amount_cents = amount_cents + 1 where kind = 'payment-executed'")
            // then
            #expect(
                try await ReportingService.differences(on: service.pool) == [
                    SumDifference(name: "paid of the ledger, cents", expected: 15_000_000, found: 15_000_001),
                    SumDifference(name: "released of the ledger, cents", expected: 0, found: -1),
                ])
        }
    }

    @Test func anEventThatIsMissingIsFoundUntilItComes() async throws {
        let story = Story()
        let (payments, others) = Self.parted(story.events)
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            try await story.deliver(others, to: service)
            try await tell(balances, at: 100, to: service)
            let before = try await ReportingService.differences(on: service.pool)
            #expect(before.map(\.found) == [0, 15_000_000])
            // when
            try await story.deliver(payments, to: service)
            // then
            let after = try await ReportingService.differences(on: service.pool)
            #expect(after.isEmpty)
        }
    }

    @Test func whatFundingLoggedAfterItsWordIsNotHeldAgainstIt() async throws {
        let story = Story()
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            try await story.deliver(story.events, to: service)
            try await tell(balances, at: 100, to: service)
            // when: a later event, and an older word that comes late
            let envelope = Story.id(9, 9)
            let opened = EnvelopeOpened(envelope: envelope, call: story.call, kind: .animation, amountCents: 5)
            try await service.deliver(opened, subject: envelope.lowercase, position: 101)
            try await tell(["budget": 0], at: 99, to: service, sequence: 2)
            // then
            let differences = try await ReportingService.differences(on: service.pool)
            #expect(differences.isEmpty)
        }
    }

    @Test func anAgreementGivesBackEachTimeThatItShrinks() async throws {
        let story = Story()
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            try await story.deliver(story.events, to: service)
            let (grant, envelope, subject) = (Story.id(1, 22), Story.id(1, 20), story.agreement.lowercase)
            // when: twice by an amendment, and by its settlement
            for amendment in 1...2 {
                let amended = AgreementAmended(
                    agreement: story.agreement, amendment: amendment, grant: grant, envelope: envelope,
                    amountCents: 1_000, totalCents: 30_000_000, parts: [], amendedAt: story.start)
                try await service.deliver(amended, subject: subject, sequence: Int64(amendment) + 1)
            }
            let settled = AgreementSettled(
                agreement: story.agreement, grant: grant, envelope: envelope, amountCents: 500, parts: [],
                settledAt: story.start)
            try await service.deliver(settled, subject: subject, sequence: 4)
            // then
            let back: [String: Int64] = ["available": 2_500, "committed": -2_500]
            try await tell(balances.merging(back) { $0 + $1 }, at: 100, to: service)
            #expect(try await ReportingService.differences(on: service.pool).isEmpty)
        }
    }

    /// The executed payments apart.
    private static func parted(_ events: [Told]) -> (payments: [Told], others: [Told]) {
        (events.filter { $0.payload is PaymentExecuted }, events.filter { !($0.payload is PaymentExecuted) })
    }

    private func tell(
        _ balances: [String: Int64], at position: Int64, to service: ServiceHarness, sequence: Int64 = 1
    ) async throws {
        try await service.deliver(
            LedgerCheckpointed(position: position, balancesCents: balances), subject: "ledger", sequence: sequence)
    }
}
