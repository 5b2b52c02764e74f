package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

package enum SignatorySide: String, Sendable, CaseIterable {
    case funder
    case beneficiary
}

/// Who signed. Names stay in this service and never travel.
package struct Signatory: Sendable, Equatable {
    package let side: SignatorySide
    package let name: String
    package let role: String

    package init(side: SignatorySide, name: String, role: String) {
        self.side = side
        self.name = name
        self.role = role
    }
}

package enum AgreementState: String, Sendable {
    case draft
    case signed
    /// Nothing is released or paid; evidence is still recorded.
    case suspended
    /// What was bound and not paid is given back.
    case terminated
    /// A draft that nobody will sign.
    case discarded
    /// Brought to its end on what was spent; only what is still due is paid.
    case settled
}

/// The agreement (convention) by which a reserved grant is paid in tranches.
package struct Agreement: Sendable, Equatable {
    package let id: UUID
    package let grant: UUID
    package let call: UUID
    package let application: UUID
    /// Set where it pays for one experiment, and not for the animation of a place.
    package let experiment: UUID?
    package internal(set) var consortium: Consortium
    package internal(set) var lines: [AgreementLine]
    /// nil where no statements are asked for.
    package internal(set) var terms: AgreementTerms?
    package internal(set) var state: AgreementState
    package internal(set) var tranches: [Tranche]
    package private(set) var signatories: [Signatory]
    /// The day on which both sides signed, at 00:00 UTC.
    package private(set) var signedOn: Date?
    /// When it took effect here.
    package private(set) var signedAt: Date?

    static let signatoryCountMax = 20

    /// What all beneficiaries together are granted.
    package var grantedCents: Int64 { lines.reduce(0) { $0 + $1.grantedCents } }

    /// What is agreed, as it is now.
    package struct Content: Sendable, Equatable {
        package let consortium: Consortium
        package let lines: [AgreementLine]
        package let terms: AgreementTerms?
        package let tranches: [Tranche]

        package init(
            consortium: Consortium, lines: [AgreementLine], terms: AgreementTerms?, tranches: [Tranche]
        ) {
            self.consortium = consortium
            self.lines = lines
            self.terms = terms
            self.tranches = tranches
        }
    }

    /// For reading from the store, which keeps only what the commands below made.
    package init(
        id: UUID, of grant: Grant, content: Content, state: AgreementState, signatories: [Signatory] = [],
        signed: (on: Date, at: Date)? = nil
    ) {
        self.id = id
        self.grant = grant.id
        self.call = grant.call
        self.application = grant.application
        self.experiment = grant.experiment
        self.consortium = content.consortium
        self.lines = content.lines
        self.terms = content.terms
        self.state = state
        self.tranches = content.tranches
        self.signatories = signatories
        self.signedOn = signed?.on
        self.signedAt = signed?.at
    }

    /// A draft with its lines and tranches.
    /// - Parameter nextID: gives a new identifier for each of them.
    package static func draft(
        id: UUID, of grant: Grant, as plan: AgreementPlan = AgreementPlan(), nextID: () -> UUID
    ) throws(FundingError) -> Agreement {
        guard grant.state == .reserved else { throw .grantNotReserved }
        let schedule = plan.schedule ?? (grant.experiment == nil ? .standard : .experiment)
        if grant.experiment != nil { try schedule.checkForExperiment() }
        let amounts = schedule.amounts(of: grant.reservedCents)
        guard amounts.allSatisfy({ $0 > 0 }) else { throw .grantTooSmall }
        let lines = try plan.agreementLines(of: grant, nextID: nextID)
        let parts = TranchePart.split(amounts, over: lines.map { ($0.id, $0.grantedCents) })
        var tranches: [Tranche] = []
        for (share, (amount, parts)) in zip(schedule.shares, zip(amounts, parts)) {
            tranches.append(
                Tranche(
                    id: nextID(), agreement: id, grant: grant.id, number: tranches.count + 1, amountCents: amount,
                    conditions: share.conditions, parts: parts))
        }
        let content = Content(consortium: grant.consortium, lines: lines, terms: plan.terms, tranches: tranches)
        return Agreement(id: id, of: grant, content: content, state: .draft)
    }

    /// Nobody will sign the draft; the grant can be agreed on anew.
    package mutating func discard() throws(FundingError) {
        guard state == .draft else { throw .agreementSigned }
        state = .discarded
    }

    /// Both sides signed: the grant is bound and its tranches wait for their evidence.
    package mutating func sign(
        by signatories: [Signatory], on day: Date, at now: Date
    ) throws(FundingError) -> Transfer {
        guard state != .discarded else { throw .agreementNotSigned(state) }
        guard state == .draft else { throw .agreementSigned }
        try Self.check(signatories: signatories, on: day, at: now)
        state = .signed
        self.signatories = signatories
        signedOn = day
        signedAt = now
        for index in tranches.indices { tranches[index].open() }
        return .commit(agreement: id, grant: grant, grantedCents)
    }

    package static let reasonLengthMax = 500

    /// - Parameter reason: why it is suspended, resumed or terminated.
    package static func check(reason: String) throws(FundingError) {
        try Checks.line(reason, upTo: reasonLengthMax, field: "/reason")
    }

    /// Stops releases and payments.
    package mutating func suspend() throws(FundingError) {
        guard state == .signed else { throw .agreementNotSigned(state) }
        state = .suspended
    }

    package mutating func resume() throws(FundingError) {
        guard state == .suspended else { throw .agreementNotSuspended(state) }
        state = .signed
    }

    /// Ends the agreement: what is bound and not paid goes back to the envelope.
    /// - Parameter envelope: of the grant.
    /// - Returns: the transfers, step by step: each step may need what the one before it brought.
    package mutating func terminate(envelope: UUID) throws(FundingError) -> [[Transfer]] {
        guard state == .signed || state == .suspended else { throw .agreementNotSigned(state) }
        state = .terminated
        var (retracted, leftCents): ([Transfer], Int64) = ([], 0)
        for index in tranches.indices {
            let tranche = tranches[index]
            if tranche.state == .released {
                retracted.append(.retract(tranche: tranche.id, agreement: id, tranche.unpaidCents))
            }
            guard tranches[index].cancel() else { continue }
            leftCents += tranche.unpaidCents
        }
        guard leftCents > 0 else { return [] }
        return ([retracted] + Transfer.giveBack(self, change: id, to: envelope, leftCents)).filter { !$0.isEmpty }
    }

    /// Of the agreement or an amendment.
    package static func check(
        signatories: [Signatory], on day: Date, at now: Date
    ) throws(FundingError) {
        // The day is a calendar day of the place of signing, which may begin before ours: half a day of tolerance.
        guard day <= now.addingTimeInterval(43_200) else {
            throw .invalid(field: "/signedOn", expected: "a day that is not in the future")
        }
        guard signatories.count <= signatoryCountMax else {
            throw .invalid(field: "/signatories", expected: "at most \(signatoryCountMax) signatories")
        }
        for (index, signatory) in signatories.enumerated() {
            try Checks.line(signatory.name, upTo: 200, field: "/signatories/\(index)/name")
            try Checks.line(signatory.role, upTo: 200, field: "/signatories/\(index)/role")
        }
        for side in SignatorySide.allCases where !signatories.contains(where: { $0.side == side }) {
            throw .sideMissing(side)
        }
    }
}
