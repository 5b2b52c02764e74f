/// Something that an applicant should know about a draft, in both languages; `field` is a JSON pointer into the
/// content.
package struct Finding: Sendable, Equatable, Encodable {
    package enum Severity: String, Sendable, Encodable {
        /// Keeps the application from being submitted.
        case error
        /// Does not, but may cost the applicant the eligibility or money.
        case warning
    }

    package let slug: String
    package let field: String
    package let severity: Severity
    package let messageFr: String
    package let messageEn: String

    package var isError: Bool { severity == .error }

    /// An error that names what is missing.
    static func missing(_ field: String, _ nameFr: String, _ nameEn: String) -> Finding {
        Finding(
            slug: "missing", field: field, severity: .error,
            messageFr: "\(field) : \(nameFr) à renseigner.", messageEn: "\(field): \(nameEn) is missing.")
    }

    static func error(_ slug: String, _ field: String, fr: String, en: String) -> Finding {
        Finding(
            slug: slug, field: field, severity: .error, messageFr: "\(field) : \(fr)", messageEn: "\(field): \(en)")
    }

    static func warning(_ slug: String, _ field: String, fr: String, en: String) -> Finding {
        Finding(
            slug: slug, field: field, severity: .warning, messageFr: "\(field) : \(fr)", messageEn: "\(field): \(en)")
    }
}
