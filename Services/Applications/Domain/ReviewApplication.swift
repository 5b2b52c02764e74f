import Identifiers

package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// Points from 0 to 100 for each criterion.
///
/// The criteria follow from what a project has to show (domain 1.3). The call's weights are not public, so they weigh
/// alike.
package struct Scores: Sendable, Equatable, Codable {
    package let impact: Int
    package let quality: Int
    package let economics: Int
    package let network: Int

    package init(impact: Int, quality: Int, economics: Int, network: Int) {
        self.impact = impact
        self.quality = quality
        self.economics = economics
        self.network = network
    }

    package static let range = 0...100
    var sum: Int { impact + quality + economics + network }
    var byField: [(String, Int)] {
        [("impact", impact), ("quality", quality), ("economics", economics), ("network", network)]
    }
}

/// An expert scores an application, or declares a conflict and stays out of it.
package struct ReviewApplication: Sendable, Equatable {
    package let id: UUID
    package let reviewer: Assessor
    /// What the reviewer says about the conflict; nil when there is none.
    package let declaredConflict: String?
    /// SIREN of organisations that the reviewer is tied to besides their own.
    package let organisationTies: [String]
    package let scores: Scores?
    package let comment: String?

    package init(
        id: UUID, reviewer: Assessor, declaredConflict: String? = nil, organisationTies: [String] = [],
        opinion: (scores: Scores?, comment: String?)
    ) {
        self.id = id
        self.reviewer = reviewer
        self.declaredConflict = declaredConflict
        self.organisationTies = organisationTies
        scores = opinion.scores
        comment = opinion.comment
    }
}

/// Somebody who takes part in the selection.
package struct Assessor: Sendable, Equatable {
    package let subject: String
    /// SIREN from the token; nil for somebody of no organisation.
    package let organisation: String?

    package init(subject: String, organisation: String?) {
        self.subject = subject
        self.organisation = organisation
    }
}

package struct Review: Sendable, Equatable {
    package let id: UUID
    package let reviewer: String
    package let organisation: String?
    /// Set for somebody who stayed out; such a review has no scores and counts for nothing.
    package let declaredConflict: String?
    package let organisationTies: [String]
    package let scores: Scores?
    package let comment: String?
    package let givenAt: Date

    package init(_ command: ReviewApplication, givenAt: Date) {
        id = command.id
        reviewer = command.reviewer.subject
        organisation = command.reviewer.organisation
        declaredConflict = command.declaredConflict
        organisationTies = command.organisationTies
        scores = command.scores
        comment = command.comment
        self.givenAt = givenAt
    }
}

extension Application {
    func review(_ command: ReviewApplication, at now: Date) throws(ApplicationsError) -> Review {
        try require(.eligible)
        guard !reviews.contains(where: { $0.reviewer == command.reviewer.subject }) else { throw .alreadyReviewed }
        try command.check()
        try refuseTies(of: command.reviewer, declared: command.organisationTies)
        guard command.declaredConflict != nil || command.scores != nil else { throw .scoresRequired }
        return Review(command, givenAt: now)
    }

    /// Nobody with a tie to the consortium takes part in its selection: the owner, or a member's own people.
    func refuseTies(of assessor: Assessor, declared ties: [String] = []) throws(ApplicationsError) {
        let content = deposit?.content ?? content
        guard assessor.subject != owner.subject else { throw .conflictOfInterest(field: nil) }
        if let organisation = assessor.organisation {
            guard organisation != owner.organisation, content.tie(to: organisation) == nil else {
                throw .conflictOfInterest(field: nil)
            }
        }
        for (index, siren) in ties.enumerated() where siren == owner.organisation || content.tie(to: siren) != nil {
            throw .conflictOfInterest(field: "/organisationTies/\(index)")
        }
    }
}

extension ReviewApplication {
    fileprivate func check() throws(ApplicationsError) {
        guard organisationTies.count <= ContentLimits.tiesCountMax else {
            throw .invalidField("/organisationTies", expected: "at most \(ContentLimits.tiesCountMax) SIREN numbers")
        }
        for (index, siren) in organisationTies.enumerated() where SIREN(siren) == nil {
            throw .invalidField("/organisationTies/\(index)", expected: "a SIREN number: nine digits with a Luhn check")
        }
        try ContentLimits.checkText(comment, "/comment", lengthMax: ContentLimits.commentLengthMax)
        if let declaredConflict {
            try ContentLimits.requireText(
                declaredConflict, "/conflictDeclared/reason", lengthMax: ContentLimits.reasonLengthMax)
            guard scores == nil else { throw .scoresWithConflict }
        }
        for (field, points) in scores?.byField ?? [] where !Scores.range.contains(points) {
            throw .invalidField("/scores/\(field)", expected: "points from 0 to 100")
        }
    }
}

extension [Review] {
    /// Those with scores.
    package var given: [Review] { filter { $0.scores != nil } }

    /// Mean of all points in hundredths, half up: 0 to 10,000. nil without a review.
    package var meanScoreHundredths: Int? {
        let scores = compactMap(\.scores)
        guard !scores.isEmpty else { return nil }
        let sum = scores.reduce(0) { $0 + $1.sum } * 100
        let count = scores.count * 4
        return (2 * sum + count) / (2 * count)
    }
}
