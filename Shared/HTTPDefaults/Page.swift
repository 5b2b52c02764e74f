package import Hummingbird

/// Which part of a list is asked for: `?limit=50&after=<next of the page before>`.
package struct Page: Sendable, Equatable {
    package static let limits = 1...200
    package static let limitDefault = 50

    package let limit: Int
    package let after: Cursor?
}

/// A part of a list, and where the next one begins; `next` is null at the end.
package struct PageResponse<Item: Encodable & Sendable>: ResponseEncodable, Sendable {
    private enum CodingKeys: String, CodingKey { case items, next }
    private let items: [Item]
    private let next: Cursor?

    package init(_ items: [Item], next: Cursor?) {
        self.items = items
        self.next = next
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(items, forKey: .items)
        // Written even when null: a caller should not have to know that a missing field means the end.
        try container.encode(next?.text, forKey: .next)
    }
}

extension Request {
    /// - Throws: 400 `bad-limit` or `bad-cursor`.
    package func page() throws(Problem) -> Page {
        var limit = Page.limitDefault
        if let text = uri.queryParameters["limit"] {
            guard let number = Int(text), Page.limits.contains(number) else {
                throw Problem(
                    .badRequest, "bad-limit", "The limit is out of its range",
                    detail: "expected \(Page.limits.lowerBound) to \(Page.limits.upperBound)")
            }
            limit = number
        }
        guard let text = uri.queryParameters["after"] else { return Page(limit: limit, after: nil) }
        return Page(limit: limit, after: try Cursor(parsing: String(text)))
    }
}
