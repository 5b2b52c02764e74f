import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// What becomes of an agreement after it was signed, and all that happened to it.
struct AgreementChangeRoutes: Sendable {
    let changes: AgreementChanges
    let recoveries: RecoveryStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/agreements/{id}").post("suspend", use: suspend).post("resume", use: resume)
            .post("terminate", use: terminate).post("discard", use: discard).get("history", use: history).get(
                "recoveries", use: recoveries)
    }

    private struct ChangeAgreement: Decodable, Sendable {
        let reason: String
    }

    @Sendable private func suspend(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await changes.suspend($0, $1, in: $2) }
    }

    @Sendable private func resume(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await changes.resume($0, $1, in: $2) }
    }

    @Sendable private func terminate(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await changes.terminate($0, $1, in: $2) }
    }

    @Sendable private func discard(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try await change(request, context) { try await changes.discard($0, $1, in: $2) }
    }

    private func change(
        _ request: Request, _ context: MaillageContext,
        _ apply: (AgreementChanges.Order, CommandContext, PostgresTransaction) async throws -> Versioned<Agreement>
    ) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, ChangeAgreement.self) { body, transaction in
            let order = AgreementChanges.Order(agreement: id, expected: expected, reason: body.reason)
            let changed = try await apply(order, commands.context(context), transaction)
            return Versioned(value: AgreementSummary(changed), version: changed.version)
        }
    }

    @Sendable private func history(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<HistoryStep> {
        let siren = try context.requireReader()
        let id = try context.uuid("id")
        let page = try request.page()
        _ = try await changes.agreements.find(id, visibleTo: siren, in: commands.pool)
        let found = try await AgreementHistory.steps(
            of: id, after: try page.after?.position() ?? 0, limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, cursor: { Cursor(position: $0.position) }) { HistoryStep($0) }
    }

    @Sendable private func recoveries(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<RecoveryView> {
        let siren = try context.requireReader()
        let id = try context.uuid("id")
        _ = try await changes.agreements.find(id, visibleTo: siren, in: commands.pool)
        let found = try await recoveries.ofAgreement(id, visibleTo: siren, in: commands.pool)
        return PageResponse(found.map { RecoveryView($0) }, next: nil)
    }
}

/// One thing that happened, in words.
struct HistoryStep: Encodable, Sendable {
    let position: Int64
    let at: Date
    let type: String
    let subject: String
    let actor: String
    let fr: String
    let en: String
    let event: String

    init(_ step: AgreementHistory.Step) {
        position = step.position
        at = step.at
        type = step.type
        subject = step.subject
        actor = step.actor
        fr = step.words?.fr ?? step.type
        en = step.words?.en ?? step.type
        event = step.event.lowercase
    }
}
