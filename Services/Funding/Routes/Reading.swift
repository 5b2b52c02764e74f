import Events
import HTTPDefaults
import Hummingbird
import Identity

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// What the parts of a request mean here.
enum Reading {
    /// One of an enum's raw values, which the refusal names.
    static func oneOf<Value: RawRepresentable & CaseIterable>(
        _ text: String, field: String, as type: Value.Type = Value.self
    ) throws(Problem) -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: text) else {
            throw .invalid(field, expected: Value.allCases.map(\.rawValue).joined(separator: " or "))
        }
        return value
    }

    /// A calendar day as its beginning in UTC; of an instant, the day in which it lies.
    static func day(_ text: String, field: String) throws(Problem) -> Date {
        let isDay = text.utf8.count == 10
        guard let instant = WireInstant.parse(isDay ? "\(text)T00:00:00Z" : text) else {
            throw .invalid(field, expected: "a day such as 2026-01-31")
        }
        let seconds = instant.timeIntervalSince1970
        return Date(timeIntervalSince1970: (seconds / 86_400).rounded(.down) * 86_400)
    }

    /// The identifier in a query parameter; nil without the parameter.
    static func id(_ name: String, of request: Request) throws(Problem) -> UUID? {
        guard let text = request.uri.queryParameters[Substring(name)] else { return nil }
        guard let id = UUID(uuidString: String(text)) else {
            throw Problem(.badRequest, "bad-parameter", "A parameter is not as it must be", detail: "expected a UUID")
                .at("?\(name)")
        }
        return id
    }

    /// The id after which a page begins.
    static func after(_ page: Page) throws(Problem) -> UUID? {
        guard let cursor = page.after else { return nil }
        guard let id = UUID(uuidString: try cursor.fields(count: 1)[0]) else { throw badCursor }
        return id
    }

    static let badCursor = Problem(.badRequest, "bad-cursor", "The cursor is not one of this list")
        .mending("Begin again without `after`, and pass `next` on unchanged.")

    /// A page of items; one more than the page was read to see whether another follows.
    /// - Parameter cursor: of an item that is the last on its page.
    static func page<Item, View: Encodable & Sendable>(
        _ items: [Item], limit: Int, cursor: (Item) -> Cursor, _ view: (Item) -> View
    ) -> PageResponse<View> {
        let shown = items.prefix(limit)
        return PageResponse(shown.map(view), next: items.count > limit ? shown.last.map(cursor) : nil)
    }

    /// A page of items that are listed by id.
    static func page<Item, View: Encodable & Sendable>(
        _ items: [Item], limit: Int, id: (Item) -> UUID, _ view: (Item) -> View
    ) -> PageResponse<View> {
        page(items, limit: limit, cursor: { Cursor([id($0).lowercase]) }, view)
    }
}

extension MaillageContext {
    /// Who may read money: the programme's staff all of it, a consortium's people what their lead was granted.
    /// - Returns: the SIREN that the caller is limited to; nil for no limit.
    func requireReader() throws(Problem) -> String? {
        let reader = try require(
            .operator, .payingOfficer, .ministry, .administrator, .decisionMaker, .applicant, .siteManager)
        let staff: [Role] = [.operator, .payingOfficer, .ministry, .administrator, .decisionMaker]
        if staff.contains(where: { reader.has($0) }) { return nil }
        guard let siren = reader.organisation else {
            throw Problem.forbidden.mending("Sign in for an organisation: your token names none.")
        }
        return siren
    }
}
