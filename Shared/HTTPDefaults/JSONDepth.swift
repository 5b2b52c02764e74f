/// A scan for nesting that costs a fraction of decoding. A decoder recurses once per level, so a body of brackets alone
/// could end the thread's stack, and with it the process.
enum JSONDepth {
    /// Deep enough for every document of the programme, shallow enough for every stack.
    static let max = 32

    /// The deepest nesting of objects and arrays, or `limit + 1` as soon as it is over the limit. Brackets inside
    /// strings do not count; whether the text is JSON at all is the decoder's question.
    static func measure(_ bytes: [UInt8], limit: Int = max) -> Int {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = Swift.max(deepest, depth)
                if deepest > limit { return deepest }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}
