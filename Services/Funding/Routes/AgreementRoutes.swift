import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.UUID

/// Agreements: drafted for a reserved grant, signed by both sides.
struct AgreementRoutes: Sendable {
    let agreements: AgreementStore
    let payments: PaymentStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/agreements").get(use: list).post(use: draft).get("{id}", use: show)
            .post("{id}/sign", use: sign)
    }

    @Sendable private func draft(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(DraftAgreement.self)
        let plan = try body.plan()
        return try await command.run(on: commands.pool) { transaction in
            let drafted = try await agreements.draft(
                grant: body.grant, as: plan, commands.context(context), in: transaction)
            let view = try await view(of: drafted, in: transaction)
            return try CommandResponse.created(view, at: "/v1/agreements/\(view.id)", version: view.version)
        }
    }

    @Sendable private func sign(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, SignedBody.self) { body, transaction in
            let signed = try await agreements.sign(
                id, try body.signature(), expected: expected, commands.context(context), in: transaction)
            return Versioned(value: try await view(of: signed, in: transaction), version: signed.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<AgreementSummary> {
        let siren = try context.requireReader()
        let page = try request.page()
        let filter = AgreementStore.Filter(application: try Reading.id("application", of: request), siren: siren)
        let found = try await agreements.list(
            filter, after: try Reading.after(page), limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.value.id) { AgreementSummary($0) }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let found = try await agreements.find(try context.uuid("id"), visibleTo: siren, in: commands.pool)
        let view = try await view(of: found, in: commands.pool)
        return try JSONResponse(view, version: view.version).response()
    }

    private func view(
        of agreement: Versioned<Agreement>, in session: some PostgresSession
    ) async throws -> AgreementView {
        let id = agreement.value.id
        return AgreementView(
            agreement, tranches: try await agreements.tranches.standings(ofAgreement: id, in: session),
            payments: try await payments.ofAgreement(id, in: session))
    }
}
