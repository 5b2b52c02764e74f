import Synchronization

/// Row locks: first come, first served, held until the transaction ends.
final class ModelLocks<Key: Hashable & Comparable & Sendable>: Sendable {
    private struct Row {
        var holder: Int64
        var waiting: [(transaction: Int64, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let rows = Mutex<[Key: Row]>([:])

    func take(_ key: Key, by transaction: Int64) async {
        await withCheckedContinuation { continuation in
            let isFree = rows.withLock { rows in
                guard let row = rows[key], row.holder != transaction else {
                    rows[key] = rows[key] ?? Row(holder: transaction)
                    return true
                }
                rows[key]?.waiting.append((transaction, continuation))
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// `for update skip locked`.
    func takeIfFree(_ key: Key, by transaction: Int64) -> Bool {
        rows.withLock { rows in
            guard let row = rows[key] else {
                rows[key] = Row(holder: transaction)
                return true
            }
            return row.holder == transaction
        }
    }

    func release(by transaction: Int64) {
        let next = rows.withLock { rows in
            var next: [CheckedContinuation<Void, Never>] = []
            // In the order of keys: that of a dictionary is another one in every process.
            for (key, row) in rows.sorted(by: { $0.key < $1.key }) where row.holder == transaction {
                guard let first = row.waiting.first else {
                    rows[key] = nil
                    continue
                }
                rows[key]?.holder = first.transaction
                rows[key]?.waiting.removeFirst()
                next.append(first.continuation)
            }
            return next
        }
        for continuation in next { continuation.resume() }
    }
}
