import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import NIOCore

/// What is shown of imports: to their publisher, and to the operator, who sees no value either.
struct ImportReadingRoutes: Sendable {
    private static let pageCount = 1_000

    let access: PublisherAccess
    let readings: ImportReadings

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/imports").get(use: list).get("{id}", use: show).get("{id}/errors", use: errors)
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.publisher(request, context, orRoles: .operator)
        let page = try request.page()
        let before = try page.after.map { cursor throws(Problem) in try cursor.position() }
        let imports = try await readings.list(of: publisher, before: before, limit: page.limit)
        let next = imports.count == page.limit ? imports.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(PageResponse(imports, next: next)).response()
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        try JSONResponse(try await find(request, context)).response()
    }

    private func find(_ request: Request, _ context: MaillageContext) async throws -> ImportRecord {
        let publisher = try await access.publisher(request, context, orRoles: .operator)
        guard let record = try await readings.find(context.uuid("id"), of: publisher) else {
            throw Problem.notFound("import")
        }
        return record
    }

    /// For a spreadsheet: with semicolons, quotation marks and a byte order mark, as the French ones want it.
    @Sendable private func errors(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let record = try await find(request, context)
        let id = try context.uuid("id")
        let phase = try phase(request, of: record)
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "\u{FEFF}line;column;value;outcome;reason;mend_fr;mend_en\r\n"))
            var place = ImportReadings.ErrorPlace()
            while true {
                let errors = try await readings.errors(phase, of: id, after: place, limit: Self.pageCount)
                try await writer.write(ByteBuffer(string: errors.map { Self.row($0.finding) }.joined()))
                guard errors.count == Self.pageCount, let last = errors.last else { break }
                place = last.place
            }
            try await writer.finish(nil)
        }
        let headers: HTTPFields = [
            .contentType: "text/csv; charset=utf-8; header=present",
            .contentDisposition: "attachment; filename=\"errors-\(record.id).csv\"",
        ]
        return Response(status: .ok, headers: headers, body: body)
    }

    private func phase(_ request: Request, of record: ImportRecord) throws(Problem) -> ImportPhase {
        guard let text = request.uri.queryParameters["phase"] else { return record.commit == nil ? .preview : .commit }
        guard let phase = ImportPhase(rawValue: String(text)) else {
            throw Problem.invalid("phase", expected: "preview or commit")
        }
        return phase
    }

    private static func row(_ finding: ImportFinding) -> String {
        let texts = [
            finding.column ?? "", finding.value ?? "", finding.outcome, finding.reason, finding.mend.fr,
            finding.mend.en,
        ]
        let cells = texts.map { "\"\($0.replacing("\"", with: "\"\""))\"" }
        return ([String(finding.line)] + cells).joined(separator: ";") + "\r\n"
    }
}
