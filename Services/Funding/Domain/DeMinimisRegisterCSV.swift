import CofundingRules
import Identifiers

/// The de minimis aid of a programme as a table.
///
/// Since 1 January 2026 such aid is to be entered in a register, in France the «plateforme des aides d'État» (decree
/// 2025-1361 of 26 December 2025). Its article 4 names what is entered, and the form in which the platform takes it is
/// not public: so the columns are our own, for those who enter it by hand and for whoever checks the ceiling. They are
/// written like those of the subsidies: UTF-8, commas, points before decimals, line feeds, one row for each aid.
///
/// What the article asks for besides and the programme does not know here: the aid's instrument, which is always a
/// grant; the NACE sector; and who finances it where that is not who grants it.
///
/// | column | content |
/// |---|---|
/// | `sirenBeneficiaire` | SIREN of the undertaking that got the aid |
/// | `sirensEntrepriseUnique` | SIRENs of its single undertaking, its own among them, ascending, separated by `;` |
/// | `dateOctroi` | day the right to the aid was conferred, `yyyy-MM-dd` |
/// | `montant` | the aid in euros, two decimals |
/// | `categorie` | `général` or `SIEG` |
/// | `baseJuridique` | the regulation |
/// | `autoriteOctroi` | who granted it |
/// | `referenceOctroi` | number of the decision or agreement |
/// | `plafondRestant` | what the ceiling left to the single undertaking behind it on that day, in euros |
package enum DeMinimisRegisterCSV {
    package static let header = [
        "sirenBeneficiaire", "sirensEntrepriseUnique", "dateOctroi", "montant", "categorie", "baseJuridique",
        "autoriteOctroi", "referenceOctroi", "plafondRestant",
    ]

    package static func text(_ entries: some Sequence<DeMinimisEntry>) -> String {
        CSVTable.text(header: header, rows: entries.lazy.map(fields))
    }

    /// - Returns: the entries of a file that `text` wrote.
    package static func entries(of bytes: [UInt8]) throws(CSVError) -> [DeMinimisEntry] {
        var entries: [DeMinimisEntry] = []
        for (index, row) in try CSVTable.rows(of: bytes, header: header).enumerated() {
            entries.append(try entry(row, line: index + 2))
        }
        return entries
    }

    private static func fields(of entry: DeMinimisEntry) -> [String] {
        let grant = entry.grant
        return [
            grant.beneficiary.digits, grant.undertaking.map(\.digits).sorted().joined(separator: ";"),
            grant.grantedOn.description, EuroText.text(grant.cents), grant.kind.rawValue, grant.legalBasis,
            grant.authority, grant.reference, EuroText.text(entry.roomLeftCents),
        ]
    }

    private static func entry(_ row: [String], line: Int) throws(CSVError) -> DeMinimisEntry {
        func value<Value>(_ column: Int, _ mend: String, _ read: (String) -> Value?) throws(CSVError) -> Value {
            guard let value = read(row[column]) else {
                throw CSVError(line: line, problem: .value(column: header[column], mend: mend))
            }
            return value
        }
        let members = try value(1, "write SIRENs, ascending, separated by ;") { text in
            let members = text.split(separator: ";", omittingEmptySubsequences: false).map { SIREN(String($0)) }
            return members.contains(nil) ? nil : Set(members.compactMap(\.self))
        }
        let grant = DeMinimisGrant(
            beneficiary: try value(0, "write a SIREN") { SIREN($0) }, undertaking: members,
            grantedOn: try value(2, "write yyyy-MM-dd") { CalendarDay($0) },
            cents: try value(3, "write euros with two decimals", EuroText.cents),
            kind: try value(4, "write général or SIEG") { DeMinimisKind(rawValue: $0) },
            legalBasis: row[5], authority: row[6], reference: row[7])
        let roomLeft = try value(8, "write euros with two decimals", EuroText.cents)
        let entry: DeMinimisEntry
        do throws(FundingError) {
            entry = try DeMinimisEntry(grant, roomLeftCents: roomLeft)
        } catch {
            throw CSVError(line: line, problem: .value(column: error.field ?? "", mend: error.title))
        }
        for (column, (text, again)) in zip(header, zip(row, fields(of: entry)))
        where !text.utf8.elementsEqual(again.utf8) {
            throw CSVError(line: line, problem: .value(column: column, mend: "write \(again)"))
        }
        return entry
    }
}
