/// How much of what comes from a bank is read at once.
package enum MessageLimits {
    /// Unless the caller sets another: about ten thousand transactions with their details.
    package static let standardByteCount = 8 * 1024 * 1024
    /// Whatever the caller sets: positions in a message are 32 bits wide.
    package static let byteCountCeiling = 256 * 1024 * 1024
}
