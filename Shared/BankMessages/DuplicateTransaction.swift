/// A transaction that stands in a message twice. Both are read: whoever books tells the second from a new one.
package struct DuplicateTransaction: Sendable, Equatable {
    /// What both say they are: an end-to-end identification, or the bank's reference where there is none.
    package let reference: String
    /// Places as in errors.
    package let place: String
    package let firstPlace: String

    /// Finds them in the order of the message, each with the first of its kind.
    /// - Parameter keys: equal keys are duplicates.
    static func find<Key: Hashable>(
        in keys: [(key: Key, reference: String, node: DocumentNode)]
    ) -> [DuplicateTransaction] {
        var first: [Key: DocumentNode] = [:]
        return keys.compactMap { key, reference, node in
            guard let firstNode = first[key] else {
                first[key] = node
                return nil
            }
            return DuplicateTransaction(reference: reference, place: node.place, firstPlace: firstNode.place)
        }
    }
}
