/// Answers that name their items, as FHIR does, instead of standing in the instrument's order. They find their places
/// once the protocol has said which version of the instrument counts.
package struct CodedAnswers: Sendable, Equatable {
    /// In which they came, so that a refusal points into it.
    package enum Form: Sendable { case questionnaire, items }

    /// That the answers were given to; nil where it is not said.
    package var version: String?
    /// By link id.
    package var levels: [String: Int]
    /// Items that were answered in words, which are the submission's comment.
    package var textItems: Set<String>
    package var form: Form

    package init(
        version: String?, levels: [String: Int], textItems: Set<String> = [], form: Form = .questionnaire
    ) {
        self.version = version
        self.levels = levels
        self.textItems = textItems
        self.form = form
    }

    /// In the order of the instrument, nil where an item was left out.
    package func answers(to instrument: Instrument) throws(Refusal) -> [Int?] {
        if let version, version != instrument.version {
            throw Refusal(
                .notInProtocol, at: form == .questionnaire ? "/data/questionnaire" : "/data/instrumentVersion",
                mend: "the protocol plans version \(instrument.version) of \(instrument.name), not "
                    + IdentifierMask.mask(version))
        }
        let items = Dictionary(uniqueKeysWithValues: instrument.items.map { ($0.linkId, $0) })
        // What is advised is kept, and says nothing about a person.
        for linkId in Set(levels.keys).union(textItems).sorted() {
            let field = form == .questionnaire ? "/data/item" : "/data/items/\(IdentifierMask.mask(linkId))"
            guard let item = items[linkId] else {
                throw Refusal(
                    .invalidField, at: field,
                    mend: "\(instrument.name) \(instrument.version) has no item \(IdentifierMask.mask(linkId)); it has "
                        + instrument.items.map(\.linkId).joined(separator: ", "))
            }
            guard (item.levels == nil) == textItems.contains(linkId) else {
                throw Refusal(.invalidField, at: field, mend: "item \(linkId) takes \(expected(of: item))")
            }
        }
        return instrument.items.map { levels[$0.linkId] }
    }

    private func expected(of item: Instrument.Item) -> String {
        switch form {
        case .questionnaire: item.levels == nil ? "valueString" : "valueInteger or valueCoding"
        case .items: "no level: it is free text, which travels as the comment"
        }
    }

    /// Whatever the order of the items.
    package var canonicalText: String {
        let parts = levels.map { "\($0.key)=\($0.value)" } + textItems.map { "\($0)=text" }
        return "\(version ?? "")#\(parts.sorted().joined(separator: "&"))"
    }
}
