package import CofundingRules

/// What `montant` holds in the rows of an agreement with more than one beneficiary, where the format contradicts
/// itself.
///
/// Its words say the whole: the readme of etalab/format-subventions 1.1.1 repeats all but names, numbers and
/// percentages in every row, and scdl/subventions has the total «before it is divided between the beneficiaries». Its
/// example, which the same readme offers as good practice, has each beneficiary's own amount (22000.80 at 0.8, 5500.20
/// at 0.2).
package enum SubsidyAmountMeaning: String, Sendable, CaseIterable {
    /// As in the example: exact to the cent in each row, and the rows of an agreement add up to it.
    case beneficiarysPart = "beneficiarys-part"
    /// As in the words: the same in each row, to be divided by `pourcentageSubvention`, and never to be added up.
    case wholeSubsidy = "whole-subsidy"
}

/// The duty to publish as data: texts change, and a programme may do more than they ask.
package struct SubsidyPolicy: Sendable, Equatable {
    /// Publication is compulsory above it, not at it.
    package var thresholdCents: Int64
    /// Calendar months from the day of the signature to the last day of publication.
    package var months: Int
    /// Agreements signed before it are exempt; nil where none are.
    package var signedFrom: CalendarDay?
    /// Whether agreements with public-law bodies are published though the law asks it for private-law bodies alone.
    package var publishesPublicLaw: Bool
    package var amountMeaning: SubsidyAmountMeaning
    /// Where it is published.
    package var source: String

    package init(
        thresholdCents: Int64, months: Int, signedFrom: CalendarDay?, publishesPublicLaw: Bool,
        amountMeaning: SubsidyAmountMeaning, source: String
    ) {
        self.thresholdCents = thresholdCents
        self.months = months
        self.signedFrom = signedFrom
        self.publishesPublicLaw = publishesPublicLaw
        self.amountMeaning = amountMeaning
        self.source = source
    }

    /// 23,000 euros, three months, agreements from 1 August 2017 on; and, by the programme's choice, public-law bodies.
    ///
    /// The threshold is for a year's subsidy; the whole amount of an agreement over several years is held against it
    /// here, which publishes more and never less.
    package static let decree2017 = SubsidyPolicy(
        thresholdCents: 2_300_000, months: 3, signedFrom: CalendarDay("2017-08-01"), publishesPublicLaw: true,
        amountMeaning: .beneficiarysPart,
        source: "loi 2000-321 art. 10, décrets 2001-495 art. 1 et 2017-779, arrêté du 17 novembre 2017")

    /// The last day on which publication is in time. The month's last day where it is shorter than the day of the
    /// signature: of 30 November, 28 or 29 February.
    package func deadline(after signature: CalendarDay) -> CalendarDay { signature.adding(months: months) }

    /// Why an agreement is published, or is not.
    ///
    /// The private-law bodies of one agreement are held against the threshold together: the law speaks of the subsidy,
    /// which a consortium does not make smaller by dividing it.
    package func duty(of agreement: SubsidyAgreement) -> SubsidyDuty {
        if let signedFrom, let signedOn = agreement.signedOn, signedOn < signedFrom { return .exempt(.beforeTheDecree) }
        if agreement.privateLawCents > Int128(thresholdCents) { return .compulsory }
        let hasPublicLaw = agreement.lines.contains { !$0.isPrivateLaw }
        if hasPublicLaw, publishesPublicLaw { return .byPolicy }
        return .exempt(
            agreement.lines.contains(where: \.isPrivateLaw) || !hasPublicLaw ? .notAboveThreshold : .publicLaw)
    }
}

package enum SubsidyDuty: Sendable, Equatable {
    /// By law.
    case compulsory
    /// By the programme's choice.
    case byPolicy
    case exempt(SubsidyExemption)
}

package enum SubsidyExemption: String, Sendable, CaseIterable {
    case beforeTheDecree = "before-the-decree"
    case notAboveThreshold = "not-above-threshold"
    case publicLaw = "public-law"
}

extension CalendarDay {
    /// The same day so many months on, or the last of that month where it is shorter; the calendar's last day beyond
    /// it.
    /// - Parameter months: from 0.
    func adding(months: Int) -> CalendarDay {
        precondition(months >= 0, "a deadline lies behind what it begins with")
        let (count, isAbove) = (year * 12 + month - 1).addingReportingOverflow(months)
        let days = stride(from: day, through: 1, by: -1).lazy
        let found =
            isAbove
            ? nil : days.compactMap { CalendarDay(year: count / 12, month: count % 12 + 1, day: $0) }.first
        return found ?? CalendarDay("9999-12-31") ?? self
    }
}
