import CofundingRules
import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date

/// Grants, reserved or refused, with the derivation of their amounts.
struct GrantRoutes: Sendable {
    let grants: GrantStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/grants").get(use: list).get("{id}", use: show).post("{id}/release", use: release)
    }

    private struct ReleaseGrant: Decodable, Sendable {
        let reason: String
    }

    @Sendable private func release(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, ReleaseGrant.self) { body, transaction in
            try await grants.release(
                id, because: body.reason, expected: expected, commands.context(context), in: transaction)
            let released = try await grants.find(id, visibleTo: nil, in: transaction)
            return Versioned(value: GrantView(released), version: released.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<GrantView> {
        let siren = try context.requireReader()
        let page = try request.page()
        let filter = GrantStore.Filter(
            application: try Reading.id("application", of: request), call: try Reading.id("call", of: request),
            siren: siren)
        let found = try await grants.list(
            filter, after: try Reading.after(page), limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.value.grant.id) { GrantView($0) }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let siren = try context.requireReader()
        let view = GrantView(try await grants.find(try context.uuid("id"), visibleTo: siren, in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }
}

struct GrantView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let kind: String
    let call: String
    let application: String
    let experiment: String?
    let envelope: String?
    let beneficiarySiren: String
    let requestedCents: Int64
    let reservedCents: Int64
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let ruleSet: String?
    let bindingRule: String?
    let stateAidRules: String?
    let grantedOn: String?
    let derivation: [DerivationLine]
    let reason: String?
    let settledAt: Date

    init(_ stored: Versioned<GrantStanding>) {
        let standing = stored.value
        id = standing.grant.id.lowercase
        version = stored.version
        state = standing.grant.state.rawValue
        kind = standing.grant.purpose.rawValue
        call = standing.grant.call.lowercase
        application = standing.grant.application.lowercase
        experiment = standing.experiment?.lowercase
        envelope = standing.envelope?.lowercase
        beneficiarySiren = standing.grant.consortium.lead.siren
        requestedCents = standing.requestedCents
        reservedCents = standing.grant.reservedCents
        committedCents = standing.committedCents
        releasedCents = standing.releasedCents
        paidCents = standing.paidCents
        ruleSet = standing.ruleSet
        bindingRule = standing.bindingRule
        stateAidRules = standing.stateAidRules
        grantedOn = standing.grantedOn?.description
        derivation = standing.derivation
        reason = standing.reason
        settledAt = standing.settledAt
    }
}
