import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Balances of any account, now and at any moment before, and the entries behind them.
struct LedgerRoutes: Sendable {
    let ledger: LedgerReadings

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/ledger/accounts/{kind}/{owner}").get(use: balance).get("entries", use: entries)
    }

    @Sendable private func balance(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let found = try await ledger.balance(
            of: try kind(context), try context.uuid("owner"), at: try Self.moment(request), visibleTo: siren)
        return try JSONResponse(BalanceView(found)).response()
    }

    @Sendable private func entries(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<EntryView> {
        let siren = try context.requireReader()
        let page = try request.page()
        let found = try await ledger.entries(
            of: try kind(context), try context.uuid("owner"), after: try page.after?.position() ?? 0,
            limit: page.limit + 1, visibleTo: siren)
        return Reading.page(found, limit: page.limit, cursor: { Cursor(position: $0.number) }) { EntryView($0) }
    }

    private func kind(_ context: MaillageContext) throws -> String {
        let kind = try context.parameter("kind")
        guard LedgerAccount.classes.contains(kind) else { throw Problem.notFound("kind of account") }
        return kind
    }

    private static func moment(_ request: Request) throws(Problem) -> LedgerReadings.Moment {
        let parameters = request.uri.queryParameters
        switch (parameters["at"], parameters["entry"]) {
        case (nil, nil): return .now
        case (let text?, nil):
            guard let instant = WireInstant.parse(String(text)) else {
                throw bad("at", expected: "an instant such as 2026-01-31T23:00:00Z")
            }
            return .instant(instant)
        case (nil, let text?):
            guard let number = Int64(text), number >= 0 else { throw bad("entry", expected: "the number of an entry") }
            return .entry(number)
        case (_?, _?): throw bad("entry", expected: "either `at` or `entry`")
        }
    }

    private static func bad(_ name: String, expected: String) -> Problem {
        Problem(.badRequest, "bad-parameter", "A parameter is not as it must be", detail: "expected \(expected)")
            .at("?\(name)")
    }
}

/// What an account came to, in cents.
struct BalanceView: Encodable, Sendable {
    let kind: String
    let owner: String
    let debitedCents: Int64
    let creditedCents: Int64
    let balanceCents: Int64
    /// The last entry that is in it.
    let lastEntry: Int64?

    init(_ balance: LedgerReadings.Balance) {
        kind = balance.kind
        owner = balance.owner.lowercase
        debitedCents = balance.debitedCents
        creditedCents = balance.creditedCents
        balanceCents = balance.balanceCents
        lastEntry = balance.lastEntry
    }
}

/// One entry of the ledger.
struct EntryView: Encodable, Sendable {
    struct Account: Encodable, Sendable {
        let kind: String
        let owner: String
    }

    let entry: Int64
    let at: Date
    let reason: String
    let debit: Account
    let credit: Account
    let amountCents: Int64
    /// Of the account whose entries these are.
    let balanceAfterCents: Int64
    /// The event that tells it.
    let event: String

    init(_ entry: LedgerReadings.Entry) {
        self.entry = entry.number
        at = entry.at
        reason = entry.reason
        debit = Account(kind: entry.debit.kind, owner: entry.debit.owner.lowercase)
        credit = Account(kind: entry.credit.kind, owner: entry.credit.owner.lowercase)
        amountCents = entry.amountCents
        balanceAfterCents = entry.balanceAfterCents
        event = entry.event.lowercase
    }
}
