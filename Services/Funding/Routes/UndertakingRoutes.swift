import CofundingRules
import Events
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identifiers
import Identity
import Postgres

import struct FoundationEssentials.Date

/// Single undertakings with what they declare, and the register of de minimis aid.
struct UndertakingRoutes: Sendable {
    let undertakings: UndertakingStore
    let export: DeMinimisExport
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/undertakings/{siren}")
            .get(use: show).put(use: declare).get("declarations", use: history)
        router.group("/v1/de-minimis-register").get(use: register).get("document", use: document)
    }

    /// The whole register, for those who report it.
    @Sendable private func document(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator, .ministry, .administrator)
        let text = try await export.file(in: commands.pool)
        return Response.csv(text, named: "aides-de-minimis.csv")
    }

    private struct Declaration: Decodable, Sendable {
        /// Besides the head.
        let members: [String]
        let basis: AidBasisContent
        let declaredOn: String
    }

    @Sendable private func declare(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let head = try context.parameter("siren")
        return try await commands.change(request, context, Declaration.self) { body, transaction in
            let command = commands.context(context)
            let declaration = try AidDeclaration.declare(
                head: head, members: body.members, basis: try body.basis.read(at: "/basis"),
                declaredOn: try CalendarDay.read(body.declaredOn, at: "/declaredOn"),
                today: try await ParisDays.day(of: command.now, in: transaction))
            do {
                let declared = try await undertakings.declare(
                    declaration, expected: { try request.expectedVersion() }, command, in: transaction)
                return Versioned(value: UndertakingView(declared), version: declared.version)
            } catch FundingError.memberElsewhere(let siren) {
                let problem = FundingError.memberElsewhere(siren: siren).problem
                // The head is in the address.
                throw body.members.firstIndex(of: siren).map { problem.at("/members/\($0)") } ?? problem.at("/siren")
            }
        }
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let organisation = try context.requireReader()
        let found = try await undertakings.find(
            try Self.head(context), visibleTo: organisation, in: commands.pool)
        return try JSONResponse(UndertakingView(found), version: found.version).response()
    }

    @Sendable private func history(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<UndertakingView> {
        let organisation = try context.requireReader()
        let page = try request.page()
        let head = try Self.head(context)
        // Whoever may see what is in force may see how it came to be.
        _ = try await undertakings.find(head, visibleTo: organisation, in: commands.pool)
        let found = try await undertakings.history(
            of: head, before: try page.after?.position(), limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, cursor: { Cursor(position: $0.version) }) { UndertakingView($0) }
    }

    /// Nobody is named by what is no SIREN.
    private static func head(_ context: MaillageContext) throws -> String {
        guard let siren = SIREN(try context.parameter("siren")) else { throw Problem.notFound("undertaking") }
        return siren.digits
    }

    /// nil without the filter.
    private static func beneficiary(_ request: Request) throws(Problem) -> String? {
        guard let text = request.uri.queryParameters["siren"] else { return nil }
        guard let siren = SIREN(String(text)) else {
            throw Problem(
                .badRequest, "bad-parameter", "A parameter is not as it must be",
                detail: "expected a SIREN number: nine digits with a Luhn check"
            ).at("?siren")
        }
        return siren.digits
    }

    @Sendable private func register(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<RegisteredAidView> {
        let organisation = try context.requireReader()
        let page = try request.page()
        let found = try await BeneficiaryAidStore.list(
            of: try Self.beneficiary(request), visibleTo: organisation, after: try Reading.after(page),
            limit: page.limit + 1, in: commands.pool)
        return Reading.page(found, limit: page.limit, id: \.grant) { RegisteredAidView($0) }
    }
}

struct UndertakingView: Encodable, Sendable {
    let id: String
    let version: Int64
    let state = "declared"
    let members: [String]
    let basis: AidBasisContent
    let declaredOn: String
    let declaredBy: String
    let recordedAt: Date

    init(_ stored: Versioned<DeclarationRecord>) {
        let declaration = stored.value.declaration
        id = declaration.head
        version = stored.version
        members = declaration.members
        basis = AidBasisContent(declaration.basis)
        declaredOn = declaration.declaredOn.description
        declaredBy = stored.value.declaredBy
        recordedAt = stored.value.recordedAt
    }
}

struct RegisteredAidView: Encodable, Sendable {
    let grant: String
    let undertaking: String
    let siren: String
    let grantedOn: String
    let amountCents: Int64
    let isSGEI: Bool
    let stateAidRules: String
    let source: String
    let registeredAt: Date

    init(_ aid: RegisteredAid) {
        grant = aid.grant.lowercase
        undertaking = aid.undertaking
        siren = aid.siren
        grantedOn = aid.grantedOn.description
        amountCents = aid.amountCents
        isSGEI = aid.isSGEI
        stateAidRules = aid.stateAidRules
        source = aid.source
        registeredAt = aid.registeredAt
    }
}
