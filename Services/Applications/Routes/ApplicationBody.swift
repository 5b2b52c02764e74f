import ApplicationsDomain
import FoundationEssentials
import HTTPDefaults
import Identifiers

/// What an applicant sends: everything but the call may be missing.
struct ApplicationBody: Decodable {
    struct Member: Decodable {
        let siren: String?
        let structureType: String?
        let sector: String?
        let name: String?
    }

    struct Experiment: Decodable {
        let title: String?
        let budgetCents: Int64?
    }

    struct Contact: Decodable {
        let name: String?
        let email: String?
    }

    /// Needed to create a draft; a draft stays with its call.
    let call: UUID?
    let title: String?
    let lead: Member?
    let partners: [Member]?
    let animationBudgetCents: Int64?
    let requestedCents: Int64?
    let experiments: [Experiment]?
    let contact: Contact?

    func content() throws(Problem) -> ApplicationContent {
        var partners: [ApplicationContent.Member] = []
        for (index, partner) in (self.partners ?? []).enumerated() {
            partners.append(try partner.member(at: "/partners/\(index)"))
        }
        return ApplicationContent(
            title: title, lead: try lead?.member(at: "/lead"), partners: partners,
            money: (animationBudgetCents, requestedCents),
            experiments: (experiments ?? []).map { .init(title: $0.title, budgetCents: $0.budgetCents) },
            contact: contact.map { .init(name: $0.name, email: $0.email) })
    }
}

extension ApplicationBody.Member {
    fileprivate func member(at field: String) throws(Problem) -> ApplicationContent.Member {
        .init(
            siren: siren.map(SIREN.withoutSpaces),
            structureType: try StructureType.optional(structureType, at: field + "/structureType"),
            sector: try Sector.optional(sector, at: field + "/sector"), name: name)
    }
}
