/// Why a message is not written, or why what came is not read. `slug` is stable and may be shown and stored.
///
/// Fields of what is written are named as in `transactions/2/amountCents`, counted from 0; places of what is read as in
/// `Ntfctn/Ntry[3]/Amt`, counted from 1 as in XPath. Neither carries a value of the message, so that no bank details
/// come into logs; what a sender names its format, encoding or a character by is cut and printed in ASCII.
package enum BankMessagesError: Error, Equatable, CustomStringConvertible {
    case invalidInput(field: String, expected: String)
    /// The SEPA character set has neither this character nor one for it. `character` is as in `U+4E2D`, with its name.
    case characterNotAllowed(field: String, character: String)
    /// An identification that stands in the message before; `first` is the field it stands in.
    case repeatedID(field: String, first: String)

    /// More than is read; `limit` says how much is.
    case tooLarge(limit: String)
    /// Anything but UTF-8.
    case unknownEncoding(name: String)
    /// A document type declaration: entities are declared in it, and no bank message has one.
    case documentTypeDeclared(line: Int)
    case malformed(reason: String, line: Int)
    /// Another message, or a version of it that is not known.
    case unknownMessage(namespace: String, expected: [String])
    case missing(place: String)
    /// An element that may stand once stands again.
    case repeated(place: String)
    case invalidValue(place: String, expected: String)
    /// An amount in anything but euros.
    case foreignCurrency(place: String)

    package var slug: String {
        switch self {
        case .invalidInput: "invalid-input"
        case .characterNotAllowed: "character-not-allowed"
        case .repeatedID: "repeated-id"
        case .tooLarge: "message-too-large"
        case .unknownEncoding: "unknown-encoding"
        case .documentTypeDeclared: "document-type-declared"
        case .malformed: "malformed-xml"
        case .unknownMessage: "unknown-message"
        case .missing: "missing-element"
        case .repeated: "repeated-element"
        case .invalidValue: "invalid-value"
        case .foreignCurrency: "foreign-currency"
        }
    }

    package var description: String {
        switch self {
        case .invalidInput(let field, let expected): "\(field): \(expected) is expected"
        case .characterNotAllowed(let field, let character):
            "\(field): banks do not take \(character): write it in letters from a to z"
        case .repeatedID(let field, let first): "\(field): is used at \(first) already: give each its own"
        case .tooLarge(let limit): "the message is too large: at most \(limit) is read"
        case .unknownEncoding(let name): "the encoding \(name) is not read: UTF-8 is expected"
        case .documentTypeDeclared(let line): "line \(line): a document type declaration is not read: leave it out"
        case .malformed(let reason, let line): "line \(line): this is no well-formed XML: \(reason)"
        case .unknownMessage(let namespace, let expected):
            "the namespace \(namespace) is not known: \(expected.joined(separator: " or ")) is expected"
        case .missing(let place): "\(place): is missing"
        case .repeated(let place): "\(place): may stand once only"
        case .invalidValue(let place, let expected): "\(place): \(expected) is expected"
        case .foreignCurrency(let place): "\(place): an amount in EUR is expected"
        }
    }

    /// What someone outside wrote, for an error: at most 80 characters of visible ASCII, so that it forges no log.
    static func printable(_ text: String) -> String {
        let characters = text.unicodeScalars.prefix(80).map { (0x21...0x7E).contains($0.value) ? Character($0) : "?" }
        return characters.isEmpty ? "(none)" : String(characters)
    }
}
