import struct CofundingRules.CalendarDay

/// An element of a message that is being read, and the strict ways to read it. Elements nobody asks for are ignored.
struct DocumentNode {
    private let tree: DocumentTree
    private let index: Int32

    /// Reads a whole document.
    /// - Parameters:
    ///   - message: the element below `Document`.
    ///   - namespaces: of the versions that are read.
    /// - Throws: `tooLarge`, `unknownEncoding`, `documentTypeDeclared`, `malformed`, `unknownMessage` or `missing`.
    static func open(
        _ message: String, of namespaces: [String], in bytes: [UInt8], byteCountMax: Int
    ) throws(BankMessagesError) -> DocumentNode {
        let countMax = min(byteCountMax, MessageLimits.byteCountCeiling)
        guard bytes.count <= countMax else { throw .tooLarge(limit: "\(countMax) bytes") }
        // UTF-16 is known by its mark or by the zero beside its first bracket.
        if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE]) || bytes.prefix(2).contains(0) {
            throw .unknownEncoding(name: "UTF-16")
        }
        let tree = DocumentTree(namespaces: namespaces)
        guard let parser = ExpatParser() else { throw .tooLarge(limit: "what the memory holds") }
        let problem = parser.parse(bytes, into: tree)
        if let failure = tree.failure ?? problem { throw failure }
        return try DocumentNode(tree: tree, index: 0).required(message)
    }

    // MARK: Elements below

    func children(_ name: String) -> [DocumentNode] {
        guard let number = tree.number(known: name) else { return [] }
        var found: [DocumentNode] = []
        var child = element.firstChild
        while child != DocumentTree.none {
            if tree.elements[Int(child)].name == number { found.append(DocumentNode(tree: tree, index: child)) }
            child = tree.elements[Int(child)].nextSibling
        }
        return found
    }

    /// The element at the end of the path, each step of which stands once at most; nil where a step is missing.
    func optional(_ path: String...) throws(BankMessagesError) -> DocumentNode? {
        var node = self
        for name in path {
            let found = node.children(name)
            guard let next = found.first else { return nil }
            if found.count > 1 { throw .repeated(place: found[1].place) }
            node = next
        }
        return node
    }

    /// As `optional`, and missing is an error.
    func required(_ path: String...) throws(BankMessagesError) -> DocumentNode {
        var node = self
        for name in path {
            guard let next = try node.optional(name) else { throw .missing(place: node.place(of: name)) }
            node = next
        }
        return node
    }

    // MARK: Values

    /// Its text without white space at the ends, in one line.
    func text(lengthMax: Int) throws(BankMessagesError) -> String {
        try value(
            { Self.isLine($0, lengthMax: lengthMax) ? $0 : nil },
            expected: "a text of 1 to \(lengthMax) characters in one line")
    }

    /// An identification, `Max35Text`.
    func id() throws(BankMessagesError) -> String { try text(lengthMax: 35) }

    /// A code of a list: capital letters and digits.
    func code() throws(BankMessagesError) -> String {
        try value(
            { (1...4).contains($0.utf8.count) && $0.utf8.allSatisfy(Self.isCodeByte) ? $0 : nil },
            expected: "a code of 1 to 4 capital letters and digits")
    }

    /// Euro cents from 0, exactly.
    func cents() throws(BankMessagesError) -> Int64 {
        guard tree.string(element.currency) == "EUR" else { throw .foreignCurrency(place: place) }
        return try value(Cents.parse, expected: Cents.expected)
    }

    func flag() throws(BankMessagesError) -> Bool {
        try value({ ["true": true, "1": true, "false": false, "0": false][$0] }, expected: "true or false")
    }

    /// Of a choice between a day and an instant; of an instant the day that its sender wrote.
    func day() throws(BankMessagesError) -> CalendarDay {
        if let date = try optional("Dt") {
            return try date.value(DateText.day(ofDate:), expected: DateText.dateExpected)
        }
        return try required("DtTm").value(DateText.day(ofInstant:), expected: DateText.instantExpected)
    }

    func iban() throws(BankMessagesError) -> String {
        try value({ AccountNumber.isValid($0) ? $0 : nil }, expected: AccountNumber.expected)
    }

    /// What its text is read as; an element with others in it has none.
    private func value<Value>(
        _ read: (String) -> Value?, expected: String
    ) throws(BankMessagesError) -> Value {
        guard !hasChildren, let value = read(trimmedText) else {
            throw .invalidValue(place: place, expected: expected)
        }
        return value
    }

    // MARK: What errors say

    /// As an XPath below `Document`, with positions from the second element of a name on.
    var place: String {
        let step = element.position > 1 ? "\(name)[\(element.position)]" : name
        return element.parent > 0 ? "\(DocumentNode(tree: tree, index: element.parent).place)/\(step)" : step
    }

    func place(of name: String) -> String { index == 0 ? name : "\(place)/\(name)" }

    // MARK: In the tree

    private init(tree: DocumentTree, index: Int32) {
        self.tree = tree
        self.index = index
    }

    private var element: DocumentTree.Element { tree.elements[Int(index)] }

    private var name: String { tree.names[Int(element.name)] }

    private var hasChildren: Bool { element.firstChild != DocumentTree.none }

    private var trimmedText: String {
        let bytes = tree.text[Int(element.text.lowerBound)..<Int(element.text.upperBound)]
        return String(
            decoding: bytes.drop(while: Self.isWhiteSpace).reversed().drop(while: Self.isWhiteSpace).reversed(),
            as: UTF8.self)
    }

    /// XML's.
    private static func isWhiteSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private static func isLine(_ text: String, lengthMax: Int) -> Bool {
        (1...lengthMax).contains(text.unicodeScalars.count)
            && !text.unicodeScalars.contains { scalar in
                [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
            }
    }

    private static func isCodeByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
