import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Amendments: drafted with the difference that they make, signed by both sides.
struct AmendmentRoutes: Sendable {
    let amendments: AmendmentStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/agreements/{id}/amendments").get(use: list).post(use: draft)
        router.group("/v1/amendments/{id}").get(use: show).post("sign", use: sign).post("discard", use: discard)
    }

    @Sendable private func draft(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let agreement = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let draft = try command.decode(DraftAmendment.self).draft()
        return try await command.run(on: commands.pool) { transaction in
            let view = AmendmentView(
                try await amendments.draft(draft, of: agreement, commands.context(context), in: transaction))
            return try CommandResponse.created(view, at: "/v1/amendments/\(view.id)", version: view.version)
        }
    }

    @Sendable private func sign(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, SignedBody.self) { body, transaction in
            let signed = try await amendments.sign(
                id, try body.signature(), expected: expected, commands.context(context), in: transaction)
            return Versioned(value: AmendmentView(signed), version: signed.version)
        }
    }

    @Sendable private func discard(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context) { transaction in
            let discarded = try await amendments.discard(id, expected: expected, in: transaction)
            return Versioned(value: AmendmentView(discarded), version: discarded.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let view = AmendmentView(
            try await amendments.find(try context.uuid("id"), visibleTo: siren, in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<AmendmentView> {
        let siren = try context.requireReader()
        let id = try context.uuid("id")
        _ = try await amendments.changes.agreements.find(id, visibleTo: siren, in: commands.pool)
        let found = try await amendments.ofAgreement(id, in: commands.pool)
        return PageResponse(found.map { AmendmentView($0) }, next: nil)
    }
}

/// An amendment with the difference that it makes; amounts in cents.
struct AmendmentView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let agreement: String
    /// From 1.
    let number: Int
    let reason: String
    let difference: AgreementDifference
    let signatories: [AgreementView.SignatoryView]
    let draftedBy: String
    let draftedAt: Date
    let signedAt: Date?

    init(_ stored: Versioned<AmendmentStore.Amendment>) {
        let amendment = stored.value
        id = amendment.id.lowercase
        version = stored.version
        state = amendment.state.rawValue
        agreement = amendment.agreement.lowercase
        number = amendment.number
        reason = amendment.reason
        difference = amendment.difference
        signatories = amendment.signatories.map { AgreementView.SignatoryView($0) }
        draftedBy = amendment.draftedBy
        draftedAt = amendment.draftedAt
        signedAt = amendment.signedAt
    }
}
