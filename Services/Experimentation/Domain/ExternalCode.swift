/// The site's own code of a participant. It never leaves this service.
package struct ExternalCode: Sendable, Hashable {
    package let code: String

    package init(_ text: String) throws(ExperimentationError) {
        let field = "/externalCode"
        try TextLimits.requireCode(text, field, lengthMax: TextLimits.externalCodeLengthMax, marks: "-._/")
        guard !Self.looksLikeNationalIdentifier(text) else { throw .nationalIdentifier(field: field) }
        code = text
    }

    /// Whether a text has the form of a French social security number (NIR, the INS is one): 13 characters with or
    /// without a key of two, the first a sex from 1 to 8, Corsican departments written 2A and 2B. Separators are
    /// looked through.
    static func looksLikeNationalIdentifier(_ text: String) -> Bool {
        let characters = text.uppercased().utf8.filter { !"-._/".utf8.contains($0) }
        guard characters.count == 13 || characters.count == 15,
            (UInt8(ascii: "1")...UInt8(ascii: "8")).contains(characters[0])
        else { return false }
        for (position, character) in characters.enumerated() {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
            let isCorsican =
                position == 6 && characters[5] == UInt8(ascii: "2")
                && (character == UInt8(ascii: "A") || character == UInt8(ascii: "B"))
            guard isDigit || isCorsican else { return false }
        }
        return true
    }
}
