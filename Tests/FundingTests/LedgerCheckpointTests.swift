import Events
import Foundation
import Postgres
import ServiceRuntime
import TestSupport
import Testing

@testable import Funding

/// What funding says of its ledger, for those who sum the money up from the events.
@Suite(.timeLimit(.minutes(10))) struct LedgerCheckpointTests {
    @Test func aCheckpointHoldsTheBalancesOfTheLedger() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement(cents: 100_000_001)
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let advance = try await programme.tranche(1, of: agreement.id)
            let payment: PaymentAnswer = try await programme.order(advance.id).decode()
            _ = try await programme.approve(payment.id)
            _ = try await programme.execute(payment.id)
            // when
            try await programme.service.checkpoint()
            // then
            let told = try #require(try await programme.ledgerCheckpoints().last)
            #expect(told.balancesCents.filter { $0.value != 0 } == (try await programme.balances()))
            #expect(told.balancesCents.values.reduce(0, +) == 0)
            #expect(told.balancesCents["paid"] == 30_000_000 && told.balancesCents["budget"] == -6_300_000_000)
        }
    }

    @Test func whereNoMoneyMovedTheLedgerSaysNothing() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.service.checkpoint()
            // when
            try await programme.publishRules(name: "aap-tle-2023", validFrom: "2027-01-01T00:00:00Z")
            try await programme.service.checkpoint()
            // then
            #expect(try await programme.ledgerCheckpoints().count == 1)
            #expect(try await programme.service.recordedEvents(type: "funding.log.checkpointed.v1").count == 2)
        }
    }

    @Test func checkpointsAddUp() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            try await programme.service.checkpoint()
            // when: a checkpoint after each step
            for rank in 1...3 {
                _ = try await programme.signedAgreement(rank: rank, cents: 1_000_000)
                try await programme.service.checkpoint()
            }
            // then
            let told = try await programme.ledgerCheckpoints()
            #expect(told.count == 4)
            #expect(told.last?.balancesCents.filter { $0.value != 0 } == (try await programme.balances()))
        }
    }
}

extension Programme {
    fileprivate func ledgerCheckpoints() async throws -> [LedgerCheckpointed] {
        try await service.recordedEvents(type: LedgerCheckpointed.type.name).map { try $0.decode() }
    }

    /// By class of account, as the ledger has them; without the empty ones.
    fileprivate func balances() async throws -> [String: Int64] {
        let rows = try await service.pool.query(
            """
            select kind, sum(credited_cents - debited_cents)::bigint as cents from accounts
            group by kind having sum(credited_cents - debited_cents) <> 0
            """)
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.get("kind"), try $0.get("cents")) })
    }
}
