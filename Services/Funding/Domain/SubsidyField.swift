/// The columns of the essential data of subsidy agreements, in the order that the format sets.
///
/// Decree 2017-779 of 5 May 2017 names the data, the order of 17 November 2017 their form; the columns are those of
/// etalab/format-subventions 1.1.1. The schema scdl/subventions on schema.data.gouv.fr has the same fourteen until
/// 2.0.2, and two optional ones more since (rnaBeneficiaire, dispositifAide), which are not written.
package enum SubsidyField: String, Sendable, CaseIterable {
    case funderName = "nomAttribuant"
    case funder = "idAttribuant"
    case signedOn = "dateConvention"
    case reference = "referenceDecision"
    case beneficiaryName = "nomBeneficiaire"
    case beneficiary = "idBeneficiaire"
    case object = "objet"
    case amount = "montant"
    case natures = "nature"
    case conditions = "conditionsVersement"
    case period = "datesPeriodeVersement"
    case aidID = "idRAE"
    case isDeMinimis = "notificationUE"
    case share = "pourcentageSubvention"

    package static let header = allCases.map(\.rawValue)
}

/// What keeps a row from being published, and what to do about it.
package struct SubsidyFault: Sendable, Equatable {
    package let field: SubsidyField
    package let isMissing: Bool
    package let mend: String

    /// One sentence for a person.
    package var title: String { "\(field.rawValue) is \(isMissing ? "missing" : "wrong"): \(mend)." }

    fileprivate var column: Int { SubsidyField.allCases.firstIndex(of: field) ?? 0 }

    static func missing(_ field: SubsidyField, _ mend: String) -> SubsidyFault {
        SubsidyFault(field: field, isMissing: true, mend: mend)
    }

    static func wrong(_ field: SubsidyField, _ mend: String) -> SubsidyFault {
        SubsidyFault(field: field, isMissing: false, mend: mend)
    }
}

extension [SubsidyFault] {
    var inColumnOrder: [SubsidyFault] { sorted { $0.column < $1.column } }
}
