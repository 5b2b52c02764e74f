import Crypto

/// One ordered step of a schema: SQL that is applied once, in a transaction of its own, and never edited afterwards.
package struct MigrationFile: Sendable, Equatable {
    /// Whose tables these are: `outbox`, `inbox`, `funding`. Components are applied in the order in which they first
    /// appear.
    package let component: String
    /// Orders the files of a component: `0001-events`.
    package let name: String
    /// Any number of statements, without transaction commands. Names without a schema mean the migrator's schema.
    package let sql: String

    package init(component: String, name: String, sql: String) {
        self.component = component
        self.name = name
        self.sql = sql
    }

    /// How messages call the file.
    package var path: String { "\(component)/\(name)" }

    /// SHA-256 of the text, in hexadecimal digits.
    package var checksum: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = SHA256.hash(data: Array(sql.utf8)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
