import Outbox

/// Why an act was not begun: the field at fault, what is wrong with it, and what to do.
package struct ActRefusal: Error, Equatable, CustomStringConvertible {
    package let field: String
    package let problem: String
    package let mend: String
    package var description: String { "\(field) \(problem): \(mend)" }

    package init(field: String, problem: String, mend: String) {
        self.field = field
        self.problem = problem
        self.mend = mend
    }
}

/// Who settles dead letters, who agreed to it, and why. To change what the system made of a message is done by nobody
/// alone.
package struct FourEyes: Sendable, Equatable {
    package static let nameBytes = 2...100
    package static let reasonBytes = 5...500

    package let by: String
    package let second: String
    package let reason: String

    package init(by: String?, second: String?, reason: String?) throws(ActRefusal) {
        self.by = try Self.name(by, "--by", "give the name of the person who acts")
        self.second = try Self.name(second, "--second", "give the name of the person who agreed")
        self.reason = try Self.reason(reason)
        guard Self.folded(self.by) != Self.folded(self.second) else {
            throw ActRefusal(
                field: "--second", problem: "is the same person as --by",
                mend: "ask somebody else to agree, and give that name")
        }
    }

    /// For a look, to which nobody has to agree.
    package static func looking(
        by: String?, reason: String?
    ) throws(ActRefusal) -> (by: String, reason: String) {
        (try name(by, "--by", "give the name of the person who looks"), try self.reason(reason))
    }

    private static func name(_ text: String?, _ field: String, _ mend: String) throws(ActRefusal) -> String {
        try checked(text, field, nameBytes, mend)
    }

    private static func reason(_ text: String?) throws(ActRefusal) -> String {
        try checked(text, "--reason", reasonBytes, "say why, for those who read the trail later")
    }

    private static func checked(
        _ text: String?, _ field: String, _ bytes: ClosedRange<Int>, _ mend: String
    ) throws(ActRefusal) -> String {
        let words = (text ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard !words.isEmpty else { throw ActRefusal(field: field, problem: "is missing", mend: mend) }
        guard bytes.contains(words.utf8.count), StoredText.clean(words, bytesMax: bytes.upperBound) == words else {
            throw ActRefusal(
                field: field, problem: "is no text of \(bytes.lowerBound) to \(bytes.upperBound) bytes", mend: mend)
        }
        return words
    }

    /// Case makes no other person of somebody, and neither do accents written in another way (`==` sees to those).
    private static func folded(_ name: String) -> String { name.lowercased() }
}
