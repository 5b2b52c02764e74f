import HTTPDefaults
import HTTPTypes
import Identity
import ServiceRuntime

extension MaillageContext {
    /// What the domain needs to know of a command that comes through HTTP.
    func command(at clock: ProgrammeClock) -> CommandContext {
        CommandContext(actor: actor, cause: cause, now: clock.now())
    }
}

extension SiteReach {
    /// What a caller may reach by these of their roles: a site manager the sites of their organisation, everybody
    /// else all.
    init(_ principal: Principal) throws(Problem) {
        if principal.has(.operator) || principal.has(.ethics) {
            self = .all
            return
        }
        self = try .ofOrganisation(principal)
    }

    /// What who runs a site may act on: a site manager the sites of their organisation, an operator all.
    static func running(_ principal: Principal) throws(Problem) -> SiteReach {
        principal.has(.operator) ? .all : try .ofOrganisation(principal)
    }

    /// The sites of the caller's organisation.
    static func ofOrganisation(_ principal: Principal) throws(Problem) -> SiteReach {
        guard let organisation = principal.organisation else {
            throw Problem(.forbidden, "organisation-required", "The token names no organisation")
                .mending("Sign in with an account that belongs to an organisation (SIREN).")
        }
        return .organisation(organisation)
    }
}
