import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Observability
import ServiceRuntime

/// `/v1/imports`: the door for files. First a preview, which counts nothing; then, if its publisher says so, every line
/// through the intake.
struct ImportRoutes: Sendable {
    private struct Begun: Encodable {
        let id: String
        let state: ImportState
    }

    /// How long an upload waits for its preview: most are short, and one call is then enough.
    private static let patience = Duration.seconds(10)
    private static let editions = 1...999

    let access: PublisherAccess
    /// Files and events of a publisher have their places together.
    let gate: EventGate
    let imports: ImportStore
    let stepper: ImportStepper
    /// Tells the runner that there is a step to take.
    let signal: @Sendable () -> Void
    let clock: ProgrammeClock

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/imports").post(use: upload).delete("{id}", use: delete).post("{id}/commit", use: commit)
    }

    @Sendable private func upload(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.require(context)
        let place = try gate.enter(publisher)
        defer { withExtendedLifetime(place) {} }
        let new = try Self.terms(request, publisher)
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > ImportStore.byteCountMax {
            throw Self.tooLarge
        }
        var upload = try await imports.begin(new, now: clock.now())
        do {
            for try await part in request.body {
                guard upload.byteCount + part.readableBytes <= ImportStore.byteCountMax else { throw Self.tooLarge }
                try await upload.append(Array(buffer: part))
            }
            try await upload.finish()
        } catch {
            // What stays if this fails too is swept.
            try? await imports.discard(upload.id)
            throw error
        }
        let state = try await preview(upload.id, of: publisher, context)
        return try JSONResponse(
            Begun(id: upload.id.uuidString.lowercased(), state: state), status: .created,
            headers: [.location: "/v1/imports/\(upload.id.uuidString.lowercased())"]
        ).response()
    }

    /// Judges a short file here; what takes longer, or fails, is the runner's.
    private func preview(_ id: UUID, of publisher: String, _ context: MaillageContext) async throws -> ImportState {
        let deadline = ContinuousClock.now + Self.patience
        do {
            while ContinuousClock.now < deadline, try await stepper.advance(id) {}
        } catch {
            context.logger.warning("an import waits", error: error)
        }
        signal()
        return try await imports.state(of: id, publisher)
    }

    @Sendable private func commit(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.require(context)
        let id = try context.uuid("id")
        try await imports.commit(id, of: publisher)
        signal()
        let state = try await imports.state(of: id, publisher)
        return try JSONResponse(Begun(id: id.uuidString.lowercased(), state: state), status: .accepted).response()
    }

    @Sendable private func delete(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.require(context)
        try await imports.delete(context.uuid("id"), of: publisher)
        return Response(status: .noContent)
    }

    // MARK: Terms

    private static func terms(_ request: Request, _ publisher: String) throws(Problem) -> NewImport {
        let contentType = (request.headers[.contentType] ?? "").split(separator: ";")
        guard contentType.first?.lowercased().filter({ $0 != " " }) == "text/csv" else { throw unsupported }
        var charset = CSVCharset.utf8
        for parameter in contentType.dropFirst() {
            let parts = parameter.filter { $0 != " " && $0 != "\"" }.split(separator: "=")
            guard parts.count == 2, parts[0].lowercased() == "charset" else { continue }
            guard let named = CSVCharset(parameter: String(parts[1])) else { throw unsupported }
            charset = named
        }
        let parameters = request.uri.queryParameters
        guard let mapping = parameters["mapping"].map(String.init), (try? ImportMapping.checkName(mapping)) != nil
        else {
            throw Problem.invalid("mapping", expected: "the name of a mapping, such as ?mapping=satisfaction")
        }
        let version = try number("version", 1...Int(Int32.max), in: request)
        let edition = try number("edition", editions, in: request) ?? 1
        return NewImport(
            publisher: publisher, mapping: mapping, mappingVersion: version, edition: edition, charset: charset)
    }

    private static func number(
        _ name: String, _ range: ClosedRange<Int>, in request: Request
    ) throws(Problem) -> Int? {
        guard let text = request.uri.queryParameters[Substring(name)] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Problem.invalid(name, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static let unsupported = Problem(
        .unsupportedMediaType, "unsupported-media-type", "The body is no CSV in a charset that is known",
        detail: "expected text/csv, text/csv; charset=utf-8 or text/csv; charset=windows-1252")

    private static let tooLarge = Problem(
        .contentTooLarge, "body-too-large", "The file is too large", detail: "at most \(ImportStore.byteCountMax) bytes"
    )
    .mending("Split it, with the headings at the beginning of each part.")
}

extension ImportMistake: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .unknown: .notFound("import")
        case .mappingUnknown:
            Problem.invalid("mapping", expected: "a mapping that was published, and one of its versions")
        case .tooManyOpen(let count):
            Problem.conflict("too-many-imports", "Too many imports are open", detail: "at most \(count)")
                .mending("Commit or delete some of them.")
        case .wrongState(let state):
            Problem.conflict("wrong-state", "The import is not in a state for this", detail: "it is \(state.rawValue)")
        }
    }
}
