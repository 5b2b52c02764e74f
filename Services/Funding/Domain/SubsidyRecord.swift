package import CofundingRules
package import Identifiers

/// A row of the essential data as far as it is known. Text that is empty is missing.
package struct SubsidyDraft: Sendable, Equatable {
    package var funderName = ""
    /// Fourteen digits.
    package var funder = ""
    package var signedOn: CalendarDay?
    package var reference = ""
    package var beneficiaryName = ""
    /// Fourteen digits.
    package var beneficiary = ""
    package var object = ""
    package var amountCents: Int64?
    package var natures: Set<SubsidyNature> = []
    package var conditions: PaymentConditions?
    package var period: PaymentPeriod?
    /// Number in the Répertoire des aides aux entreprises; nil for an aid that is not in it.
    package var aidID: String?
    /// Whether it was granted as de minimis aid, which is what the decree's notification is about.
    package var isDeMinimis: Bool?
    package var share: SubsidyShare?

    package init() {}

    /// What is missing or wrong, in the order of the columns.
    package var faults: [SubsidyFault] { SubsidyField.allCases.compactMap(fault) }

    /// The columns that are missing.
    package var missing: [SubsidyField] { faults.filter(\.isMissing).map(\.field) }

    private func fault(of field: SubsidyField) -> SubsidyFault? {
        switch field {
        case .funderName: text(funderName, field, "write the official name of the body that grants")
        case .funder: siret(funder, field, "write the SIRET of the body that grants")
        case .signedOn: signedOn == nil ? .missing(field, "record the day of the signature") : nil
        case .reference:
            text(reference, field, "write the agreement's number, by which a correction replaces what was published")
        case .beneficiaryName: text(beneficiaryName, field, "write the beneficiary's legal name")
        case .beneficiary: siret(beneficiary, field, "write the SIRET of the establishment that gets the subsidy")
        case .object: text(object, field, "write what the subsidy is for")
        case .amount: amountFault
        case .natures: natures.isEmpty ? .missing(field, "say whether money or something in kind is given") : nil
        case .conditions: conditionsFault
        case .period: periodFault
        case .aidID: aidIDFault
        case .isDeMinimis: isDeMinimis == nil ? .missing(field, "say whether it is de minimis aid: yes or no") : nil
        case .share: share == nil ? .missing(field, "state both the beneficiary's and the agreement's amount") : nil
        }
    }

    private func text(_ text: String, _ field: SubsidyField, _ mend: String) -> SubsidyFault? {
        guard let flaw = PublishedText.flaw(in: text) else { return nil }
        return flaw == .blank ? .missing(field, mend) : .wrong(field, flaw.mend)
    }

    private func siret(_ text: String, _ field: SubsidyField, _ mend: String) -> SubsidyFault? {
        if PublishedText.flaw(in: text) == .blank { return .missing(field, mend) }
        guard SIRET(text) == nil else { return nil }
        return .wrong(
            field, "a SIRET has fourteen digits, and those of this one do not fit: compare it with the register")
    }

    private var amountFault: SubsidyFault? {
        guard let amountCents else { return .missing(.amount, "state the beneficiary's amount") }
        return (1...Checks.centsMax).contains(amountCents)
            ? nil : .wrong(.amount, "state an amount from 1 to \(Checks.centsMax) cents")
    }

    private var conditionsFault: SubsidyFault? {
        guard let conditions else {
            return .missing(.conditions, "say whether it is paid at once, in parts or how else")
        }
        guard case .other(let words) = conditions else { return nil }
        guard PaymentConditions(text: words) == conditions else {
            return .wrong(.conditions, "«\(words)» has a kind of its own: choose it")
        }
        return text(words, .conditions, "say in words how it is paid")
    }

    private var periodFault: SubsidyFault? {
        guard let period else {
            return .missing(.period, "state the day of the payment, or the first and the last day of the payments")
        }
        if period.last < period.first { return .wrong(.period, "let the period end when it begins or later") }
        if conditions == .staged, period.first == period.last {
            return .wrong(.period, "payment in parts takes more than one day: state its first and its last")
        }
        return nil
    }

    /// One to five letters or digits: the schema's greatest length and the form of its example; the register's own rule
    /// is not published with it.
    private var aidIDFault: SubsidyFault? {
        guard let aidID else { return nil }
        let fits = (1...5).contains(aidID.utf8.count) && aidID.utf8.allSatisfy(Self.isLetterOrDigit)
        return fits ? nil : .wrong(.aidID, "write one to five letters or digits, or leave it out")
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// A row that may be published: every column is there and right.
package struct SubsidyRecord: Sendable, Equatable {
    package let funderName: String
    package let funder: SIRET
    package let signedOn: CalendarDay
    package let reference: String
    package let beneficiaryName: String
    package let beneficiary: SIRET
    package let object: String
    /// What the policy has the column mean: the beneficiary's part, or the whole subsidy.
    package let amountCents: Int64
    package let natures: Set<SubsidyNature>
    package let conditions: PaymentConditions
    package let period: PaymentPeriod
    package let aidID: String?
    package let isDeMinimis: Bool
    package let share: SubsidyShare

    /// nil while the draft has faults.
    package init?(_ draft: SubsidyDraft) {
        guard draft.faults.isEmpty, let funder = SIRET(draft.funder), let signedOn = draft.signedOn,
            let beneficiary = SIRET(draft.beneficiary), let amountCents = draft.amountCents,
            let conditions = draft.conditions, let period = draft.period, let isDeMinimis = draft.isDeMinimis,
            let share = draft.share
        else { return nil }
        funderName = draft.funderName
        self.funder = funder
        self.signedOn = signedOn
        reference = draft.reference
        beneficiaryName = draft.beneficiaryName
        self.beneficiary = beneficiary
        object = draft.object
        self.amountCents = amountCents
        natures = draft.natures
        self.conditions = conditions
        self.period = period
        aidID = draft.aidID
        self.isDeMinimis = isDeMinimis
        self.share = share
    }
}
