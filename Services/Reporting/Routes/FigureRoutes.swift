import FoundationEssentials
import HTTPDefaults
import Hummingbird
import Identity
import ReportingDomain

/// The events behind a number.
struct FigureRoutes: Sendable {
    let programmes: ProgrammeStore

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/figures/{figure}/events", use: events)
    }

    @Sendable private func events(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.ministry, .operator)
        let figure = try name(context)
        let page = try request.page()
        let after = try page.after.map { cursor throws(Problem) in try cursor.position() } ?? 0
        let parts = figure.split(separator: ":", maxSplits: 3).map(String.init)
        let found: [(position: Int64, event: FigureEvent)]
        switch (parts.first, parts.count, parts.count > 1 ? UUID(uuidString: parts[1]) : nil) {
        case ("responses", 4, let experiment?):
            let cell = ResponseCell(experiment: experiment, instrument: parts[2], occasion: parts[3])
            found = try await programmes.responseEvents(of: cell, after: after, limit: page.limit)
        case ("participants", 2, let experiment?):
            found = try await programmes.enrolments(in: experiment, after: after, limit: page.limit)
        default:
            found = try await contributions(to: figure, after: after, limit: page.limit)
        }
        guard !found.isEmpty || after > 0 else { throw Problem.notFound("figure with an event behind it") }
        let next = found.count == page.limit ? found.last.map { Cursor(position: $0.position) } : nil
        return try JSONResponse(PageResponse(found.map(\.event), next: next)).response()
    }

    /// Facts are few: all are read, and the page is cut from them.
    private func contributions(
        to figure: String, after: Int64, limit: Int
    ) async throws -> [(position: Int64, event: FigureEvent)] {
        guard let all = try await programmes.contributions(to: figure), after >= 0 else { return [] }
        let page = Array(all.dropFirst(Int(clamping: after)).prefix(limit))
        let events = try await programmes.events(of: page)
        return events.enumerated().map { (after + Int64($0.offset) + 1, $0.element) }
    }

    /// Ids are written in lower case in figures, and in either case by callers; a colon may come percent-encoded.
    private func name(_ context: MaillageContext) throws(Problem) -> String {
        guard let text = try context.parameter("figure").percentDecoded else { throw .notFound("figure") }
        return text.split(separator: ":", omittingEmptySubsequences: false)
            .map { UUID(uuidString: String($0))?.figureText ?? String($0) }.joined(separator: ":")
    }
}

extension String {
    /// nil when an escape is not two hexadecimal digits or the bytes are not UTF-8.
    fileprivate var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let decoded = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
