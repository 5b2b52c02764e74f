/// What somebody may see of an application.
package struct ApplicationSight: Sendable, Equatable {
    package enum Reviews: Sendable, Equatable {
        case none
        /// The reviewer's own.
        case own
        case all
    }

    /// The working copy instead of the last deposit.
    package var showsWorkingCopy: Bool
    package var showsContact: Bool
    package var reviews: Reviews
    /// The recommendation, and who recommended and decided.
    package var showsSelection: Bool

}

/// Somebody who asks for an application, and in what capacities.
package struct ApplicationViewer: Sendable, Equatable {
    package enum Capacity: Sendable, Hashable {
        case applicant
        case reviewer
        case committee
        case decisionMaker
        case `operator`
    }

    package let subject: String
    /// SIREN from the token; nil for somebody of no organisation.
    package let organisation: String?
    package let capacities: Set<Capacity>

    package init(subject: String, organisation: String?, capacities: Set<Capacity>) {
        self.subject = subject
        self.organisation = organisation
        self.capacities = capacities
    }

    /// Whether more than one's own applications may be seen.
    package var seesTheProgramme: Bool { !capacities.subtracting([.applicant]).isEmpty }
}

extension Application {
    /// nil when the application does not exist for this person.
    ///
    /// Drafts belong to their owner; the operator sees them to help. Reviewers work blind: without the contact, and
    /// without the other reviews until the committee has given its opinion.
    package func sight(of viewer: ApplicationViewer) -> ApplicationSight? {
        if viewer.capacities.contains(.operator) {
            return .init(showsWorkingCopy: deposit == nil, showsContact: true, reviews: .all, showsSelection: true)
        }
        if viewer.capacities.contains(.applicant), owner.subject == viewer.subject,
            owner.organisation == viewer.organisation
        {
            return .init(showsWorkingCopy: true, showsContact: true, reviews: .none, showsSelection: false)
        }
        guard deposit != nil else { return nil }
        if !viewer.capacities.isDisjoint(with: [.committee, .decisionMaker]) {
            return .init(showsWorkingCopy: false, showsContact: false, reviews: .all, showsSelection: true)
        }
        guard viewer.capacities.contains(.reviewer) else { return nil }
        return .init(
            showsWorkingCopy: false, showsContact: false, reviews: recommendation == nil ? .own : .all,
            showsSelection: false)
    }
}
