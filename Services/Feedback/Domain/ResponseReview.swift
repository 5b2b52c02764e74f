package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// An event that made, or would have made, a version of a response.
package struct Contribution: Sendable, Equatable {
    package var submission: Submission
    package var version: Int
    /// What its publisher was told last: nil when it counts.
    package var excludedFor: String?

    package init(submission: Submission, version: Int, excludedFor: String? = nil) {
        self.submission = submission
        self.version = version
        self.excludedFor = excludedFor
    }
}

/// Judges a response anew from the events behind it, after a fact came late that tells otherwise.
package struct ResponseReview: Sendable {
    package struct Change: Sendable, Equatable {
        package let contribution: Contribution
        /// nil when it counts after all.
        package let refusal: Refusal?
    }

    /// The event whose version is in force in the end, with what it is judged by; nil when none of them counts.
    package private(set) var inForce: (contribution: Contribution, accepted: AcceptedResponse)?
    /// The events of which their publisher has to be told something else now.
    package private(set) var changes: [Change] = []
    /// Why the first of those that do not count does not.
    package private(set) var refusal: Refusal?

    /// - Parameters:
    ///   - contributions: of one response, in the order of their versions.
    ///   - judge: the facts of now, without any response or event.
    package init(of response: UUID, _ contributions: [Contribution], by judge: IntakeJudge) {
        var judge = judge
        for contribution in contributions {
            let verdict = judge.reconsider(contribution.submission, candidate: response)
            switch verdict {
            case .accepted(let accepted):
                inForce = (contribution, accepted)
                if contribution.excludedFor != nil { changes.append(Change(contribution: contribution, refusal: nil)) }
            case .refused(let refusal): note(refusal, on: contribution)
            // Facts do not vanish, and what an event corrects is among the others.
            case .waiting(let dependency): note(dependency.refusalAfterWaiting, on: contribution)
            }
        }
    }

    private mutating func note(_ refusal: Refusal, on contribution: Contribution) {
        if self.refusal == nil { self.refusal = refusal }
        guard contribution.excludedFor != refusal.reason.rawValue else { return }
        changes.append(Change(contribution: contribution, refusal: refusal))
    }
}
