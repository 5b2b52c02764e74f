/// Under which French regime an experiment runs (domain 5.1, sources 83 to 86).
package enum LegalQualification: String, Sendable, CaseIterable, Codable {
    /// Surveys of satisfaction and of usability: outside the law on research involving the human person.
    case satisfactionSurvey = "non_RIPH_satisfaction"
    /// Reuse of data under the CNIL's methodology of reference 004.
    case dataReuse = "non_RIPH_MR004"
    case interventional = "RIPH1"
    case minimalRisk = "RIPH2"
    /// Not interventional, under the methodology of reference 003.
    case observational = "RIPH3_MR003"
    case deviceInvestigation = "clinical_investigation_MDR"

    /// Whether nothing may start without the opinion of a committee for the protection of persons or its counterpart.
    package var needsEvidence: Bool {
        switch self {
        case .satisfactionSurvey, .dataReuse: false
        case .interventional, .minimalRisk, .observational, .deviceInvestigation: true
        }
    }
}
