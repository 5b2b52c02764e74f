/// What `config` prints: every key with its value, and what else could be there. Secrets are hidden.
enum SettingsTable {
    static func text(_ settings: Settings) -> String {
        let rows = settings.entries.map { entry in
            [
                entry.key.environmentName, entry.text.map { entry.key.isSecret ? "[hidden]" : $0 } ?? "-",
                entry.source ?? "-", entry.key.fallback ?? "-", entry.key.unit ?? "-", entry.key.kind.allowed,
                entry.key.about,
            ]
        }
        let table = [["variable", "value", "source", "default", "unit", "allowed", "about"]] + rows
        let widths = (0..<7).map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
