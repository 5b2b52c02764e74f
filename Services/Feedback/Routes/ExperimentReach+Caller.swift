import HTTPDefaults
import HTTPTypes
import Identity

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
