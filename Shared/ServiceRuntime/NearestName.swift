/// Finds the name that somebody probably meant.
enum NearestName {
    /// The candidate with the fewest edits, if they are few enough for a typing error.
    static func of(_ name: String, among candidates: [String]) -> String? {
        let best = candidates.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }.min { $0.1 < $1.1 }
        return best.flatMap { $0.1 <= max(2, name.utf8.count / 3) ? $0.0 : nil }
    }

    /// Levenshtein's distance, one row at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
