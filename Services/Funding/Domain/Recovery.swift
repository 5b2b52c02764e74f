package import struct FoundationEssentials.UUID

package enum RecoveryState: String, Sendable {
    /// Evidence fell, or an operator found something: nobody has decided yet.
    case proposed
    /// The beneficiary owes it.
    case ordered
    /// All of it came in, or the rest was given up.
    case settled
    /// The evidence came back before it was ordered.
    case withdrawn
}

/// Money that was paid and is to come back.
package struct Recovery: Sendable, Equatable {
    package let id: UUID
    package let payment: UUID
    package let tranche: UUID
    package let agreement: UUID
    /// The beneficiary's line of the agreement.
    package let line: UUID
    /// Where the money came from, and goes back to.
    package let envelope: UUID
    package let amountCents: Int64
    package let reason: String
    /// Subject of the principal; the service's name when lost evidence proposed it.
    package let proposedBy: String
    /// Subject of the principal; nil before it is ordered.
    package private(set) var orderedBy: String?
    package private(set) var state: RecoveryState
    /// Of the amount, what came in.
    package private(set) var receivedCents: Int64
    /// Of the amount, what was given up.
    package private(set) var waivedCents: Int64

    package static let reasonLengthMax = 500

    package var openCents: Int64 { amountCents - receivedCents - waivedCents }

    /// From where the money is to come back.
    package struct Source: Sendable, Equatable {
        package let payment: UUID
        package let tranche: UUID
        package let agreement: UUID
        package let line: UUID
        package let envelope: UUID

        package init(payment: UUID, tranche: UUID, agreement: UUID, line: UUID, envelope: UUID) {
            self.payment = payment
            self.tranche = tranche
            self.agreement = agreement
            self.line = line
            self.envelope = envelope
        }
    }

    /// How far a recovery has come.
    package struct Progress: Sendable, Equatable {
        let state: RecoveryState
        let receivedCents: Int64
        let waivedCents: Int64
        let orderedBy: String?

        package init(
            state: RecoveryState = .proposed, receivedCents: Int64 = 0, waivedCents: Int64 = 0, orderedBy: String? = nil
        ) {
            self.state = state
            self.orderedBy = orderedBy
            self.receivedCents = receivedCents
            self.waivedCents = waivedCents
        }
    }

    /// For reading from the store, which keeps only what the commands below made.
    package init(
        id: UUID, of source: Source, amountCents: Int64, because: (reason: String, by: String),
        progress: Progress = Progress()
    ) {
        self.id = id
        payment = source.payment
        tranche = source.tranche
        agreement = source.agreement
        line = source.line
        envelope = source.envelope
        self.amountCents = amountCents
        reason = because.reason
        proposedBy = because.by
        state = progress.state
        orderedBy = progress.orderedBy
        receivedCents = progress.receivedCents
        waivedCents = progress.waivedCents
    }

    /// Proposes that some of a payment comes back.
    /// - Parameter leftCents: of the payment, what no other recovery claims.
    package static func propose(
        id: UUID, of source: Source, amountCents: Int64, leftCents: Int64, because: (reason: String, by: String)
    ) throws(FundingError) -> Recovery {
        try Checks.amount(amountCents, field: "/amountCents")
        try Checks.line(because.reason, upTo: reasonLengthMax, field: "/reason")
        guard amountCents <= leftCents else { throw .aboveRecoverable(leftCents: leftCents) }
        return Recovery(id: id, of: source, amountCents: amountCents, because: because)
    }

    /// The beneficiary owes it from now on.
    package mutating func order(by person: String) throws(FundingError) -> Transfer {
        guard state == .proposed else { throw .recoveryNotProposed(state) }
        guard person != proposedBy else { throw .proposerMayNotOrder }
        state = .ordered
        orderedBy = person
        return .claim(self)
    }

    /// The evidence stands again, or nobody wants it any more.
    package mutating func withdraw() throws(FundingError) {
        guard state == .proposed else { throw .recoveryNotProposed(state) }
        state = .withdrawn
    }

    /// An instalment came in, or was set off against a payment.
    /// - Parameter receipt: names it.
    package mutating func receive(_ cents: Int64, receipt: UUID) throws(FundingError) -> Transfer {
        guard state == .ordered else { throw .recoveryNotOrdered(state) }
        try Checks.amount(cents, field: "/amountCents")
        guard cents <= openCents else { throw .aboveRecoverable(leftCents: openCents) }
        receivedCents += cents
        if openCents == 0 { state = .settled }
        return .recover(self, receipt: receipt, cents)
    }

    /// What has not come in is given up, and stays with the beneficiary.
    /// - Parameter setOffCents: what payments that are on their way take of it.
    package mutating func waive(by person: String, setOffCents: Int64 = 0) throws(FundingError) -> Transfer {
        guard state == .ordered else { throw .recoveryNotOrdered(state) }
        guard setOffCents == 0 else { throw .paymentPending }
        guard person != proposedBy, person != orderedBy else { throw .proposerMayNotOrder }
        let transfer = Transfer.waive(self, openCents)
        waivedCents = openCents
        state = .settled
        return transfer
    }
}

/// What a recovery takes of a payment to the same beneficiary.
package struct PaymentOffset: Sendable, Equatable {
    package let recovery: UUID
    /// Above 0.
    package let cents: Int64

    package init(recovery: UUID, cents: Int64) {
        self.recovery = recovery
        self.cents = cents
    }

    /// - Parameter freeCents: of the recovery, what is open and no other payment takes.
    package static func check(
        _ recovery: Recovery, against line: UUID, _ cents: Int64, freeCents: Int64, at index: Int
    ) throws(FundingError) {
        guard recovery.state == .ordered, recovery.line == line else {
            throw .invalid(
                field: "/offsets/\(index)/recovery", expected: "an ordered recovery from the same beneficiary")
        }
        guard (1...max(1, freeCents)).contains(cents), freeCents > 0 else {
            throw .invalid(field: "/offsets/\(index)/amountCents", expected: "from 1 to what is open: \(freeCents)")
        }
    }
}
