import HTTPDefaults

extension CaseIterable where Self: RawRepresentable, RawValue == String {
    /// A value of a code list; what is none is refused with the list.
    init(_ text: String, at field: String) throws(Problem) {
        guard let value = Self(rawValue: text) else {
            let list = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(field, expected: "one of: \(list)")
        }
        self = value
    }

    /// The same for a value that may be missing.
    static func optional(_ text: String?, at field: String) throws(Problem) -> Self? {
        guard let text else { return nil }
        return try Self(text, at: field)
    }
}
