import FoundationEssentials
import HTTPTypes

/// The place in a list at which the next page begins: the sort key of the last item, opaque to the caller.
package struct Cursor: Sendable, Equatable {
    private static let textBytesMax = 512
    private let parts: [String]

    /// For lists in the order of a log position or a running number.
    package init(position: Int64) {
        parts = [String(position)]
    }

    /// For lists ordered by several columns: their values, the unique one last.
    package init(_ fields: [String]) {
        parts = fields
    }

    /// base64url without padding.
    package var text: String {
        // Length prefixes, since a field may hold any character.
        let plain = parts.map { "\($0.utf8.count):\($0)" }.joined()
        return Data(plain.utf8).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Throws: 400 `bad-cursor`.
    package init(parsing text: String) throws(Problem) {
        guard text.utf8.count <= Self.textBytesMax else { throw Self.bad }
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let data = Data(base64Encoded: base64) else { throw Self.bad }
        var rest = Array(data)[...]
        var parts: [String] = []
        while !rest.isEmpty {
            guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
                let count = Int(String(decoding: rest[..<colon], as: UTF8.self)),
                count >= 0, count <= rest.endIndex - colon - 1,
                let part = String(validating: rest[(colon + 1)..<(colon + 1 + count)], as: UTF8.self)
            else { throw Self.bad }
            parts.append(part)
            rest = rest[(colon + 1 + count)...]
        }
        self.parts = parts
    }

    /// The position that ``init(position:)`` took.
    package func position() throws(Problem) -> Int64 {
        guard parts.count == 1, let position = Int64(parts[0]) else { throw Self.bad }
        return position
    }

    /// The fields that ``init(_:)`` took; another number of them is a cursor of another list.
    package func fields(count: Int) throws(Problem) -> [String] {
        guard parts.count == count else { throw Self.bad }
        return parts
    }

    private static let bad = Problem(.badRequest, "bad-cursor", "The cursor is not one of this list")
        .mending("Begin again without `after`, and pass `next` on unchanged.")
}
