import Events
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Funding

/// What an account came to at any moment before.
@Suite(.timeLimit(.minutes(10))) struct LedgerReadingTests {
    struct BalanceAnswer: Decodable, Equatable {
        let debitedCents: Int64
        let creditedCents: Int64
        let balanceCents: Int64
        let lastEntry: Int64?
    }

    struct EntryAnswer: Decodable {
        struct Account: Decodable, Equatable {
            let kind: String
            let owner: UUID
        }

        let entry: Int64
        let at: Date
        let reason: String
        let debit: Account
        let credit: Account
        let amountCents: Int64
        let balanceAfterCents: Int64
        let event: UUID
    }

    private func balance(
        _ kind: String, _ owner: UUID, _ query: String = "", in programme: Programme
    ) async throws -> BalanceAnswer {
        let path = "/v1/ledger/accounts/\(kind)/\(owner.lowercase)\(query)"
        return try await programme.service.request(.get, path, as: [.ministry]).decode()
    }

    private func entries(
        _ kind: String, _ owner: UUID, limit: Int, in programme: Programme
    ) async throws -> [EntryAnswer] {
        var (found, next): ([EntryAnswer], String?) = ([], "")
        while let after = next {
            let cursor = after.isEmpty ? "" : "&after=\(after)"
            let path = "/v1/ledger/accounts/\(kind)/\(owner.lowercase)/entries?limit=\(limit)\(cursor)"
            let page = try await programme.service.request(.get, path, as: [.operator])
                .decode(PageAnswer<EntryAnswer>.self)
            found += page.items
            next = page.next
        }
        return found
    }

    @Test func everyPastBalanceIsTheSumOfTheEntriesUpToIt() async throws {
        try await Programme.with { programme in
            // given: an account that money enters and leaves, a day apart
            try await programme.prepare()
            let envelope = try #require(try await programme.envelopes()["animation"]?.id)
            var chance = Chance(seed: 11)
            for number in 1...12 {
                programme.service.clock.advance(by: .seconds(86_400))
                let made = try await programme.reserve(envelope, chance.cents(1...10_000_000))
                guard number.isMultiple(of: 3) else { continue }
                let id = try made.decode(Reservations.ReservationAnswer.self).id
                _ = try await programme.service.request(
                    .post, "/v1/reservations/\(id.lowercase)/let-go", as: [.operator], json: "{}",
                    headers: Programme.ifMatch(1))
            }
            // when
            let entries = try await entries("available", envelope, limit: 5, in: programme)
            // then
            #expect(entries.count == 17 && entries.map(\.entry) == entries.map(\.entry).sorted())
            var sum: Int64 = 0
            for entry in entries {
                sum += entry.credit.owner == envelope ? entry.amountCents : -entry.amountCents
                #expect(entry.balanceAfterCents == sum)
                let atEntry = try await balance("available", envelope, "?entry=\(entry.entry)", in: programme)
                #expect(atEntry.balanceCents == sum && atEntry.lastEntry == entry.entry)
            }
            for (entry, next) in zip(entries, entries.dropFirst()) where entry.at < next.at {
                let instant = WireInstant.format(next.at.addingTimeInterval(-1))
                let asOf = try await balance("available", envelope, "?at=\(instant)", in: programme)
                #expect(asOf.balanceCents == entry.balanceAfterCents)
            }
            let now = try await balance("available", envelope, in: programme)
            #expect(now.balanceCents == sum && now.creditedCents - now.debitedCents == sum)
            let before = try await balance("available", envelope, "?at=2020-01-01T00:00:00Z", in: programme)
            #expect(before == BalanceAnswer(debitedCents: 0, creditedCents: 0, balanceCents: 0, lastEntry: nil))
        }
    }

    @Test func anEntryOpensToTheEventThatTellsIt() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            try await programme.service.deliver(Controls.siteOpened(agreement), subject: UUID().lowercase)
            let tranche = agreement.tranches[0].id
            let payment: PaymentAnswer = try await programme.order(tranche).decode()
            _ = try await programme.approve(payment.id)
            _ = try await programme.execute(payment.id)
            // when
            let entries = try await entries("released", tranche, limit: 50, in: programme)
            // then: a paid euro, the release that allowed it, and the evidence of that
            #expect(entries.map(\.reason) == ["release", "pay"])
            #expect(entries[1].credit.kind == "paid" && entries[1].balanceAfterCents == 0)
            let log = try await programme.service.pool.query(
                "select type from events where id = any(\(entries.map(\.event))) order by position")
            #expect(
                try log.map { try $0.get("type", as: String.self) }
                    == [TrancheReleased.type.name, PaymentExecuted.type.name])
        }
    }

    @Test func aBeneficiaryReadsTheAccountsOfItsOwnGrants() async throws {
        try await Programme.with { programme in
            // given
            try await programme.prepare()
            let agreement = try await programme.signedAgreement()
            let envelope = try #require(try await programme.envelopes()["animation"]?.id)
            func status(_ kind: String, _ owner: UUID, organisation: String) async throws -> HTTPResponse.Status {
                try await programme.service.request(
                    .get, "/v1/ledger/accounts/\(kind)/\(owner.lowercase)", as: [.siteManager],
                    organisation: organisation
                ).status
            }
            // then
            #expect(try await status("committed", agreement.id, organisation: Controls.siren) == .ok)
            #expect(try await status("committed", agreement.id, organisation: "180020026") == .notFound)
            #expect(try await status("available", envelope, organisation: Controls.siren) == .notFound)
            #expect(try await status("nothing", envelope, organisation: Controls.siren) == .notFound)
            let both = try await programme.service.request(
                .get, "/v1/ledger/accounts/available/\(envelope.lowercase)?at=2026-01-01T00:00:00Z&entry=1",
                as: [.operator])
            #expect(both.status == .badRequest)
        }
    }
}
