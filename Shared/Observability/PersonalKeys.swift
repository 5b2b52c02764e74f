/// Which metadata keys may hold something about a person or a secret. Their values never reach a log: the message says
/// what happened, the trace id leads to the rest, and the rest is in the one schema that may know it.
package enum PersonalKeys {
    /// What stands in the place of a masked value.
    package static let mask = "[masked]"

    /// Words that mark a key, whatever stands around them: `applicant.email` and `contactEmail` are both caught.
    private static let words: Set<String> = [
        "address", "answer", "authorization", "bic", "birth", "birthdate", "birthday", "comment", "cookie",
        "credential",
        "credentials", "displayname", "dob", "email", "firstname", "fullname", "iban", "ins", "ip", "lastname", "mail",
        "mobile", "nir", "passphrase", "password", "patient", "phone", "postcode", "pseudonym", "secret", "ssn",
        "street",
        "surname", "telephone", "token",
    ]

    /// Pairs of neighbouring words that are personal only together (`name` alone is mostly a queue's or a file's).
    private static let pairs: Set<String> = [
        "display name", "family name", "first name", "free text", "full name", "given name", "last name", "person name",
        "user name",
    ]

    /// Whether the value under `key` must be masked. Case, camel case and separators make no difference.
    package static func contains(_ key: String) -> Bool {
        let parts = split(key)
        if parts.contains(where: words.contains) { return true }
        return zip(parts, parts.dropFirst()).contains { pairs.contains("\($0) \($1)") }
    }

    private static func split(_ key: String) -> [String] {
        var parts: [String] = []
        var word = ""
        var isAfterLowercase = false
        for character in key {
            if !character.isLetter && !character.isNumber {
                parts.append(word)
                word = ""
            } else if character.isUppercase && isAfterLowercase {
                parts.append(word)
                word = character.lowercased()
            } else {
                word += character.lowercased()
            }
            isAfterLowercase = character.isLowercase
        }
        parts.append(word)
        return parts.filter { !$0.isEmpty }
    }
}
