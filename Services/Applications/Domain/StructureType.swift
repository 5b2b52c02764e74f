/// What kind of legal entity takes part in a consortium. The list follows from who the call admits (domain sources 13
/// and 15).
package enum StructureType: String, Sendable, CaseIterable, Codable {
    case publicHospital = "etablissement_sante_public"
    case privateHospital = "etablissement_sante_prive"
    /// Establishment or service of the medico-social sector.
    case medicoSocial = "esms"
    /// Care in town: MSP, CPTS, practice, health centre.
    case cityCare = "structure_ville"
    case innovationActor = "acteur_innovation"
    case incubator = "incubateur_accelerateur"
    case publicGroup = "GIS_GCS_GIP"
    case contractResearch = "CRO"
    case userAssociation = "association_usagers"
    case evaluator = "structure_evaluation_medico_eco"
    case researchBody = "organisme_recherche"
    case publicBody = "collectivite_institution"
    case supplier = "entreprise_fournisseur"

    /// A care or medico-social structure: alone it may lead an application, and it is what an innovation actor has to
    /// bring in.
    package var isHealthStructure: Bool {
        switch self {
        case .publicHospital, .privateHospital, .medicoSocial, .cityCare: true
        case .innovationActor, .incubator, .publicGroup, .contractResearch, .userAssociation, .evaluator,
            .researchBody, .publicBody, .supplier:
            false
        }
    }
}

/// Where a health structure works.
package enum Sector: String, Sendable, CaseIterable, Codable {
    case hospital = "sanitaire"
    case medicoSocial = "medico_social"
    case city = "ville"
}
