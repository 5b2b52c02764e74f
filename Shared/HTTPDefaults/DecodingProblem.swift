import FoundationEssentials

/// Tells a caller which field of the body is wrong and what was expected; never what was sent, which may be personal.
enum DecodingProblem {
    /// As ``problem(_:)``, for a body that is at hand. Foundation says of a number that does not fit its field only
    /// that the text is not valid JSON (seen with 6.3), so a body that is refused without a field is read once more for
    /// such a number.
    static func problem(_ error: DecodingError, in body: [UInt8]) -> Problem {
        guard case .dataCorrupted(let context) = error, context.codingPath.isEmpty,
            let path = (try? JSONDecoder().decode(NumberProbe.self, from: Data(body)))?.path
        else { return problem(error) }
        return .invalid(pointer(path), expected: "an integer, or a number that this field allows")
    }

    static func problem(_ error: DecodingError) -> Problem {
        switch error {
        case .keyNotFound(let key, let context):
            return .invalid(pointer(context.codingPath + [key]), expected: "a value; the field is missing")
        case .valueNotFound(let type, let context):
            return .invalid(pointer(context.codingPath), expected: "\(name(type)), not null")
        case .typeMismatch(let type, let context):
            return .invalid(pointer(context.codingPath), expected: name(type))
        case .dataCorrupted(let context):
            // Without a path the text itself is broken; with one, a value of the right type says nothing we know.
            guard !context.codingPath.isEmpty else { return .malformedJSON("the text is not valid JSON in UTF-8") }
            // Foundation tells a malformed UUID only by this sentence.
            let isUUID = context.debugDescription.contains("UUID string")
            return .invalid(
                pointer(context.codingPath), expected: isUUID ? "a UUID" : "a value that this field allows")
        @unknown default:
            return .malformedJSON("the body cannot be read")
        }
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

/// Finds the first number that is no 64-bit integer in any JSON text.
private struct NumberProbe: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let path: [any CodingKey]?

    init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: Key.self) {
            var found: [any CodingKey]?
            for key in members.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) where found == nil {
                found = try members.decode(NumberProbe.self, forKey: key).path
            }
            path = found
        } else if var items = try? decoder.unkeyedContainer() {
            var found: [any CodingKey]?
            while found == nil, !items.isAtEnd { found = try items.decode(NumberProbe.self).path }
            path = found
        } else {
            let value = try decoder.singleValueContainer()
            let isNumber = (try? value.decode(Double.self)) != nil
            path = isNumber && (try? value.decode(Int64.self)) == nil ? decoder.codingPath : nil
        }
    }
}
