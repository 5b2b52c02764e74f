package import struct FoundationEssentials.UUID

/// The bytes that a deposit is: the same content always gives the same bytes, on every machine and in every version.
///
/// JSON as in RFC 8785: keys sorted, no white space, shortest escapes, text byte for byte as typed. Absent parts are
/// left out. The contact is no part of it, so that a person can be erased while every receipt stays verifiable.
package enum CanonicalContent {
    package static let schema = "maillage/application-content/1"

    package static func bytes(_ content: ApplicationContent, application: UUID, call: UUID) -> [UInt8] {
        var writer = CanonicalJSON()
        writer.object([
            ("animationBudgetCents", content.animationBudgetCents.map { .number($0) }),
            ("application", .text(application.uuidString.lowercased())),
            ("call", .text(call.uuidString.lowercased())),
            ("experiments", .list(content.experiments.map(value))),
            ("lead", content.lead.map(value)),
            ("partners", .list(content.partners.map(value))),
            ("requestedCents", content.requestedCents.map { .number($0) }),
            ("schema", .text(schema)),
            ("title", content.title.map { .text($0) }),
        ])
        return writer.bytes
    }

    private static func value(_ member: ApplicationContent.Member) -> CanonicalJSON.Value {
        .object([
            ("name", member.name.map { .text($0) }),
            ("sector", member.sector.map { .text($0.rawValue) }),
            ("siren", member.siren.map { .text($0) }),
            ("structureType", member.structureType.map { .text($0.rawValue) }),
        ])
    }

    private static func value(_ experiment: ApplicationContent.PlannedExperiment) -> CanonicalJSON.Value {
        .object([
            ("budgetCents", experiment.budgetCents.map { .number($0) }),
            ("title", experiment.title.map { .text($0) }),
        ])
    }
}

/// Writes the few JSON forms that a deposit needs.
private struct CanonicalJSON {
    indirect enum Value {
        case number(Int64)
        case text(String)
        case list([Value])
        case object([(String, Value?)])
    }

    private(set) var bytes: [UInt8] = []

    /// The members have to come in the order of their keys; those without a value are left out.
    mutating func object(_ members: [(String, Value?)]) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for case (let key, let value?) in members {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            text(key)
            bytes.append(UInt8(ascii: ":"))
            write(value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func write(_ value: Value) {
        switch value {
        case .number(let number): bytes.append(contentsOf: String(number).utf8)
        case .text(let string): text(string)
        case .object(let members): object(members)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(value)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    private mutating func text(_ string: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0x08: bytes.append(contentsOf: "\\b".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0C: bytes.append(contentsOf: "\\f".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                bytes.append(contentsOf: ("\\u00" + (byte < 16 ? "0" : "") + hex).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
