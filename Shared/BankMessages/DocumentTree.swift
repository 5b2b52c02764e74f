/// The elements of one XML document in flat arrays: 44 bytes for an element and its text, whatever a sender nests.
///
/// Elements of other namespaces than the document's own are kept without a name, so that nobody finds them. Text beside
/// elements, and attributes but `Ccy`, are left out: no bank message has others that are read.
final class DocumentTree {
    struct Element {
        let name: Int32
        let parent: Int32
        /// Among its parent's elements of the same name, from 1.
        let position: Int32
        var firstChild = none
        var lastChild = none
        var nextSibling = none
        /// Ranges of `text`.
        var text: Range<Int32>
        var currency: Range<Int32>
    }

    static let none: Int32 = -1
    static let depthMax = 64
    /// The messages that are read have a few hundred different ones.
    static let nameCountMax = 4_096
    private static let root = "Document"
    private static let currencyAttribute = "Ccy"
    /// Between namespace and name, as the parser hands them over: no namespace has a line break.
    static let separator = UInt8(ascii: "\n")

    private(set) var elements: [Element] = []
    private(set) var text: [UInt8] = []
    private(set) var names: [String] = [""]
    private var numbers: [String: Int32] = ["": 0]
    private var open: [Int32] = []
    /// Of each open element: how many elements of a name it has so far.
    private var counts: [[Int32: Int32]] = []
    private let namespaces: [String]
    /// The document's own; empty before its root.
    private(set) var namespace = ""
    /// Why it is not read on.
    private(set) var failure: BankMessagesError?

    /// - Parameter namespaces: of the messages that are read; any other fails.
    init(namespaces: [String]) { self.namespaces = namespaces }

    // MARK: Building

    /// A parser that was stopped may still hand over what it was at: nothing is taken after a failure.
    func fail(_ error: BankMessagesError) {
        if failure == nil { failure = error }
    }

    /// - Parameters:
    ///   - qualifiedName: namespace, separator and name; without the first two where there is no namespace.
    ///   - currency: of the attribute `Ccy`.
    func start(_ qualifiedName: String, currency: String?) {
        guard failure == nil else { return }
        let (namespace, name) = Self.split(qualifiedName)
        if elements.isEmpty {
            guard namespaces.contains(namespace), name == Self.root else {
                return fail(
                    .unknownMessage(namespace: BankMessagesError.printable(namespace), expected: namespaces))
            }
            self.namespace = namespace
        }
        guard open.count < Self.depthMax else {
            return fail(.tooLarge(limit: "\(Self.depthMax) levels of elements"))
        }
        let index = Int32(elements.count)
        let parent = open.last ?? Self.none
        if parent != Self.none {
            let sibling = elements[Int(parent)].lastChild
            if sibling == Self.none {
                elements[Int(parent)].firstChild = index
            } else {
                elements[Int(sibling)].nextSibling = index
            }
            elements[Int(parent)].lastChild = index
        }
        let number = namespace == self.namespace ? number(of: name) : 0
        guard names.count <= Self.nameCountMax else {
            return fail(.tooLarge(limit: "\(Self.nameCountMax - 1) names of elements"))
        }
        var position: Int32 = 1
        if !counts.isEmpty {
            position += counts[counts.count - 1][number, default: 0]
            counts[counts.count - 1][number] = position
        }
        let currencyStart = Int32(text.count)
        text += (currency ?? "").utf8
        let textStart = Int32(text.count)
        elements.append(
            Element(
                name: number, parent: parent, position: position, text: textStart..<textStart,
                currency: currencyStart..<textStart))
        open.append(index)
        counts.append([:])
    }

    func add(_ characters: UnsafeBufferPointer<UInt8>) {
        guard failure == nil, let element = open.last, elements[Int(element)].firstChild == Self.none else { return }
        text += characters
        elements[Int(element)].text = elements[Int(element)].text.lowerBound..<Int32(text.count)
    }

    func end() {
        guard failure == nil else { return }
        open.removeLast()
        counts.removeLast()
    }

    static func isCurrency(_ attribute: String) -> Bool { attribute == currencyAttribute }

    private static func split(_ qualifiedName: String) -> (namespace: String, name: String) {
        guard let cut = qualifiedName.utf8.lastIndex(of: separator) else { return ("", qualifiedName) }
        let start = qualifiedName.utf8.index(after: cut)
        return (String(qualifiedName[..<cut]), String(qualifiedName[start...]))
    }

    private func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }

    // MARK: Looking up

    /// nil where no element has the name.
    func number(known name: String) -> Int32? { numbers[name] }

    func string(_ range: Range<Int32>) -> String {
        String(decoding: text[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)
    }
}
