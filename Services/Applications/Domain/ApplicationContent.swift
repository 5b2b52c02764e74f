/// What an application says. Every part may be missing while it is a draft; `Completeness` says what is.
package struct ApplicationContent: Sendable, Equatable, Codable {
    package var title: String?
    package var lead: Member?
    package var partners: [Member]
    /// The forecast budget of running the third place, in cents.
    package var animationBudgetCents: Int64?
    /// The grant that is asked for, in cents.
    package var requestedCents: Int64?
    package var experiments: [PlannedExperiment]
    /// Personal data: kept beside the content, and no part of a deposit or a receipt.
    package var contact: Contact?

    package init(
        title: String? = nil, lead: Member? = nil, partners: [Member] = [],
        money: (animationBudgetCents: Int64?, requestedCents: Int64?) = (nil, nil),
        experiments: [PlannedExperiment] = [], contact: Contact? = nil
    ) {
        self.title = title
        self.lead = lead
        self.partners = partners
        animationBudgetCents = money.animationBudgetCents
        requestedCents = money.requestedCents
        self.experiments = experiments
        self.contact = contact
    }

    /// A legal entity of the consortium.
    package struct Member: Sendable, Equatable, Codable {
        /// As typed, without spaces; whether it is one is found by `Completeness`.
        package var siren: String?
        package var structureType: StructureType?
        /// For health structures.
        package var sector: Sector?
        package var name: String?

        package init(siren: String?, structureType: StructureType?, sector: Sector?, name: String?) {
            self.siren = siren
            self.structureType = structureType
            self.sector = sector
            self.name = name
        }
    }

    package struct PlannedExperiment: Sendable, Equatable, Codable {
        package var title: String?
        package var budgetCents: Int64?

        package init(title: String?, budgetCents: Int64?) {
            self.title = title
            self.budgetCents = budgetCents
        }
    }

    package struct Contact: Sendable, Equatable, Codable {
        package var name: String?
        package var email: String?

        package init(name: String?, email: String?) {
            self.name = name
            self.email = email
        }
    }

    /// Lead first.
    package var members: [Member] { (lead.map { [$0] } ?? []) + partners }

    package var withoutContact: ApplicationContent {
        var content = self
        content.contact = nil
        return content
    }

    /// Where in the consortium an organisation takes part, as a JSON pointer; nil when it does not.
    package func tie(to siren: String) -> String? {
        if lead?.siren == siren { return "/lead/siren" }
        return partners.firstIndex { $0.siren == siren }.map { "/partners/\($0)/siren" }
    }
}
