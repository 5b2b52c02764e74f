import HTTPDefaults
import HTTPTypes
import Identity
import ServiceRuntime

extension ExperimentReach {
    /// An operator looks after every experiment, a site manager after those of their organisation.
    init(_ principal: Principal) throws(Problem) {
        if principal.has(.operator) {
            self = .all
            return
        }
        guard let organisation = principal.organisation else {
            throw Problem(.forbidden, "organisation-required", "The token names no organisation")
                .mending("Sign in with an account that belongs to an organisation (SIREN).")
        }
        self = .organisation(organisation)
    }
}

extension MaillageContext {
    /// What the caller does for a site: a site manager for the own experiments, an operator for all.
    func act(at clock: ProgrammeClock) throws -> InvitationAct {
        let caller = try require(.siteManager, .operator)
        return InvitationAct(actor: caller.subject, now: clock.now(), reach: try ExperimentReach(caller))
    }
}
