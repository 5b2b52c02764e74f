package import CofundingRules

/// Who grants, as it is published.
package struct SubsidyFunder: Sendable, Equatable {
    package let name: String
    package let siret: String

    package init(name: String, siret: String) {
        self.name = name
        self.siret = siret
    }
}

/// What one beneficiary gets under an agreement; what is not known is empty or nil.
package struct SubsidyLine: Sendable, Equatable {
    package var name: String
    package var siret: String
    package var cents: Int64?
    package var natures: Set<SubsidyNature>
    package var conditions: PaymentConditions?
    package var period: PaymentPeriod?
    package var aidID: String?
    /// Whether its part is de minimis aid: the decree's notification.
    package var isDeMinimis: Bool?
    package var isPrivateLaw: Bool

    package init(
        name: String, siret: String, cents: Int64?, natures: Set<SubsidyNature> = [.money],
        conditions: PaymentConditions?, period: PaymentPeriod?, aidID: String? = nil, isDeMinimis: Bool?,
        isPrivateLaw: Bool
    ) {
        self.name = name
        self.siret = siret
        self.cents = cents
        self.natures = natures
        self.conditions = conditions
        self.period = period
        self.aidID = aidID
        self.isDeMinimis = isDeMinimis
        self.isPrivateLaw = isPrivateLaw
    }

    /// What stands for the beneficiaries of an agreement that names none.
    fileprivate static let unknown = SubsidyLine(
        name: "", siret: "", cents: nil, natures: [], conditions: nil, period: nil, isDeMinimis: nil, isPrivateLaw: true
    )
}

/// A change of an agreement that both sides signed.
package struct SubsidyAmendment: Sendable, Equatable {
    /// From 1.
    package let number: Int
    package let signedOn: CalendarDay

    package init(number: Int, signedOn: CalendarDay) {
        self.number = number
        self.signedOn = signedOn
    }
}

/// A version of an agreement whose rows were in a published file.
package struct PublishedSubsidy: Sendable, Equatable {
    /// 0 for the agreement as it was signed first.
    package let amendment: Int
    package let on: CalendarDay

    package init(amendment: Int, on day: CalendarDay) {
        self.amendment = amendment
        on = day
    }
}

/// One version of an agreement: as it was signed first, or after an amendment.
package struct SubsidyAgreement: Sendable, Equatable {
    /// The agreement's number: the same in all its versions and in no other agreement.
    package var reference: String
    /// The day both sides signed the agreement, also of a version that an amendment made; nil for a draft.
    package var signedOn: CalendarDay?
    package var object: String
    package var funder: SubsidyFunder
    package var grantedCents: Int64
    package var lines: [SubsidyLine]
    /// The one that made this version; nil for the first.
    package var amendment: SubsidyAmendment?
    /// An agreement that ended early keeps its rows: what was granted was granted. What it paid back is no column.
    package var terminatedOn: CalendarDay?
    package var published: PublishedSubsidy?

    package init(
        reference: String, signedOn: CalendarDay?, object: String, funder: SubsidyFunder, grantedCents: Int64,
        lines: [SubsidyLine], amendment: SubsidyAmendment? = nil, terminatedOn: CalendarDay? = nil,
        published: PublishedSubsidy? = nil
    ) {
        self.reference = reference
        self.signedOn = signedOn
        self.object = object
        self.funder = funder
        self.grantedCents = grantedCents
        self.lines = lines
        self.amendment = amendment
        self.terminatedOn = terminatedOn
        self.published = published
    }

    /// 0 for the version that was signed first.
    var version: Int { amendment?.number ?? 0 }

    /// From which day this version is what the sides agreed on.
    var effectiveOn: CalendarDay? { amendment?.signedOn ?? signedOn }

    var privateLawCents: Int128 {
        lines.reduce(into: 0) { sum, line in
            if line.isPrivateLaw { sum += Int128(line.cents ?? 0) }
        }
    }
}

/// One beneficiary's row with what it still lacks.
package struct SubsidyRow: Sendable, Equatable {
    package let draft: SubsidyDraft
    package let faults: [SubsidyFault]

    /// nil while there are faults.
    package var record: SubsidyRecord? { faults.isEmpty ? SubsidyRecord(draft) : nil }
    package var missing: [SubsidyField] { faults.filter(\.isMissing).map(\.field) }
}

extension SubsidyAgreement {
    /// One row for each beneficiary, in the agreement's order; one without a beneficiary when it names none, so that an
    /// empty agreement is not passed over in silence.
    package func rows(_ meaning: SubsidyAmountMeaning) -> [SubsidyRow] {
        let lines = lines.isEmpty ? [.unknown] : lines
        let sum = lines.reduce(into: Int128(0)) { $0 += Int128($1.cents ?? 0) }
        let isWholeKnown = lines.allSatisfy { $0.cents != nil }
        return lines.map { line in
            let draft = draft(of: line, meaning)
            var faults = draft.faults
            if meaning == .wholeSubsidy {
                // The column has the whole; the part must be right as well.
                var part = draft
                part.amountCents = line.cents
                faults = part.faults
            }
            if isWholeKnown, sum != Int128(grantedCents) {
                faults.append(
                    .wrong(.amount, "let the beneficiaries' \(sum) cents be the agreement's \(grantedCents) cents"))
            }
            if lines.count(where: { !$0.siret.isEmpty && $0.siret == line.siret }) > 1 {
                faults.append(.wrong(.beneficiary, "put its lines together: it is named more than once"))
            }
            return SubsidyRow(draft: draft, faults: faults.inColumnOrder)
        }
    }

    private func draft(of line: SubsidyLine, _ meaning: SubsidyAmountMeaning) -> SubsidyDraft {
        var draft = SubsidyDraft()
        draft.funderName = funder.name
        draft.funder = funder.siret
        draft.signedOn = signedOn
        draft.reference = reference
        draft.beneficiaryName = line.name
        draft.beneficiary = line.siret
        draft.object = object
        switch meaning {
        case .beneficiarysPart: draft.amountCents = line.cents
        case .wholeSubsidy: draft.amountCents = grantedCents
        }
        draft.natures = line.natures
        draft.conditions = line.conditions
        draft.period = line.period
        draft.aidID = line.aidID
        draft.isDeMinimis = line.isDeMinimis
        draft.share = line.cents.flatMap { SubsidyShare($0, of: grantedCents) }
        return draft
    }
}
