package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What can become known about the programme. Responses and participants are too many and have projections of their
/// own.
package enum FactKind: String, Sendable, CaseIterable {
    case callPublished = "call-published"
    case applicationSubmitted = "application-submitted"
    case eligibilityDecided = "eligibility-decided"
    case applicationRecommended = "application-recommended"
    case applicationDecided = "application-decided"
    case programmeOpened = "programme-opened"
    case programmeAllotted = "programme-allotted"
    case programmeTakenBack = "programme-taken-back"
    case envelopeOpened = "envelope-opened"
    case envelopeRaised = "envelope-raised"
    case envelopeLowered = "envelope-lowered"
    case reservationMade = "reservation-made"
    case reservationLetGo = "reservation-let-go"
    case grantReserved = "grant-reserved"
    case grantRefused = "grant-refused"
    case agreementSigned = "agreement-signed"
    case cofundingApproved = "cofunding-approved"
    case cofundingRefused = "cofunding-refused"
    case trancheOpened = "tranche-opened"
    case trancheReleased = "tranche-released"
    case paymentOrdered = "payment-ordered"
    case paymentExecuted = "payment-executed"
    /// The bank rejected it, or somebody took it back.
    case paymentEnded = "payment-ended"
    case trancheAdjusted = "tranche-adjusted"
    case trancheCancelled = "tranche-cancelled"
    case trancheRetracted = "tranche-retracted"
    case agreementTerminated = "agreement-terminated"
    case agreementReduced = "agreement-reduced"
    case grantReleased = "grant-released"
    case experimentAgreementSigned = "experiment-agreement-signed"
    case recoveryOrdered = "recovery-ordered"
    case recoveryReceived = "recovery-received"
    case recoveryWaived = "recovery-waived"
    case siteOpened = "site-opened"
    case experimentRegistered = "experiment-registered"
    case protocolApproved = "protocol-approved"
    case experimentStarted = "experiment-started"
    case experimentCompleted = "experiment-completed"
    case experimentTerminated = "experiment-terminated"
    case milestone
}

/// What an envelope pays for.
package enum MoneyKind: String, Sendable, CaseIterable {
    case animation
    case experiments
}

/// One thing that became known, with the event that said so. Of two facts of one kind and key the later sequence holds.
package struct ProgrammeFact: Sendable, Equatable {
    package var kind: FactKind
    /// Names what the fact is about within its kind: an id, or for a milestone the experiment and its name.
    package var key: String
    /// Of the event within its subject.
    package var sequence: Int64
    package var event: UUID
    package var time: Date
    /// In the log of the event's owner, when the event told it.
    package var logPosition: Int64?

    package var call: UUID?
    package var application: UUID?
    package var agreement: UUID?
    package var tranche: UUID?
    package var site: UUID?
    package var experiment: UUID?
    package var siren: String?
    package var moneyKind: MoneyKind?
    package var amountCents: Int64?
    /// A wave, a rank or a tranche's number.
    package var ordinal: Int?
    /// Places, participants or responses that are aimed at.
    package var target: Int?
    /// Participants or responses that there are.
    package var count: Int?
    /// A title, an outcome, a legal qualification or a milestone's name.
    package var word: String?
    /// Why not: empty for what was granted or eligible.
    package var reasons: [String] = []

    /// The reason of a milestone that was reached and is no more.
    package static let milestoneLost = "lost"

    package init(_ kind: FactKind, key: String, sequence: Int64, event: UUID, time: Date) {
        self.kind = kind
        self.key = key
        self.sequence = sequence
        self.event = event
        self.time = time
    }
}

/// The latest fact of every kind and key: whatever the order of arrival and the repetitions, the same.
package struct FactBook: Sendable, Equatable {
    private var latest: [FactKind: [String: ProgrammeFact]] = [:]

    package init(_ facts: some Sequence<ProgrammeFact> = []) {
        for fact in facts { record(fact) }
    }

    package mutating func record(_ fact: ProgrammeFact) {
        if let known = latest[fact.kind]?[fact.key], known.sequence >= fact.sequence { return }
        latest[fact.kind, default: [:]][fact.key] = fact
    }

    /// The facts of one kind in the order of their keys.
    package func facts(_ kind: FactKind) -> [ProgrammeFact] {
        latest[kind, default: [:]].values.sorted { $0.key < $1.key }
    }
}
