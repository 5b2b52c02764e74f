import Glibc

/// A text that is mostly the same from message to message: compared first, so that it is neither checked nor allocated
/// again.
struct RepeatedString {
    private var last = ""

    /// Nil when the bytes are no UTF-8.
    mutating func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return "" }
        let isSame =
            last.utf8.withContiguousStorageIfAvailable { known in
                guard let base = known.baseAddress else { return false }
                return known.count == bytes.count && memcmp(base, start, known.count) == 0
            } ?? false
        if isSame { return last }
        guard let string = String(validating: bytes, as: UTF8.self) else { return nil }
        last = string
        return string
    }
}

/// The texts of the message before, by place.
struct PropertyCache {
    var contentType = RepeatedString()
    var messageID = RepeatedString()
    var type = RepeatedString()
    var userID = RepeatedString()
    var keys = [RepeatedString](repeating: RepeatedString(), count: MessageProperties.headerCountMax)
    var values = [RepeatedString](repeating: RepeatedString(), count: MessageProperties.headerCountMax)
}
