/// The pieces of the text exposition format, version 0.0.4.
package enum PrometheusText {
    /// The media type of `/metrics`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func line(_ name: String, _ labels: String, _ value: Double, into text: inout String) {
        text += labels.isEmpty ? "\(name) \(number(value))\n" : "\(name){\(labels)} \(number(value))\n"
    }

    /// Whole numbers without a fraction, as every other client writes them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 0x1p53 ? String(Int64(value)) : String(value)
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; every other character becomes an underscore.
    static func metricName(_ label: String, suffix: String = "") -> String {
        let name = sanitised(label, allowsColon: true)
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// The inside of the braces: sorted by name, the last of two equal names wins, values escaped.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var unique: [String: String] = [:]
        for (name, value) in dimensions {
            let name = sanitised(name, allowsColon: false)
            // `le` is the histogram's own and `__…` is Prometheus's.
            unique[name == "le" || name.hasPrefix("__") ? "exported_\(name)" : name] = value
        }
        return unique.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }.joined(separator: ",")
    }

    private static func sanitised(_ label: String, allowsColon: Bool) -> String {
        var name = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case ":" where allowsColon: name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += #"\\"#
            case "\"": result += #"\""#
            case "\n": result += #"\n"#
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
