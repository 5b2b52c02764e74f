import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date

/// The money of the whole programme: its table, its opening, and what is meant for which purpose.
struct ProgrammeRoutes: Sendable {
    let programmes: ProgrammeStore
    let envelopes: EnvelopeStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/budget").get(use: show).post(use: open).post("allotments", use: allot)
    }

    private struct OpenProgramme: Decodable {
        let name: String
        let amountCents: Int64
        let animationCents: Int64
        let experimentsCents: Int64
    }

    private struct AllotMoney: Decodable, Sendable {
        let kind: String
        let changeCents: Int64
        let reason: String
    }

    @Sendable private func open(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(OpenProgramme.self)
        return try await command.run(on: commands.pool) { transaction in
            let opened = try await programmes.open(
                name: body.name, amountCents: body.amountCents,
                allottedCents: [.animation: body.animationCents, .experiments: body.experimentsCents],
                commands.context(context), in: transaction)
            let view = try await view(of: opened, in: transaction)
            return try CommandResponse.created(view, at: "/v1/budget", version: view.version)
        }
    }

    @Sendable private func allot(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(AllotMoney.self)
        let purpose: EnvelopePurpose = try Reading.oneOf(body.kind, field: "/kind")
        return try await command.run(on: commands.pool) { transaction in
            let allotted = try await programmes.allot(
                body.changeCents, to: purpose, reason: body.reason, commands.context(context), in: transaction)
            return try CommandResponse.ok(try await view(of: allotted, in: transaction), version: allotted.version)
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer, .ministry, .administrator, .decisionMaker)
        let found = try await programmes.find(in: commands.pool)
        return try JSONResponse(try await view(of: found, in: commands.pool), version: found.version).response()
    }

    private func view(
        of programme: Versioned<ProgrammeStanding>, in session: some PostgresSession
    ) async throws -> ProgrammeView {
        ProgrammeView(
            programme, envelopes: try await envelopes.list(call: nil, after: nil, limit: 1_000, in: session))
    }
}

/// Amounts in cents; within a row each is part of the one before it.
struct ProgrammeView: Encodable, Sendable {
    struct Part: Encodable, Sendable {
        let kind: String
        let allottedCents: Int64
        let inEnvelopesCents: Int64
        let heldCents: Int64
        let reservedCents: Int64
        let committedCents: Int64
        let releasedCents: Int64
        let paidCents: Int64

        init(_ standing: ProgrammeStanding.PartStanding) {
            kind = standing.part.purpose.rawValue
            allottedCents = standing.allottedCents
            inEnvelopesCents = standing.inEnvelopesCents
            heldCents = standing.heldCents
            reservedCents = standing.reservedCents
            committedCents = standing.committedCents
            releasedCents = standing.releasedCents
            paidCents = standing.paidCents
        }
    }

    let id: String
    let version: Int64
    let state = "open"
    let name: String
    let amountCents: Int64
    /// In no part yet.
    let unallottedCents: Int64
    let parts: [Part]
    /// By their ids; at most 1,000.
    let envelopes: [EnvelopeView]
    let openedAt: Date

    init(_ stored: Versioned<ProgrammeStanding>, envelopes: [Versioned<EnvelopeStanding>]) {
        let standing = stored.value
        id = standing.programme.id.lowercase
        version = stored.version
        name = standing.programme.name
        amountCents = standing.programme.amountCents
        unallottedCents = standing.unallottedCents
        parts = standing.parts.map { Part($0) }
        self.envelopes = envelopes.map { EnvelopeView($0) }
        openedAt = standing.openedAt
    }
}
