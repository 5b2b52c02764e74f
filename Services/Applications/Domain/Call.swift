package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A wave of the programme. Everything that the public texts contradict each other on is data here, never a constant.
package struct Call: Sendable, Equatable {
    package let id: UUID
    package var version: Int64
    package let wave: Int
    package let title: String
    package let opensAt: Date
    /// The displayed deadline.
    package let deadline: Date
    /// The technical closing. In wave 1 it was twelve hours after the deadline, and replacements were taken until then.
    package let graceUntil: Date
    package let placesTarget: Int
    package let animationEnvelopeCents: Int64
    package let experimentsEnvelopeCents: Int64

    package init(_ command: PublishCall, id: UUID, version: Int64 = 1) {
        self.id = id
        self.version = version
        wave = command.wave
        title = command.title
        opensAt = command.opensAt
        deadline = command.deadline
        graceUntil = command.graceUntil
        placesTarget = command.placesTarget
        animationEnvelopeCents = command.animationEnvelopeCents
        experimentsEnvelopeCents = command.experimentsEnvelopeCents
    }
}

/// Where a call stands. The boundaries are half open: at `opensAt` deposits are taken, at `graceUntil` no longer.
package enum CallState: String, Sendable, CaseIterable {
    case announced
    case open
    /// After the displayed deadline, before the technical closing.
    case grace
    case closed

    package var takesDeposits: Bool { self == .open || self == .grace }
}

extension Call {
    package func state(at now: Date) -> CallState {
        if now < opensAt { return .announced }
        if now < deadline { return .open }
        return now < graceUntil ? .grace : .closed
    }

    /// Throws unless a deposit is taken at this instant.
    package func admitDeposit(at now: Date) throws(ApplicationsError) {
        switch state(at: now) {
        case .announced: throw .callNotOpen(opensAt: opensAt)
        case .closed: throw .callClosed(graceUntil: graceUntil)
        case .open, .grace: break
        }
    }
}
