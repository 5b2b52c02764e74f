package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// Who may change an application. Both have to match: a colleague of the same organisation is somebody else.
package struct ApplicationOwner: Sendable, Equatable {
    /// The opaque id of the person in the issuer of tokens.
    package let subject: String
    /// SIREN.
    package let organisation: String

    package init(subject: String, organisation: String) {
        self.subject = subject
        self.organisation = organisation
    }
}

package enum ApplicationState: String, Sendable, CaseIterable {
    case draft
    case submitted
    case eligible
    case ineligible
    case recommended
    case funded
    case reserve
    case rejected
    case contracted

    /// The states that follow directly. `submitted` follows itself: the last deposit before the closing counts.
    package var next: Set<ApplicationState> {
        switch self {
        case .draft: [.submitted]
        case .submitted: [.submitted, .eligible, .ineligible]
        case .eligible: [.recommended]
        case .recommended: [.funded, .reserve, .rejected]
        case .funded: [.contracted]
        case .ineligible, .reserve, .rejected, .contracted: []
        }
    }
}

/// What was handed in. A later deposit replaces it until the call closes.
package struct Deposit: Sendable, Equatable {
    /// From 1.
    package let number: Int
    /// Without the contact.
    package let content: ApplicationContent
    /// `CanonicalContent`: what the receipt is the digest of.
    package let canonical: [UInt8]
    /// SHA-256 in lower-case hexadecimal.
    package let receipt: String
    package let submittedAt: Date

    package init(number: Int, content: ApplicationContent, canonical: [UInt8], receipt: String, submittedAt: Date) {
        self.number = number
        self.content = content
        self.canonical = canonical
        self.receipt = receipt
        self.submittedAt = submittedAt
    }
}

/// An application from its first draft to the signed agreement.
package struct Application: Sendable, Equatable {
    package static let reviewCountMin = 2

    package let id: UUID
    package let call: UUID
    package let owner: ApplicationOwner
    /// Of the aggregate: one more with every change. Reviews are aggregates of their own and do not count.
    package var version: Int64
    package var state: ApplicationState
    /// The working copy; the owner alone changes it, until the call closes.
    package var content: ApplicationContent
    package var deposit: Deposit?
    package var eligibility: Eligibility?
    package var reviews: [Review]
    package var recommendation: Recommendation?
    package var decision: Decision?

    /// A new draft.
    package static func draft(
        _ content: ApplicationContent, id: UUID, call: Call, owner: ApplicationOwner, at now: Date
    ) throws(ApplicationsError) -> Application {
        guard call.state(at: now) != .closed else { throw .callClosed(graceUntil: call.graceUntil) }
        try ContentLimits.check(content)
        return Application(id: id, call: call.id, owner: owner, content: content)
    }

    package init(
        id: UUID, call: UUID, owner: ApplicationOwner, content: ApplicationContent, version: Int64 = 1,
    ) {
        self.id = id
        self.call = call
        self.owner = owner
        self.version = version
        state = .draft
        self.content = content
        reviews = []
    }

    /// Whether the working copy differs from what was handed in last.
    package var hasUndepositedChanges: Bool {
        guard let deposit else { return true }
        return deposit.content != content.withoutContact
    }

    func require(_ states: ApplicationState...) throws(ApplicationsError) {
        guard states.contains(state) else { throw .wrongState(state, needed: states) }
    }
}
