/// Everything that is wrong with the settings, so that an operator mends all of it in one go.
package struct SettingsError: Error, Equatable, CustomStringConvertible {
    package struct Violation: Equatable, Sendable {
        /// The variable at fault.
        package let key: String
        /// What was given; nil when nothing was or when it is a secret.
        package let value: String?
        package let problem: String

        package init(key: String, value: String?, problem: String) {
            self.key = key
            self.value = value
            self.problem = problem
        }
    }

    package let violations: [Violation]

    package init(violations: [Violation]) {
        self.violations = violations
    }

    package var description: String {
        let lines = violations.map { violation in
            let given = violation.value.map { " is \"\($0.prefix(200))\"" } ?? ""
            return "  \(violation.key)\(given): \(violation.problem)"
        }
        return "the settings cannot be used:\n" + lines.joined(separator: "\n")
    }
}
