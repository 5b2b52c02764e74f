import Glibc
import Synchronization

/// Where finished log lines go. Standard output is left to what a command answers (`config`, `healthcheck`).
package struct LogOutput: Sendable {
    /// Takes one line, its newline included.
    package let write: @Sendable ([UInt8]) -> Void

    package init(write: @escaping @Sendable ([UInt8]) -> Void) {
        self.write = write
    }

    // A line longer than PIPE_BUF (4 KiB) is not written in one piece; the lock keeps two of them apart.
    private static let lock = Mutex(())

    /// Standard error, unbuffered. A closed or full descriptor loses the line: logging must not stop the service.
    package static let standardError = LogOutput { line in
        lock.withLock { _ in
            line.withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    let written = Glibc.write(
                        STDERR_FILENO, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                    if written > 0 {
                        offset += written
                    } else if errno != EINTR {
                        return
                    }
                }
            }
        }
    }
}
