package import Postgres

/// Why a schema is not, or cannot be made, what this program expects. `description` names the file and the mend.
package struct MigrationsError: Error {
    package enum Code: String, Sendable {
        /// Files are not applied yet.
        case missing
        /// An applied file has another text now.
        case edited
        /// The schema has files that this program does not know.
        case newer
        /// A new file sorts before one of its component that is applied.
        case outOfOrder
        /// Two files of one component have the same name.
        case duplicate
        /// The SQL of a file failed.
        case failed
        /// The database did not answer as it should.
        case database
    }

    package let code: Code
    package let schema: String
    /// The files it is about, as `component/name`.
    package let files: [String]
    /// What PostgreSQL said.
    package let cause: PostgresError?

    init(_ code: Code, schema: String, files: [String] = [], cause: PostgresError? = nil) {
        self.code = code
        self.schema = schema
        self.files = files
        self.cause = cause
    }

    /// Whether the same call may succeed later without anybody's help.
    package var isRetriable: Bool { code == .database && cause?.isRetriable == true }
}

extension MigrationsError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        let names = files.joined(separator: ", ")
        let text =
            switch code {
            case .missing: "\(names) not applied: run `migrate` of this version before `serve`"
            case .edited:
                "\(names) changed after being applied: restore the text that was applied; a change goes into a new file"
            case .newer:
                "\(names) unknown to this program: a newer version migrated the schema; deploy that one or a later one"
            case .outOfOrder:
                "\(names) sorts before a file that is applied: rename it so that it comes last in its component"
            case .duplicate: "\(names) exists twice: give each file of a component its own name"
            case .failed:
                "\(names) failed and was rolled back; mend its SQL or the data that it meets and migrate again"
            case .database: "the migrations could not be read or locked"
            }
        let because = cause.map { " (\($0))" } ?? ""
        return "schema \(schema): \(text)\(because)"
    }

    /// With PostgreSQL's own words, which may hold values of rows.
    package var debugDescription: String {
        cause.map { "\(description): \(String(reflecting: $0))" } ?? description
    }
}
