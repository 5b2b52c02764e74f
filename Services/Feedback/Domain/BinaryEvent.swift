/// A CloudEvents message in binary mode: the attributes travel beside the body (AMQP headers, HTTP headers), the body
/// is `data` alone. It is turned into the structured form, so that everything behind the doors knows one form, and one
/// event sent both ways is one event.
package struct BinaryEvent: Sendable {
    /// In the order in which they are looked for: the convention of RabbitMQ's bridges and the HTTP binding's, the
    /// AMQP binding's next version, and its released ones.
    package static let prefixes = ["ce-", "cloudEvents_", "cloudEvents:"]

    /// Name and value of each attribute, names in lower case.
    private var attributes: [(name: String, value: String)]

    /// - Returns: nil when no field is the attribute `specversion`, without which the body must be the whole event.
    /// - Throws: ``Refusal`` when fields of several prefixes are there: nobody could say which of two values holds.
    package init?(fields: some Sequence<(String, String)>) throws(Refusal) {
        attributes = []
        var prefixes: Set<String> = []
        for (name, value) in fields {
            guard let prefix = Self.prefixes.first(where: { name.lowercased().hasPrefix($0.lowercased()) }) else {
                continue
            }
            prefixes.insert(prefix)
            let attribute = name.dropFirst(prefix.count).lowercased()
            // The body says what it is by its own content type; what is no name of an attribute is none.
            guard attribute != "datacontenttype", attribute != "data", Self.isName(attribute) else { continue }
            attributes.append((attribute, value))
        }
        guard attributes.contains(where: { $0.name == "specversion" }) else { return nil }
        guard prefixes.count == 1 else {
            throw Refusal(
                .malformedHeaders,
                mend: "use one prefix for the event's attributes: ce-, cloudEvents: or cloudEvents_")
        }
    }

    private static func isName(_ name: String) -> Bool {
        (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    /// The same event as one JSON object.
    /// - Parameters:
    ///   - data: the body.
    ///   - dataIsObject: whether it is a well-formed JSON object; anything else travels as base64, and keeps its name.
    package func structured(data: [UInt8], dataIsObject: Bool) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "{")]
        for (name, value) in attributes {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            Self.append(name, to: &text)
            text.append(UInt8(ascii: ":"))
            Self.append(value, to: &text)
        }
        guard !data.isEmpty else { return text + [UInt8(ascii: "}")] }
        if text.count > 1 { text.append(UInt8(ascii: ",")) }
        if dataIsObject {
            text += Array(#""data":"#.utf8)
            text += data
        } else {
            text += Array(#""data_base64":""#.utf8)
            text += Self.base64(data)
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
        return text
    }

    private static func append(_ string: String, to text: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        text.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                text += Array(#"\u00"#.utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                let isPadding = place > group.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * place) & 63])
            }
        }
        return text
    }
}

/// The elements of a JSON array as they stand, each to be read by itself: one that is broken is refused alone.
package enum JSONArrayElements {
    /// - Returns: nil when this is no array, or is cut off.
    package static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>]? {
        var place = bytes.startIndex
        skipSpace(bytes, &place)
        guard place < bytes.count, bytes[place] == UInt8(ascii: "[") else { return nil }
        place += 1
        var elements: [ArraySlice<UInt8>] = []
        var start = place
        var depth = 0
        var isInText = false
        while place < bytes.count {
            let byte = bytes[place]
            if isInText {
                if byte == UInt8(ascii: "\\") { place += 1 } else if byte == UInt8(ascii: "\"") { isInText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "]") where depth == 0:
                    let last = trimmed(bytes[start..<place])
                    if !last.isEmpty || !elements.isEmpty { elements.append(last) }
                    place += 1
                    skipSpace(bytes, &place)
                    return place == bytes.count ? elements : nil
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: ",") where depth == 0:
                    elements.append(trimmed(bytes[start..<place]))
                    start = place + 1
                default: break
                }
            }
            place += 1
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

    private static func skipSpace(_ bytes: [UInt8], _ place: inout Int) {
        while place < bytes.count, isSpace(bytes[place]) { place += 1 }
    }

    private static func trimmed(_ slice: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = slice
        while let first = slice.first, isSpace(first) { slice = slice.dropFirst() }
        while let last = slice.last, isSpace(last) { slice = slice.dropLast() }
        return slice
    }
}
