/// Text of a person's in a table that anybody may open: it is written exactly as it was given, or not at all.
///
/// A spreadsheet runs a cell that begins like a formula. The usual remedy, an apostrophe before it, would publish a
/// name that nobody bears and a reference that no decision has; so such a text is a fault of the row, with how to mend
/// it, and the file itself holds no cell that a spreadsheet would run.
enum PublishedText {
    /// What the schema allows for free text, in Unicode code points.
    static let lengthMax = 256

    enum Flaw: Equatable, CaseIterable {
        case blank
        case edges
        case control
        case tooLong
        case formula
    }

    /// The first thing that keeps the text out of a published table; nil when nothing does.
    static func flaw(in text: String) -> Flaw? {
        let scalars = text.unicodeScalars
        guard let first = scalars.first, let last = scalars.last, !scalars.allSatisfy(\.properties.isWhitespace) else {
            return .blank
        }
        if scalars.contains(where: isInvisible) { return .control }
        if first.properties.isWhitespace || last.properties.isWhitespace { return .edges }
        if scalars.count > lengthMax { return .tooLong }
        return beginsFormula(scalars) ? .formula : nil
    }

    /// Whether a cell would begin like a formula.
    ///
    /// A spreadsheet that is set to another separator cuts at semicolons, and some pass over blanks and quotation marks
    /// before what they run: so every part between semicolons is looked at behind those. Code points, not characters:
    /// an accent put behind an equals sign makes another character of it, and the same formula.
    private static func beginsFormula(_ scalars: String.UnicodeScalarView) -> Bool {
        scalars.split(separator: ";").contains { part in
            guard let first = part.first(where: { !$0.properties.isWhitespace && !quotes.contains($0) }) else {
                return false
            }
            return formulaSigns.contains(first)
        }
    }

    /// The last four are the full-width forms, which some spreadsheets read alike.
    private static let formulaSigns: Set<Unicode.Scalar> = ["=", "+", "-", "@", "＝", "＋", "－", "＠"]
    private static let quotes: Set<Unicode.Scalar> = ["\"", "'"]

    /// Control characters, line ends and characters without a width, which hide what a cell begins with.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension PublishedText.Flaw {
    /// What to do about it.
    var mend: String {
        switch self {
        case .blank: "write it"
        case .edges: "take away the blanks before and behind it"
        case .control: "write it in one line, without control characters and characters that cannot be seen"
        case .tooLong: "shorten it to \(PublishedText.lengthMax) characters"
        case .formula:
            """
            a spreadsheet would run it: begin it, and what follows a semicolon, with a letter, a digit or «, such as \
            the legal form before a name
            """
        }
    }
}
