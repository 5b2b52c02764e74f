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
}

/// The agreement (convention) by which a reserved grant is paid in tranches.
package struct Agreement: Sendable, Equatable {
    package let id: UUID
    package let grant: UUID
    package let call: UUID
    package let application: UUID
    package let consortium: Consortium
    package let grantedCents: Int64
    package private(set) var state: AgreementState
    package private(set) var tranches: [Tranche]
    package private(set) var signatories: [Signatory]
    /// The day on which both sides signed, at 00:00 UTC.
    package private(set) var signedOn: Date?
    /// When it took effect here.
    package private(set) var signedAt: Date?

    static let signatoryCountMax = 20

    /// For reading from the store, which keeps only what `draft` and `sign` made.
    package init(
        id: UUID, of grant: Grant, state: AgreementState, tranches: [Tranche], signatories: [Signatory] = [],
        signed: (on: Date, at: Date)? = nil
    ) {
        self.id = id
        self.grant = grant.id
        self.call = grant.call
        self.application = grant.application
        self.consortium = grant.consortium
        self.grantedCents = grant.reservedCents
        self.state = state
        self.tranches = tranches
        self.signatories = signatories
        self.signedOn = signed?.on
        self.signedAt = signed?.at
    }

    /// A draft with its tranches.
    /// - Parameter nextID: gives a new identifier for each tranche.
    package static func draft(
        id: UUID, of grant: Grant, schedule: TrancheSchedule = .standard, nextID: () -> UUID
    ) throws(FundingError) -> Agreement {
        guard grant.purpose == .animation else { throw .experimentGrant }
        guard grant.state == .reserved else { throw .grantNotReserved }
        let amounts = schedule.amounts(of: grant.reservedCents)
        guard amounts.allSatisfy({ $0 > 0 }) else { throw .grantTooSmall }
        var tranches: [Tranche] = []
        for (share, amount) in zip(schedule.shares, amounts) {
            tranches.append(
                Tranche(
                    id: nextID(), agreement: id, grant: grant.id, number: tranches.count + 1, amountCents: amount,
                    conditions: share.conditions))
        }
        return Agreement(id: id, of: grant, state: .draft, tranches: tranches)
    }

    /// Both sides signed: the grant is bound and its tranches wait for their evidence.
    package mutating func sign(
        by signatories: [Signatory], on day: Date, at now: Date
    ) throws(FundingError) -> Transfer {
        guard state == .draft else { throw .agreementSigned }
        try Self.check(signatories)
        // The day is a calendar day of the place of signing, which may begin before ours: half a day of tolerance.
        guard day <= now.addingTimeInterval(43_200) else {
            throw .invalid(field: "/signedOn", expected: "a day that is not in the future")
        }
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
                retracted.append(.retract(tranche: tranche.id, agreement: id, tranche.amountCents))
            }
            guard tranches[index].cancel() else { continue }
            leftCents += tranche.amountCents
        }
        guard leftCents > 0 else { return [] }
        return [
            retracted, [.uncommit(agreement: id, grant: grant, leftCents)],
            [.giveBack(agreement: id, grant: grant, to: envelope, leftCents)],
        ].filter { !$0.isEmpty }
    }

    private static func check(_ signatories: [Signatory]) throws(FundingError) {
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
