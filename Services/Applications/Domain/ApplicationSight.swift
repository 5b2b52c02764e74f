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
    /// Recommendation and decision with who made them.
    package var showsSelection: Bool

    /// In what capacity somebody asks.
    package enum Capacity: Sendable, Hashable {
        case applicant
        case reviewer
        case committee
        case decisionMaker
        case `operator`
    }
}

extension Application {
    /// nil when the application does not exist for this person.
    ///
    /// Drafts belong to their owner; the operator sees them to help. Reviewers work blind: without the contact, and without
    /// the other reviews until the committee has given its opinion.
    package func sight(
        of subject: String, organisation: String?, in capacities: Set<ApplicationSight.Capacity>
    )
        -> ApplicationSight?
    {
        let isOwner =
            capacities.contains(.applicant) && owner.subject == subject && owner.organisation == organisation
        if capacities.contains(.operator) {
            return .init(showsWorkingCopy: deposit == nil, showsContact: true, reviews: .all, showsSelection: true)
        }
        if isOwner { return .init(showsWorkingCopy: true, showsContact: true, reviews: .none, showsSelection: false) }
        guard deposit != nil else { return nil }
        if !capacities.isDisjoint(with: [.committee, .decisionMaker]) {
            return .init(showsWorkingCopy: false, showsContact: false, reviews: .all, showsSelection: true)
        }
        guard capacities.contains(.reviewer) else { return nil }
        let isRecommended = recommendation != nil
        return .init(
            showsWorkingCopy: false, showsContact: false, reviews: isRecommended ? .all : .own, showsSelection: false)
    }
}
