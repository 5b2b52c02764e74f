import Events
import FeedbackDomain
import FoundationEssentials

/// What is kept of a message that waits or was refused, whatever the reason: itself, with a mark in the place of
/// everything that could tell who a person is.
enum KeptCopy {
    /// Of a longer message only the beginning is kept, with its real length.
    static let byteCountMax = FeedbackSubmission.byteCountMax

    static func bytes(of message: InboundMessage) -> [UInt8] {
        let body = message.body
        // What may be what ends the process is not taken apart once more.
        if case .failure(let refusal) = message.content, refusal.reason == .internalError { return text(body) }
        guard body.count <= byteCountMax, (try? JSONMembers(body)) != nil else { return text(body) }
        var mask = JSONMask(body, isReadAgain: message.submission != nil)
        return mask.masked()
    }

    /// Of what is no JSON object.
    fileprivate static func text(_ body: [UInt8]) -> [UInt8] {
        let beginning = Array(body.prefix(byteCountMax + IdentifierMask.lookAhead))
        // A body within the body, which is not looked for here.
        guard !beginning.contains("data_base64".utf8) else { return [] }
        // Where an identifier shows only once the writing is undone, there is no place to put a mark.
        if let plain = undone(beginning), IdentifierMask.mask(plain, upTo: plain.count) != plain { return [] }
        return IdentifierMask.mask(beginning, upTo: min(byteCountMax, body.count))
    }

    /// Without the zero bytes of wider encodings, and with ASCII in the place of its escapes.
    /// - Returns: nil when there are neither.
    private static func undone(_ bytes: [UInt8]) -> [UInt8]? {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "\\"), place + 5 < bytes.count,
                bytes[place + 1] | 0x20 == UInt8(ascii: "u"),
                let code = UInt16(String(decoding: bytes[place + 2...place + 5], as: UTF8.self), radix: 16)
            {
                plain.append(code < 128 ? UInt8(code) : UInt8(ascii: " "))
                place += 6
            } else {
                if bytes[place] != 0 { plain.append(bytes[place]) }
                place += 1
            }
        }
        return plain.count == bytes.count ? nil : plain
    }
}

/// Masks every name, text and number of a JSON text that is known to be well-formed.
private struct JSONMask {
    private struct Container {
        let isObject: Bool
        /// Of the member that is being read.
        var name = ""
        var expectsName: Bool
    }

    /// What the reader needs to judge the message again; it was looked into when the message was read.
    private static let attributes: Set = [
        "specversion", "type", "source", "id", "time", "datacontenttype", "experiment", "occasion", "amends",
    ]
    private static let members: Set = [
        "experiment", "participant", "instrument", "instrumentVersion", "occasion", "amends", "retracts",
        "resourceType", "status",
        "questionnaire",
    ]
    private static let subject = ["data", "subject", "identifier", "value"]

    private let bytes: [UInt8]
    private let isReadAgain: Bool
    private var place = 0
    private var copy: [UInt8] = []
    private var containers: [Container] = []

    init(_ bytes: [UInt8], isReadAgain: Bool) {
        self.bytes = bytes
        self.isReadAgain = isReadAgain
        copy.reserveCapacity(bytes.count)
    }

    mutating func masked() -> [UInt8] {
        while place < bytes.count {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "\""): text()
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): number()
            default:
                switch byte {
                case UInt8(ascii: "{"): containers.append(Container(isObject: true, expectsName: true))
                case UInt8(ascii: "["): containers.append(Container(isObject: false, expectsName: false))
                case UInt8(ascii: "}"), UInt8(ascii: "]"): containers.removeLast()
                case UInt8(ascii: ","):
                    let last = containers.count - 1
                    containers[last].expectsName = containers[last].isObject
                default: break
                }
                copy.append(byte)
                place += 1
            }
        }
        return copy
    }

    private mutating func text() {
        let start = place
        place += 1
        var hasEscape = false
        while bytes[place] != UInt8(ascii: "\"") {
            if bytes[place] == UInt8(ascii: "\\") {
                hasEscape = true
                place += 1
            }
            place += 1
        }
        place += 1
        let raw = bytes[start..<place]
        // An escape may stand for half a character: then nobody can say what the text is.
        let value =
            hasEscape
            ? try? WireCoding.decode(String.self, from: raw)
            : String(decoding: raw.dropFirst().dropLast(), as: UTF8.self)
        let masked = masked(value ?? IdentifierMask.mark)
        if masked == value {
            copy += raw
        } else {
            copy += (try? WireCoding.encode(masked)) ?? Array("\"\"".utf8)
        }
    }

    /// A name or a value, as it may be kept.
    private mutating func masked(_ text: String) -> String {
        let last = containers.count - 1
        if containers[last].expectsName {
            containers[last].expectsName = false
            containers[last].name = text
            return IdentifierMask.mask(text)
        }
        let path = containers.filter(\.isObject).map(\.name)
        if path == ["data_base64"] { return maskedInside(base64: text) }
        return isReadAgain && Self.isRead(path) ? text : IdentifierMask.mask(text)
    }

    private func maskedInside(base64 text: String) -> String {
        guard let data = Data(base64Encoded: text).map({ [UInt8]($0) }) else { return IdentifierMask.mask(text) }
        let kept = KeptCopy.text(data)
        return kept == data ? text : Data(kept).base64EncodedString()
    }

    private static func isRead(_ path: [String]) -> Bool {
        switch path.count {
        case 1: attributes.contains(path[0])
        case 2: path[0] == "data" && members.contains(path[1])
        default: path == subject
        }
    }

    private mutating func number() {
        let start = place
        while place < bytes.count, "+-.eE0123456789".utf8.contains(bytes[place]) { place += 1 }
        let raw = bytes[start..<place]
        let text = String(decoding: raw, as: UTF8.self)
        let masked = IdentifierMask.mask(text)
        copy += masked == text ? Array(raw) : Array("\"\(masked)\"".utf8)
    }
}
