/// A questionnaire as somebody reads it: the page knows no instrument, only this.
package struct GiverForm: Sendable, Equatable {
    package struct Level: Sendable, Equatable {
        package let value: Int
        /// What the level means, where it is said; the levels between may be numbers alone.
        package let meaning: String?
    }

    package struct Item: Sendable, Equatable {
        package let question: String
        package let levels: [Level]
        package let isRequired: Bool
    }

    package let title: String
    package let instructions: String
    package let items: [Item]
    /// Whose words these are.
    package let credit: String?
}

/// What somebody entered so far; it may still be incomplete.
package struct GiverEntry: Sendable, Equatable {
    /// One per item, nil where nothing is chosen yet.
    package var choices: [Int?]
    package var comment: String

    package init(choices: [Int?], comment: String) {
        self.choices = choices
        self.comment = comment
    }

    package static func blank(for form: GiverForm) -> GiverEntry {
        GiverEntry(choices: Array(repeating: nil, count: form.items.count), comment: "")
    }

    /// What is sent: no comment rather than an empty one.
    package var sentComment: String? { comment.allSatisfy(\.isWhitespace) ? nil : comment }

    /// What keeps the entry from being sent, in the order of the page.
    package func faults(in form: GiverForm) -> [EntryFault] {
        var faults: [EntryFault] = []
        for (index, item) in form.items.enumerated() where item.isRequired && choices[index] == nil {
            faults.append(.unanswered(item: index))
        }
        if faults.isEmpty, choices.allSatisfy({ $0 == nil }) { faults.append(.nothingAnswered) }
        let excess = comment.unicodeScalars.count - Submission.commentCharacterCountMax
        if excess > 0 { faults.append(.commentTooLong(excess: excess)) }
        return faults
    }

    /// As a draft is stored: one level per item, empty where nothing is chosen.
    package var choicesText: String { choices.map { $0.map(String.init) ?? "" }.joined(separator: ",") }

    /// Reads a stored draft; what does not fit the form any more is left out.
    package init(choicesText: String, comment: String, form: GiverForm) {
        let stored = choicesText.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        choices = form.items.enumerated().map { index, item in
            guard index < stored.count, let value = stored[index] else { return nil }
            return item.levels.contains { $0.value == value } ? value : nil
        }
        self.comment = comment
    }
}

package enum EntryFault: Error, Sendable, Equatable {
    case unanswered(item: Int)
    case nothingAnswered
    case commentTooLong(excess: Int)
}
