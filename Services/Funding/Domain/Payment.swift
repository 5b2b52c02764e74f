package import struct FoundationEssentials.UUID

package enum PaymentState: String, Sendable {
    case ordered
    case approved
    case executed
    /// By the bank, which did not execute it.
    case rejected
    /// By us, before the bank had it.
    case cancelled
}

/// To whom the bank pays. A person's bank details may be among them: never in events, logs or errors.
package struct Creditor: Sendable, Equatable {
    package let name: String
    package let iban: IBAN

    package init(name: String, iban: IBAN) {
        self.name = name
        self.iban = iban
    }
}

/// The payment of a tranche: one person orders it, another approves it, the bank executes it once.
package struct Payment: Sendable, Equatable {
    package let id: UUID
    package let tranche: UUID
    package let agreement: UUID
    package let grant: UUID
    /// The beneficiary's line of the agreement.
    package let line: UUID
    /// The beneficiary's part of the tranche.
    package let amountCents: Int64
    /// What recoveries take of it: the bank pays the rest.
    package let offsets: [PaymentOffset]
    /// Above the threshold of the day on which it was ordered.
    package let needsSecondApproval: Bool
    package let creditorName: String
    package let iban: IBAN
    /// Subject of the principal.
    package let orderedBy: String
    package private(set) var state: PaymentState
    /// Of a payment that needs two approvals, who gave the first.
    package private(set) var firstApprovedBy: String?
    package private(set) var approvedBy: String?
    /// The bank's own reference; unique over all payments.
    package private(set) var bankReference: String?
    /// Why it was rejected or cancelled.
    package private(set) var endReason: String?
    /// It went to the bank, which may have executed it by now.
    package let isWithBank: Bool

    package static let reasonLengthMax = 500
    package static let creditorNameLengthMax = 140
    package static let bankReferenceLengthMax = 64

    /// How far a payment has come.
    package struct Progress: Sendable, Equatable {
        let state: PaymentState
        let firstApprovedBy: String?
        let approvedBy: String?
        let bankReference: String?
        let endReason: String?
        let isWithBank: Bool

        package init(
            state: PaymentState = .ordered, firstApprovedBy: String? = nil, approvedBy: String? = nil,
            bankReference: String? = nil, endReason: String? = nil, isWithBank: Bool = false
        ) {
            self.state = state
            self.firstApprovedBy = firstApprovedBy
            self.approvedBy = approvedBy
            self.bankReference = bankReference
            self.endReason = endReason
            self.isWithBank = isWithBank
        }
    }

    /// Of what is paid, and to whom.
    package struct Subject: Sendable, Equatable {
        package let tranche: UUID
        package let agreement: UUID
        package let grant: UUID
        package let line: UUID
        package let amountCents: Int64
        package let offsets: [PaymentOffset]
        package let needsSecondApproval: Bool

        package init(
            of tranche: (id: UUID, agreement: UUID, grant: UUID), part: TranchePart, offsets: [PaymentOffset],
            needsSecondApproval: Bool
        ) {
            self.tranche = tranche.id
            agreement = tranche.agreement
            grant = tranche.grant
            line = part.line
            amountCents = part.cents
            self.offsets = offsets
            self.needsSecondApproval = needsSecondApproval
        }
    }

    /// What the bank is to pay.
    package var netCents: Int64 { amountCents - offsets.reduce(0) { $0 + $1.cents } }

    /// For reading from the store, which keeps only what the commands below made.
    package init(
        id: UUID, of subject: Subject, creditor: Creditor, orderedBy: String, progress: Progress = Progress()
    ) {
        self.id = id
        self.tranche = subject.tranche
        self.agreement = subject.agreement
        self.grant = subject.grant
        self.amountCents = subject.amountCents
        self.line = subject.line
        self.offsets = subject.offsets
        self.needsSecondApproval = subject.needsSecondApproval
        self.creditorName = creditor.name
        self.iban = creditor.iban
        self.orderedBy = orderedBy
        self.state = progress.state
        self.firstApprovedBy = progress.firstApprovedBy
        self.approvedBy = progress.approvedBy
        self.bankReference = progress.bankReference
        self.endReason = progress.endReason
        self.isWithBank = progress.isWithBank
    }

    /// Orders a beneficiary's part of a released tranche whose evidence still stands. That it has one live payment at
    /// most is the store's to see.
    /// - Parameter creditor: of the line, and the bank details as the caller wrote them.
    package static func order(
        id: UUID, of standing: (tranche: Tranche, evidence: RecordedEvidence),
        to creditor: (line: UUID, name: String, iban: String), by person: String, terms: Terms = Terms()
    ) throws(FundingError) -> Payment {
        let tranche = standing.tranche
        try Checks.line(creditor.name, upTo: creditorNameLengthMax, field: "/creditorName")
        let iban = try IBAN(creditor.iban)
        switch tranche.state {
        case .released: break
        case .paid: throw .paymentExists
        case .planned, .opened, .cancelled: throw .trancheNotReleased(tranche.state)
        }
        if let lost = tranche.lost(from: standing.evidence).first { throw .evidenceLost(lost) }
        guard let part = tranche.parts.first(where: { $0.line == creditor.line }) else { throw .noPart }
        guard terms.offsets.reduce(0, { $0 + $1.cents }) <= part.cents else {
            throw .invalid(field: "/offsets", expected: "no more than the part: \(part.cents) cents")
        }
        let subject = Subject(
            of: (tranche.id, tranche.agreement, tranche.grant), part: part, offsets: terms.offsets,
            needsSecondApproval: terms.secondApprovalFromCents.map { part.cents >= $0 } ?? false)
        return Payment(
            id: id, of: subject, creditor: Creditor(name: creditor.name, iban: iban), orderedBy: person)
    }

    /// What is set off of a payment, and whether one approval is enough.
    package struct Terms: Sendable, Equatable {
        package let offsets: [PaymentOffset]
        /// From this amount on two have to approve; nil where one is always enough.
        package let secondApprovalFromCents: Int64?

        package init(offsets: [PaymentOffset] = [], secondApprovalFromCents: Int64? = nil) {
            self.offsets = offsets
            self.secondApprovalFromCents = secondApprovalFromCents
        }
    }

    /// - Parameter standing: the payment's tranche with what is evidence now; it may be less than when it was ordered.
    package mutating func approve(
        by person: String, on standing: (tranche: Tranche, evidence: RecordedEvidence)
    ) throws(FundingError) {
        guard state == .ordered else { throw .paymentNotOrdered(state) }
        guard person != orderedBy, person != firstApprovedBy else { throw .separationOfDuties }
        try check(standing.tranche, standing.evidence)
        if needsSecondApproval, firstApprovedBy == nil {
            firstApprovedBy = person
            return
        }
        state = .approved
        approvedBy = person
    }

    /// Books the bank's execution.
    /// - Parameter evidence: what is evidence now; nil when the bank told of it, which knows what it has paid.
    /// - Returns: nil when exactly this execution is booked already, so that the bank's message may be repeated.
    package mutating func execute(
        bankReference: String, tranche: inout Tranche, evidence: RecordedEvidence?
    ) throws(FundingError) -> Transfer? {
        try Self.check(bankReference: bankReference)
        switch state {
        case .executed where self.bankReference == bankReference: return nil
        case .executed: throw .paymentExecuted
        case .ordered, .rejected, .cancelled: throw .paymentNotApproved(state)
        case .approved: break
        }
        if let evidence { try check(tranche, evidence) }
        state = .executed
        self.bankReference = bankReference
        tranche.settle(partOf: line)
        return .pay(payment: id, tranche: tranche.id, to: line, amountCents)
    }

    /// Takes it back before the bank has it; the tranche can be ordered again.
    package mutating func cancel(because reason: String) throws(FundingError) {
        guard state == .ordered || state == .approved else { throw .paymentNotPending(state) }
        guard !isWithBank else { throw .paymentWithBank }
        try Checks.line(reason, upTo: Self.reasonLengthMax, field: "/reason")
        state = .cancelled
        endReason = reason
    }

    /// Notes that the bank did not execute it; the tranche can be ordered again.
    /// - Parameter isToldByBank: by a file of its own; of what went to it in a file nobody else can say it.
    /// - Returns: false when exactly this is noted already, so that the bank's message may be repeated.
    package mutating func reject(because reason: String, isToldByBank: Bool = false) throws(FundingError) -> Bool {
        try Checks.line(reason, upTo: Self.reasonLengthMax, field: "/reason")
        if state == .rejected, endReason == reason { return false }
        guard state == .approved else { throw .paymentNotApproved(state) }
        guard isToldByBank || !isWithBank else { throw .paymentWithBank }
        state = .rejected
        endReason = reason
        return true
    }

    /// No money moves on while what released the tranche is met no more.
    private func check(_ tranche: Tranche, _ evidence: RecordedEvidence) throws(FundingError) {
        precondition(tranche.id == self.tranche, "a payment goes on with its own tranche")
        if let lost = tranche.lost(from: evidence).first { throw .evidenceLost(lost) }
    }

    /// Of the beneficiary, as the caller wrote it: one with wrong check digits is in no agreement, and none of ours.
    package static func check(siren: String) throws(FundingError) {
        guard siren.utf8.count == 9, siren.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .invalid(field: "/siren", expected: "a SIREN number: nine digits")
        }
    }

    /// Visible ASCII: what bank statements print back unchanged.
    package static func check(bankReference: String) throws(FundingError) {
        let bytes = bankReference.utf8
        guard (1...bankReferenceLengthMax).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .invalid(
                field: "/bankReference", expected: "1 to \(bankReferenceLengthMax) visible ASCII characters, no blanks")
        }
    }
}
