package import CofundingRules

/// Where an agreement stands on a day.
package enum SubsidyStatus: Sendable, Equatable {
    /// A draft, or signed later than that day.
    case notSigned
    case exempt(SubsidyExemption)
    /// To be published, and in time until that day.
    case due(until: CalendarDay)
    /// Not published, and the last day in time is over.
    case overdue(since: CalendarDay)
    /// The newest version is out.
    case published(on: CalendarDay)
}

/// An agreement's duty and status.
package struct SubsidyStanding: Sendable, Equatable {
    package let reference: String
    /// Of the newest version; 0 for the first.
    package let amendment: Int
    package let duty: SubsidyDuty
    package let status: SubsidyStatus
}

/// A row that cannot be published yet.
package struct IncompleteSubsidy: Sendable, Equatable {
    package let reference: String
    package let amendment: Int
    /// From 1, in the agreement's order.
    package let lineNumber: Int
    /// May be empty: then the number tells which beneficiary it is.
    package let beneficiaryName: String
    package let faults: [SubsidyFault]
}

/// What is to be published on a day, what is not ready for it, and where every agreement stands.
package struct SubsidySummary: Sendable, Equatable {
    /// The rows of the whole file, in the order of the agreements' days, numbers and lines.
    package fileprivate(set) var records: [SubsidyRecord] = []
    package fileprivate(set) var incomplete: [IncompleteSubsidy] = []
    package fileprivate(set) var standings: [SubsidyStanding] = []

    package var overdue: [SubsidyStanding] {
        standings.filter { if case .overdue = $0.status { true } else { false } }
    }

    package var due: [SubsidyStanding] {
        standings.filter { if case .due = $0.status { true } else { false } }
    }
}

/// The publication of the essential data of a programme's agreements.
///
/// The file is the whole set, made anew each time: a corrected agreement is a new set of rows under the same reference
/// in the place of the old one. A correction that is not complete takes nothing away: the rows that were published
/// before stay until it is.
package struct SubsidyPublication: Sendable {
    package let policy: SubsidyPolicy
    package let day: CalendarDay

    package init(on day: CalendarDay, under policy: SubsidyPolicy = .decree2017) {
        self.day = day
        self.policy = policy
    }

    /// - Parameter agreements: all versions that are known, in any order; the newest that is signed by the day counts.
    package func summary(of agreements: [SubsidyAgreement]) -> SubsidySummary {
        var summary = SubsidySummary()
        for versions in versions(agreements) { add(versions, to: &summary) }
        return summary
    }

    /// Where one version of an agreement stands, with what was published of it.
    package func standing(of agreement: SubsidyAgreement) -> SubsidyStanding {
        standing(of: agreement, published: agreement.published.flatMap { $0.on <= day ? $0 : nil })
    }

    /// - Parameter published: by the day.
    private func standing(of agreement: SubsidyAgreement, published: PublishedSubsidy?) -> SubsidyStanding {
        let duty = policy.duty(of: agreement)
        func standing(_ status: SubsidyStatus) -> SubsidyStanding {
            SubsidyStanding(
                reference: agreement.reference, amendment: agreement.version, duty: duty, status: status)
        }
        guard let signature = agreement.effectiveOn, signature <= day, agreement.signedOn != nil else {
            return standing(.notSigned)
        }
        // What was published stays and is kept right, even when an amendment takes it below the threshold.
        if case .exempt(let why) = duty, published == nil { return standing(.exempt(why)) }
        if let published, published.amendment >= agreement.version { return standing(.published(on: published.on)) }
        // The decree is silent on corrections: they have the same time, from the day of the amendment.
        let last = policy.deadline(after: signature)
        return standing(day <= last ? .due(until: last) : .overdue(since: last))
    }

    private func add(_ versions: [SubsidyAgreement], to summary: inout SubsidySummary) {
        guard let newest = versions.first else { return }
        let published = versions.compactMap(\.published).filter { $0.on <= day }.max { $0.amendment < $1.amendment }
        let standing = standing(of: newest, published: published)
        summary.standings.append(standing)
        switch standing.status {
        case .notSigned, .exempt: return
        case .due, .overdue, .published: break
        }
        let rows = rows(of: newest, among: versions)
        for (index, row) in rows.enumerated() where !row.faults.isEmpty {
            summary.incomplete.append(
                IncompleteSubsidy(
                    reference: newest.reference, amendment: newest.version, lineNumber: index + 1,
                    beneficiaryName: row.draft.beneficiaryName, faults: row.faults))
        }
        let outBefore = versions.filter { version in published.map { version.version <= $0.amendment } ?? false }
        let complete = ([newest] + outBefore).lazy.map { self.rows(of: $0, among: versions) }
            .first { rows in rows.allSatisfy { $0.faults.isEmpty } }
        summary.records += (complete ?? rows).compactMap(\.record)
    }

    private func rows(of agreement: SubsidyAgreement, among versions: [SubsidyAgreement]) -> [SubsidyRow] {
        let rows = agreement.rows(policy.amountMeaning)
        guard versions.count(where: { $0.version == agreement.version }) > 1 else { return rows }
        let fault = SubsidyFault.wrong(
            .reference, "give each agreement a number of its own, and each of its amendments: this one is used twice")
        return rows.map { SubsidyRow(draft: $0.draft, faults: ($0.faults + [fault]).inColumnOrder) }
    }

    /// The versions of each agreement, the newest that counts on the day first, then older ones; agreements in order.
    private func versions(_ agreements: [SubsidyAgreement]) -> [[SubsidyAgreement]] {
        var groups: [[SubsidyAgreement]] = []
        var places: [String: Int] = [:]
        for agreement in agreements {
            if let place = places[agreement.reference] {
                groups[place].append(agreement)
            } else {
                // Without a number nothing says that two are versions of one.
                if !agreement.reference.isEmpty { places[agreement.reference] = groups.count }
                groups.append([agreement])
            }
        }
        return groups.map { group in
            let inForce = group.filter { $0.effectiveOn.map { $0 <= day } ?? false }
            return (inForce.isEmpty ? group : inForce).sorted { $0.version > $1.version }
        }
        .sorted { left, right in order(left) < order(right) }
    }

    private func order(_ versions: [SubsidyAgreement]) -> (String, String) {
        (versions.first?.signedOn?.description ?? "", versions.first?.reference ?? "")
    }
}
