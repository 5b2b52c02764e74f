import FoundationEssentials
import HTTPDefaults
import Hummingbird
import NIOCore

/// What a browser sends from a form (`application/x-www-form-urlencoded`), bounded in bytes and fields.
struct FormBody: Sendable {
    private static let bytesMax = 131_072
    private static let fieldCountMax = 100

    private let fields: [String: String]

    subscript(name: String) -> String { fields[name] ?? "" }

    /// - Throws: 413 for a longer body, 415 for another type, 400 for what cannot be read.
    init(_ request: Request) async throws {
        let type = request.headers[.contentType] ?? ""
        guard type.lowercased().hasPrefix("application/x-www-form-urlencoded") else {
            throw Problem(.unsupportedMediaType, "unsupported-media-type", "This page takes what its form sends")
        }
        guard let fields = Self.parse(try await BodyDecoder.collect(request, limitBytes: Self.bytesMax)) else {
            throw Problem(.badRequest, "bad-request", "The form cannot be read")
        }
        self.fields = fields
    }

    init?(parsing bytes: [UInt8]) {
        guard let fields = Self.parse(bytes) else { return nil }
        self.fields = fields
    }

    /// Of fields of one name the last holds. nil where it is no UTF-8, or too much.
    private static func parse(_ bytes: [UInt8]) -> [String: String]? {
        let pairs = bytes.split(separator: UInt8(ascii: "&"))
        guard pairs.count <= fieldCountMax else { return nil }
        var fields: [String: String] = [:]
        for pair in pairs {
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            guard let key = decode(name), let value = decode(pair.dropFirst(name.count + 1)) else { return nil }
            fields[key] = value
        }
        return fields
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { return nil }
        // Browsers send line ends as CR LF. No other control character can be typed, and the database takes no NUL.
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control }))
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
