import ApplicationsDomain
import HTTPDefaults
import HTTPTypes
import Identity
import ServiceRuntime

extension MaillageContext {
    /// What the domain needs to know of a command that comes through HTTP.
    func command(at clock: ProgrammeClock) -> CommandContext {
        CommandContext(actor: actor, cause: cause, now: clock.now())
    }

    /// The caller, in as many of the capacities as their roles give; 403 when there is none.
    func viewer(as roles: Role...) throws(Problem) -> ApplicationViewer {
        guard let principal else { throw .unauthenticated }
        let capacities = roles.filter(principal.has).compactMap(ApplicationViewer.Capacity.init)
        guard !capacities.isEmpty else {
            let names = roles.map(\.rawValue).sorted().joined(separator: ", ")
            throw Problem(.forbidden, "forbidden", "Your roles do not allow this", detail: "needs one of: \(names)")
        }
        return ApplicationViewer(
            subject: principal.subject, organisation: principal.organisation, capacities: Set(capacities))
    }
}

extension ApplicationViewer.Capacity {
    init?(_ role: Role) {
        switch role {
        case .applicant: self = .applicant
        case .reviewer: self = .reviewer
        case .committee: self = .committee
        case .decisionMaker: self = .decisionMaker
        case .operator: self = .operator
        default: return nil
        }
    }
}
