/// Who sends a request, as the token says.
package struct Principal: Sendable, Hashable {
    /// The issuer's stable id of the person; the actor of the events that the request causes.
    package let subject: String
    package let roles: Set<Role>
    /// SIREN (9 digits) of the organisation that the person acts for.
    package let organisation: String?
    /// For pages only. Personal: never logged, never stored, never in an event.
    package let displayName: String?

    package init(subject: String, roles: Set<Role>, organisation: String? = nil, displayName: String? = nil) {
        self.subject = subject
        self.roles = roles
        self.organisation = organisation
        self.displayName = displayName
    }

    package func has(_ role: Role) -> Bool { roles.contains(role) }

    /// Whether the person has one of `roles`; no role given asks for none.
    package func hasAny(of roles: [Role]) -> Bool { roles.isEmpty || roles.contains(where: self.roles.contains) }
}

extension Principal: CustomStringConvertible {
    /// Without the name, so that an interpolation into a log stays clean.
    package var description: String { "\(subject) (\(roles.map(\.rawValue).sorted().joined(separator: ", ")))" }
}
