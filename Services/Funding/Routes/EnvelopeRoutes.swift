import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Envelopes with what became of their money: the table of the programme.
struct EnvelopeRoutes: Sendable {
    let envelopes: EnvelopeStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/envelopes").get(use: list).post(use: open).get("{id}", use: show)
            .post("{id}/adjustments", use: adjust)
        router.get("/v1/calls/{id}/allotment", use: allotment)
    }

    private struct OpenEnvelope: Decodable {
        let call: UUID
        let kind: String
        let amountCents: Int64
    }

    @Sendable private func open(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(OpenEnvelope.self)
        let purpose: EnvelopePurpose = try Reading.oneOf(body.kind, field: "/kind")
        return try await command.run(on: commands.pool) { transaction in
            let opened = try await envelopes.open(
                call: body.call, purpose: purpose, amountCents: body.amountCents, commands.context(context),
                in: transaction)
            let view = EnvelopeView(opened)
            return try CommandResponse.created(view, at: "/v1/envelopes/\(view.id)", version: view.version)
        }
    }

    private struct AdjustEnvelope: Decodable, Sendable {
        let changeCents: Int64
    }

    @Sendable private func adjust(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, AdjustEnvelope.self) { body, transaction in
            let adjusted = try await envelopes.adjust(
                id, by: body.changeCents, expected: expected, commands.context(context), in: transaction)
            return Versioned(value: EnvelopeView(adjusted), version: adjusted.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<EnvelopeView> {
        _ = try context.require(.operator, .payingOfficer, .ministry, .administrator, .decisionMaker)
        let page = try request.page()
        let found = try await envelopes.list(
            call: try Reading.id("call", of: request), after: try Reading.after(page), limit: page.limit + 1,
            in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.value.envelope.id) { EnvelopeView($0) }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer, .ministry, .administrator, .decisionMaker)
        let view = EnvelopeView(try await envelopes.find(try context.uuid("id"), in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func allotment(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .ministry, .administrator, .decisionMaker)
        let standing = try await envelopes.allotments.standing(of: try context.uuid("id"), in: commands.pool)
        return try JSONResponse(AllotmentView(standing)).response()
    }
}

/// Amounts in cents; from `reservedCents` on each is part of the one before it, and `availableCents` is what is neither
/// held nor reserved.
struct EnvelopeView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state = "open"
    let call: String
    let kind: String
    /// Of the call; absent of a call that was published before waves were noted.
    let wave: Int?
    let amountCents: Int64
    /// Set aside by operators.
    let heldCents: Int64
    let reservedCents: Int64
    let committedCents: Int64
    let releasedCents: Int64
    let paidCents: Int64
    let availableCents: Int64
    let openedAt: Date

    init(_ stored: Versioned<EnvelopeStanding>) {
        let standing = stored.value
        id = standing.envelope.id.lowercase
        version = stored.version
        call = standing.envelope.call.lowercase
        kind = standing.envelope.purpose.rawValue
        wave = standing.wave
        amountCents = standing.envelope.amountCents
        heldCents = standing.heldCents
        reservedCents = standing.reservedCents
        committedCents = standing.committedCents
        releasedCents = standing.releasedCents
        paidCents = standing.paidCents
        availableCents = standing.availableCents
        openedAt = standing.openedAt
    }
}

/// Which ranks of a call are served, and what the next one waits for.
struct AllotmentView: Encodable, Sendable {
    struct Place: Encodable, Sendable {
        let application: String
        let outcome: String
        let rank: Int?
        let grant: String?
        let grantState: String?
    }

    let call: String
    let nextRank: Int
    let isExhausted: Bool
    let waitsFor: String?
    let places: [Place]

    init(_ standing: AllotmentStanding) {
        call = standing.allotment.call.lowercase
        nextRank = standing.allotment.nextRank
        isExhausted = standing.allotment.isExhausted
        waitsFor = standing.gap?.rawValue
        places = standing.places.map {
            Place(
                application: $0.application.lowercase, outcome: $0.outcome.rawValue, rank: $0.rank,
                grant: $0.grant?.lowercase,
                grantState: $0.grantState?.rawValue)
        }
    }
}
