package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

package enum SiteState: String, Sendable, CaseIterable {
    /// The agreement is signed.
    case planned
    case open
}

/// A third place. It comes into being with the signed agreement, one for each.
package struct Site: Sendable, Equatable {
    package let id: UUID
    package let agreement: UUID
    package let application: UUID
    package let call: UUID
    /// Of the lead, which runs the site.
    package let siren: String
    package var version: Int64
    package var state: SiteState
    package var openedAt: Date?
    package var addressCommune: String?

    package init(id: UUID, agreement: UUID, application: UUID, call: UUID, siren: String) {
        self.id = id
        self.agreement = agreement
        self.application = application
        self.call = call
        self.siren = siren
        version = 1
        state = .planned
    }

    package mutating func open(addressCommune: String?, at now: Date) throws(ExperimentationError) {
        guard state == .planned else { throw .siteAlreadyOpen }
        if let addressCommune {
            try TextLimits.require(addressCommune, "/addressCommune", lengthMax: TextLimits.communeLengthMax)
        }
        state = .open
        openedAt = now
        self.addressCommune = addressCommune
        version += 1
    }
}
