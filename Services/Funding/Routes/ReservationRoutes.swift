import Events
import FundingDomain
import HTTPDefaults
import Hummingbird
import Identity
import ServiceRuntime

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Money that operators set aside by hand.
struct ReservationRoutes: Sendable {
    let reservations: ReservationStore
    let desk: ReservationDesk
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/envelopes/{id}/reservations").get(use: list).post(use: make)
        router.group("/v1/reservations/{id}").get(use: show).post("let-go", use: letGo)
    }

    private struct MakeReservation: Decodable {
        let beneficiarySiren: String
        let amountCents: Int64
        let purpose: String
    }

    @Sendable private func make(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let envelope = try context.uuid("id")
        let command = try await IdempotentCommand(request, context)
        let body = try command.decode(MakeReservation.self)
        return try await desk.make(
            .init(
                key: command, envelope: envelope, beneficiarySiren: body.beneficiarySiren,
                amountCents: body.amountCents, purpose: body.purpose, context: commands.context(context)))
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<ReservationView> {
        _ = try context.require(.operator, .payingOfficer, .ministry, .administrator, .decisionMaker)
        let page = try request.page()
        let found = try await reservations.list(
            envelope: try context.uuid("id"), after: try Reading.after(page), limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.value.reservation.id) { ReservationView($0) }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .payingOfficer, .ministry, .administrator, .decisionMaker)
        let view = ReservationView(try await reservations.find(try context.uuid("id"), in: commands.pool))
        return try JSONResponse(view, version: view.version).response()
    }

    @Sendable private func letGo(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context) { transaction in
            let freed = try await reservations.letGo(
                id, expected: expected, commands.context(context), in: transaction)
            return Versioned(value: ReservationView(freed), version: freed.version)
        }
    }
}

struct ReservationView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let envelope: String
    let beneficiarySiren: String
    let amountCents: Int64
    let purpose: String
    let madeBy: String
    let madeAt: Date
    let letGoAt: Date?

    init(_ stored: Versioned<ReservationStore.Standing>) {
        let standing = stored.value
        id = standing.reservation.id.lowercase
        version = stored.version
        state = standing.reservation.state.rawValue
        envelope = standing.reservation.envelope.lowercase
        beneficiarySiren = standing.reservation.beneficiarySiren
        amountCents = standing.reservation.amountCents
        purpose = standing.reservation.purpose
        madeBy = standing.madeBy
        madeAt = standing.madeAt
        letGoAt = standing.letGoAt
    }
}
