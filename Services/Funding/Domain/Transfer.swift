package import struct FoundationEssentials.UUID

/// Where money can lie: a tree, along whose edges it moves. Since no balance but the budget's may be negative,
/// paid ≤ released ≤ committed ≤ reserved ≤ envelope ≤ part ≤ programme holds whatever the commands are.
package enum LedgerAccount: Hashable, Sendable {
    /// The State's budget that the programme is opened from; the only account that may be overdrawn.
    case budget
    /// Of the programme, and not yet meant for one purpose.
    case programme(UUID)
    /// Meant for one purpose, and in no envelope yet.
    case part(UUID)
    /// What is left of an envelope.
    case available(envelope: UUID)
    /// Set aside by an operator.
    case held(reservation: UUID)
    /// Set aside for a grant.
    case reserved(grant: UUID)
    /// Bound by a signed agreement.
    case committed(agreement: UUID)
    /// May be paid.
    case released(tranche: UUID)
    /// Paid by the bank to one beneficiary of an agreement.
    case paid(line: UUID)
    /// Paid, and claimed back.
    case claimed(recovery: UUID)

    /// The names of the cases, as the ledger and the events write them.
    package static let classes = [
        "budget", "programme", "part", "available", "held", "reserved", "committed", "released", "paid", "claimed",
    ]

    /// Which of the classes.
    package var kind: String {
        switch self {
        case .budget: "budget"
        case .programme: "programme"
        case .part: "part"
        case .available: "available"
        case .held: "held"
        case .reserved: "reserved"
        case .committed: "committed"
        case .released: "released"
        case .paid: "paid"
        case .claimed: "claimed"
        }
    }

    /// Whose it is; nil for the budget.
    package var owner: UUID? {
        switch self {
        case .budget: nil
        case .programme(let id), .part(let id), .available(let id), .held(let id), .reserved(let id),
            .committed(let id), .released(let id), .paid(let id), .claimed(let id):
            id
        }
    }
}

/// One entry of the double-entry ledger: the amount leaves one account and reaches the other, or neither happens.
package struct Transfer: Sendable, Equatable {
    /// Each step down the tree, and its way back.
    package enum Reason: String, Sendable, CaseIterable {
        case open, allot, fund, hold, reserve, commit, release, pay, claim
        case withdraw, uncommit, retract, waive, recover
        case takeBack = "take-back"
        case letGo = "let-go"
        case giveBack = "give-back"
    }

    package let reason: Reason
    package let debit: LedgerAccount
    package let credit: LedgerAccount
    /// Above 0.
    package let cents: Int64
    /// Unique in the ledger: whatever happens twice is booked once.
    package let commandID: String

    private init(
        _ reason: Reason, of subject: UUID, _ cents: Int64, from debit: LedgerAccount, to credit: LedgerAccount
    ) {
        self.reason = reason
        self.debit = debit
        self.credit = credit
        self.cents = cents
        self.commandID = "\(reason.rawValue):\(subject.uuidString.lowercased())"
    }

    // MARK: The programme

    static func open(_ programme: Programme) -> Transfer {
        Transfer(.open, of: programme.id, programme.amountCents, from: .budget, to: .programme(programme.id))
    }

    /// - Parameter change: the command; a part is allotted to more than once.
    static func allot(_ cents: Int64, of programme: UUID, to part: UUID, change: UUID) -> Transfer {
        cents > 0
            ? Transfer(.allot, of: change, cents, from: .programme(programme), to: .part(part))
            : Transfer(.takeBack, of: change, -cents, from: .part(part), to: .programme(programme))
    }

    static func fund(_ envelope: Envelope, from part: UUID) -> Transfer {
        Transfer(.fund, of: envelope.id, envelope.amountCents, from: .part(part), to: .available(envelope: envelope.id))
    }

    /// - Parameter change: the command; an envelope is adjusted more than once.
    static func adjust(_ envelope: UUID, by cents: Int64, part: UUID, change: UUID) -> Transfer {
        cents > 0
            ? Transfer(.fund, of: change, cents, from: .part(part), to: .available(envelope: envelope))
            : Transfer(.withdraw, of: change, -cents, from: .available(envelope: envelope), to: .part(part))
    }

    // MARK: Below an envelope

    static func hold(_ reservation: Reservation) -> Transfer {
        Transfer(
            .hold, of: reservation.id, reservation.amountCents, from: .available(envelope: reservation.envelope),
            to: .held(reservation: reservation.id))
    }

    static func letGo(_ reservation: Reservation) -> Transfer {
        Transfer(
            .letGo, of: reservation.id, reservation.amountCents, from: .held(reservation: reservation.id),
            to: .available(envelope: reservation.envelope))
    }

    static func reserve(grant: UUID, of envelope: UUID, _ cents: Int64) -> Transfer {
        Transfer(.reserve, of: grant, cents, from: .available(envelope: envelope), to: .reserved(grant: grant))
    }

    static func giveBack(grant: UUID, to envelope: UUID, _ cents: Int64) -> Transfer {
        Transfer(.giveBack, of: grant, cents, from: .reserved(grant: grant), to: .available(envelope: envelope))
    }

    static func commit(agreement: UUID, grant: UUID, _ cents: Int64) -> Transfer {
        Transfer(.commit, of: agreement, cents, from: .reserved(grant: grant), to: .committed(agreement: agreement))
    }

    static func release(tranche: UUID, agreement: UUID, _ cents: Int64) -> Transfer {
        Transfer(.release, of: tranche, cents, from: .committed(agreement: agreement), to: .released(tranche: tranche))
    }

    static func retract(tranche: UUID, agreement: UUID, _ cents: Int64) -> Transfer {
        Transfer(.retract, of: tranche, cents, from: .released(tranche: tranche), to: .committed(agreement: agreement))
    }

    /// Some of what an agreement binds, in two steps: the second needs what the first brings.
    /// - Parameter change: the command, which is the agreement itself at its termination: it may give back before.
    package static func giveBack(
        _ agreement: Agreement, change: UUID, to envelope: UUID, _ cents: Int64
    ) -> [[Transfer]] {
        let (committed, reserved) = (
            LedgerAccount.committed(agreement: agreement.id), LedgerAccount.reserved(grant: agreement.grant)
        )
        return [
            [Transfer(.uncommit, of: change, cents, from: committed, to: reserved)],
            [Transfer(.giveBack, of: change, cents, from: reserved, to: .available(envelope: envelope))],
        ]
    }

    // MARK: What comes back

    static func claim(_ recovery: Recovery) -> Transfer {
        Transfer(
            .claim, of: recovery.id, recovery.amountCents, from: .paid(line: recovery.line),
            to: .claimed(recovery: recovery.id))
    }

    /// - Parameter receipt: names what came in; a recovery may have several.
    static func recover(_ recovery: Recovery, receipt: UUID, _ cents: Int64) -> Transfer {
        Transfer(
            .recover, of: receipt, cents, from: .claimed(recovery: recovery.id),
            to: .available(envelope: recovery.envelope))
    }

    static func waive(_ recovery: Recovery, _ cents: Int64) -> Transfer {
        Transfer(
            .waive, of: recovery.id, cents, from: .claimed(recovery: recovery.id), to: .paid(line: recovery.line))
    }

    static func pay(payment: UUID, tranche: UUID, to line: UUID, _ cents: Int64) -> Transfer {
        Transfer(.pay, of: payment, cents, from: .released(tranche: tranche), to: .paid(line: line))
    }
}
