/// What a person may do in the programme. A token carries any number of them; separation of duties is a rule of the
/// domains, not of the roles.
package enum Role: String, Sendable, Hashable, CaseIterable, Codable {
    /// Drafts and submits for a consortium.
    case applicant
    /// Scores applications blind.
    case reviewer
    /// Ranks and recommends.
    case committee
    /// Decides for the State; never sits in the committee.
    case decisionMaker = "decision-maker"
    /// Runs calls, agreements and tranches (Banque des Territoires).
    case `operator`
    /// Approves payments that somebody else ordered.
    case payingOfficer = "paying-officer"
    /// Runs experiments in a third place.
    case siteManager = "site-manager"
    /// Gives or refuses the ethics opinion.
    case ethics
    /// Reads the figures for the ministry.
    case ministry
    /// Repairs: dead letters, replays, configuration.
    case administrator
}
