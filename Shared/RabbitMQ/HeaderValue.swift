/// A value of a message's header table. What is nested is counted and never followed: a hostile sender nests thousands
/// deep.
package enum HeaderValue: Sendable, Equatable {
    case string(String)
    case int(Int64)
    case bool(Bool)
    /// A table or an array.
    case nested
    /// A float, bytes, a text that is no UTF-8 or is longer than
    /// ``MessageProperties/headerTextBytesMax``.
    case other
}
