package import struct FoundationEssentials.Date

/// What a person agreed to: a set of purposes, written as codes with one space between, such as `usability interviews`.
package struct ConsentScope: Sendable, Equatable {
    package let purposes: Set<String>

    package init(_ text: String, field: String) throws(ExperimentationError) {
        guard text.utf8.count <= TextLimits.scopeLengthMax else {
            throw .invalidField(field, expected: "at most \(TextLimits.scopeLengthMax) characters")
        }
        let codes = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        for code in codes { try TextLimits.requireCode(code, field, lengthMax: 64, marks: "-._:") }
        purposes = Set(codes)
    }

    package func covers(_ other: ConsentScope) -> Bool { purposes.isSuperset(of: other.purposes) }
}

/// A participant's consent.
package struct Consent: Sendable, Equatable {
    /// Nobody's agreement is taken for longer than an experiment may measure.
    package static let ageSecondsMax: Double = Double(MeasureWindow.dayMax) * 86_400

    package let scope: String
    /// Of the form that was signed, from 1.
    package let version: Int
    package let givenAt: Date

    package init(scope: String, version: Int, givenAt: Date) {
        self.scope = scope
        self.version = version
        self.givenAt = givenAt
    }

    /// Throws unless the consent covers what the protocol asks for, at this instant.
    func check(for approved: StudyProtocol, at now: Date) throws(ExperimentationError) {
        let scope = try ConsentScope(scope, field: "/consent/scope")
        let needed = try ConsentScope(approved.consentScope, field: "/consentScope")
        guard scope.covers(needed) else { throw .consentScopeTooNarrow(needed: approved.consentScope) }
        guard (1...10_000).contains(version) else {
            throw .invalidField("/consent/version", expected: "a number from 1 to 10000")
        }
        guard givenAt <= now else { throw .consentInFuture }
        let limit = now.addingTimeInterval(-Self.ageSecondsMax)
        guard givenAt >= limit else { throw .consentTooOld(limit: limit) }
    }
}
