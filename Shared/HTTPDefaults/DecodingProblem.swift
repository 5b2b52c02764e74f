import FoundationEssentials

/// Tells a caller which field of the body is wrong and what was expected; never what was sent, which may be personal.
enum DecodingProblem {
    /// - Parameter body: what could not be decoded.
    static func problem(_ error: DecodingError, in body: [UInt8] = []) -> Problem {
        switch error {
        case .keyNotFound(let key, let context):
            return .invalid(pointer(context.codingPath + [key]), expected: "a value; the field is missing")
        case .valueNotFound(let type, let context):
            return .invalid(pointer(context.codingPath), expected: "\(name(type)), not null")
        case .typeMismatch(let type, let context):
            return .invalid(pointer(context.codingPath), expected: name(type))
        case .dataCorrupted(let context):
            // Without a path the text itself is broken; with one, a value of the right type says nothing we know.
            guard !context.codingPath.isEmpty else { return withoutPath(body) }
            // Foundation tells a malformed UUID only by this sentence.
            let isUUID = context.debugDescription.contains("UUID string")
            return .invalid(
                pointer(context.codingPath), expected: isUUID ? "a UUID" : "a value that this field allows")
        @unknown default:
            return .malformedJSON("the body cannot be read")
        }
    }

    /// Foundation says the same of a text that is no JSON and of a number that does not fit its field, such as 0.5 for an
    /// integer, and gives no path; whether the text is JSON is asked once more.
    private static func withoutPath(_ body: [UInt8]) -> Problem {
        guard (try? JSONDecoder().decode(Anything.self, from: Data(body))) != nil else {
            return .malformedJSON("the text is not valid JSON in UTF-8")
        }
        return .invalid("", expected: "numbers that fit their fields: whole ones, of at most 64 bits")
    }

    /// Takes every JSON text.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) {}
    }

    /// RFC 6901; the empty pointer is the whole body.
    static func pointer(_ path: [any CodingKey]) -> String {
        path.map { key in
            if let index = key.intValue { return "/\(index)" }
            return "/" + key.stringValue.replacing("~", with: "~0").replacing("/", with: "~1")
        }.joined()
    }

    /// What a caller calls the type, as JSON knows it.
    private static func name(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type, is Int64.Type, is Int32.Type, is Int16.Type, is UInt.Type: "an integer"
        case is Double.Type, is Float.Type: "a number"
        case is Date.Type: "an instant such as 2026-01-31T09:00:00Z"
        case is UUID.Type: "a UUID"
        case is [Any].Type: "an array"
        default: "an object"
        }
    }
}
