import CRabbitMQ
import Glibc

/// Memory that keeps the texts of one message still while librabbitmq reads them. A pointer into a Swift string is
/// valid in a closure only, and a header table of any length would nest as many closures; so the texts are copied here,
/// and the memory is used again for the next message.
struct MessageArena: ~Copyable {
    private var bytes: UnsafeMutableRawBufferPointer
    private var used = 0
    private var entries: UnsafeMutableBufferPointer<amqp_table_entry_t>

    init() {
        bytes = .allocate(byteCount: 4096, alignment: 16)
        entries = .allocate(capacity: 32)
    }

    deinit {
        bytes.deallocate()
        entries.deallocate()
    }

    /// Forgets what was copied, and makes room for so many bytes and entries: nothing may move afterwards.
    mutating func begin(byteCount: Int, entryCount: Int) {
        used = 0
        if byteCount > bytes.count {
            bytes.deallocate()
            bytes = .allocate(byteCount: byteCount, alignment: 16)
        }
        if entryCount > entries.count {
            entries.deallocate()
            entries = .allocate(capacity: entryCount)
        }
    }

    /// The copy of a text, valid until the next ``begin(byteCount:entryCount:)``.
    mutating func copy(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { source in
            precondition(source.count <= bytes.count - used, "the arena was begun with too few bytes")
            let target = UnsafeMutableRawBufferPointer(rebasing: bytes[used..<used + source.count])
            target.copyMemory(from: UnsafeRawBufferPointer(source))
            used += source.count
            return amqp_bytes_t(len: source.count, bytes: target.baseAddress)
        }
    }

    /// A header table over copies of the texts, valid until the next ``begin(byteCount:entryCount:)``.
    mutating func table(_ headers: [(String, HeaderValue)]) -> amqp_table_t {
        for (index, header) in headers.enumerated() {
            var value = amqp_field_value_t()
            switch header.1 {
            case .string(let text):
                value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                value.value.bytes = copy(text)
            case .int(let number):
                value.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
                value.value.i64 = number
            case .bool(let flag):
                value.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
                value.value.boolean = flag ? 1 : 0
            case .nested, .other:
                value.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
            }
            entries[index] = amqp_table_entry_t(key: copy(header.0), value: value)
        }
        return amqp_table_t(num_entries: Int32(headers.count), entries: entries.baseAddress)
    }

    /// The bytes that a table's texts need.
    static func byteCount(_ headers: [(String, HeaderValue)]) -> Int {
        headers.reduce(0) { sum, header in
            guard case .string(let text) = header.1 else { return sum + header.0.utf8.count }
            return sum + header.0.utf8.count + text.utf8.count
        }
    }
}
