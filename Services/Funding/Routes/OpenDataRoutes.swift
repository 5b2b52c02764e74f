import CofundingRules
import Events
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import ServiceRuntime

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// The essential data of subsidies: what each agreement still lacks, when it is due, and the file of the law.
struct OpenDataRoutes: Sendable {
    let openData: OpenDataStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.put("/v1/agreements/{id}/parties", use: setParties)
        router.group("/v1/open-data/subsidies").get(use: standings).get("document", use: document)
        router.post("/v1/open-data/publications", use: publish)
    }

    private struct SetParties: Decodable, Sendable {
        struct Line: Decodable, Sendable {
            let siren: String
            let siret: String
            let name: String
            let isPrivateLaw: Bool
            let isDeMinimis: Bool
            let grantedCents: Int64
        }

        let reference: String
        let object: String
        let paymentFrom: String
        let paymentUntil: String
        let lines: [Line]

        @Sendable func parties(of agreement: Agreement) throws -> AgreementParties {
            try AgreementParties(
                reference: reference, object: object,
                payment: (
                    try CalendarDay.read(paymentFrom, at: "/paymentFrom"),
                    try CalendarDay.read(paymentUntil, at: "/paymentUntil")
                ),
                lines: lines.map { line in
                    AgreementParties.Line(
                        siren: line.siren, siret: line.siret, name: line.name,
                        bodies: (line.isPrivateLaw, line.isDeMinimis), grantedCents: line.grantedCents)
                }, of: agreement)
        }
    }

    @Sendable private func setParties(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let id = try context.uuid("id")
        let expected = try request.expectedVersion()
        return try await commands.change(request, context, SetParties.self) { body, transaction in
            let stored = try await openData.set(body.parties, of: id, expected: expected, in: transaction)
            return Versioned(value: AgreementSummary(stored), version: stored.version)
        }
    }

    @Sendable private func standings(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<SubsidyStandingView> {
        _ = try context.require(.operator, .ministry, .administrator)
        let today = try await ParisDays.day(of: commands.clock.now(), in: commands.pool)
        let publication = SubsidyPublication(on: today)
        let subsidies = try await openData.subsidies(in: commands.pool)
        return PageResponse(
            subsidies.compactMap { agreement, subsidy in
                // Each alone: those without a reference yet are not versions of one another.
                SubsidyStandingView(agreement, publication.summary(of: [subsidy]))
            }, next: nil)
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        return try await command.run(on: commands.pool) { transaction in
            let published = try await openData.publish(commands.context(context), in: transaction)
            return try CommandResponse.ok(PublishedView(references: published))
        }
    }

    @Sendable private func document(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        return Response.csv(try await openData.file(in: commands.pool), named: "subventions.csv")
    }
}

extension Response {
    /// A table as a file.
    static func csv(_ text: String, named name: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = SubsidyCSV.contentType
        headers[.contentDisposition] = #"attachment; filename="\#(name)""#
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

struct PublishedView: Encodable, Sendable {
    let references: [String]
}

/// Where an agreement stands with the law, and what its rows still lack.
struct SubsidyStandingView: Encodable, Sendable {
    struct Fault: Encodable, Sendable {
        /// From 1.
        let line: Int
        /// The column.
        let field: String
        let mend: String
    }

    let agreement: String
    let reference: String
    /// `exempt`, `due`, `overdue` or `published`.
    let status: String
    /// Until when it is due, since when it is overdue, or when it was published.
    let day: String?
    let faults: [Fault]

    init?(_ agreement: UUID, _ summary: SubsidySummary) {
        guard let standing = summary.standings.first else { return nil }
        self.agreement = agreement.lowercase
        reference = standing.reference
        switch standing.status {
        case .notSigned: return nil
        case .exempt: (status, day) = ("exempt", nil)
        case .due(let until): (status, day) = ("due", until.description)
        case .overdue(let since): (status, day) = ("overdue", since.description)
        case .published(let on): (status, day) = ("published", on.description)
        }
        faults = summary.incomplete.flatMap { row in
            row.faults.map { Fault(line: row.lineNumber, field: $0.field.rawValue, mend: $0.mend) }
        }
    }
}
