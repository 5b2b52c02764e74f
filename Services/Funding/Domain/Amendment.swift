import CofundingRules

package import struct FoundationEssentials.UUID

/// What both sides mean to change of a signed agreement. Whatever is nil stays.
package struct AmendmentPlan: Sendable, Equatable {
    /// A beneficiary as it is to be; one that is not named leaves with what it was paid.
    package struct Line: Sendable, Equatable {
        package let line: AgreementPlan.Line
        /// Of one that joins.
        package let member: Member?

        package init(_ line: AgreementPlan.Line, member: Member? = nil) {
            self.line = line
            self.member = member
        }
    }

    package let lines: [Line]?
    package let terms: AgreementTerms?

    package init(lines: [Line]?, terms: AgreementTerms?) {
        self.lines = lines
        self.terms = terms
    }

    /// A word of the code lists of structures and sectors.
    package static func check(word: String, field: String) throws(FundingError) {
        try Checks.line(word, upTo: 100, field: field)
    }
}

/// An agreement as an amendment leaves it.
package struct AmendedAgreement: Sendable, Equatable {
    package let before: Agreement
    package let after: Agreement

    /// What the grant shrinks by: the envelope's again.
    package var givenBackCents: Int64 { before.grantedCents - after.grantedCents }

    /// Step by step: each may need what the one before it brought.
    /// - Parameters:
    ///   - change: names the command; an agreement is amended more than once.
    ///   - envelope: of the grant.
    package func transfers(change: UUID, to envelope: UUID) -> [[Transfer]] {
        guard givenBackCents > 0 else { return [] }
        return Transfer.giveBack(after, change: change, to: envelope, givenBackCents)
    }
}

extension Agreement {
    /// What the beneficiaries were paid, and whether more is on its way.
    package struct Paid: Sendable, Equatable {
        /// By line, in cents; what came back of it still counts.
        package let cents: [UUID: Int64]
        /// A payment is ordered or approved.
        package let isPending: Bool
        /// Of some tranche not every part is paid.
        package let isPartial: Bool

        package init(cents: [UUID: Int64] = [:], isPending: Bool = false, isPartial: Bool = false) {
            self.cents = cents
            self.isPending = isPending
            self.isPartial = isPartial
        }
    }

    /// The agreement as the plan would leave it. What is paid stays as it is; tranches that are not paid are divided
    /// anew, and those that are not released shrink with the grant.
    /// - Parameter nextID: gives an identifier for each line that joins.
    package func amended(
        by plan: AmendmentPlan, paid: Paid, nextID: () -> UUID
    ) throws(FundingError) -> AmendedAgreement {
        guard state == .signed || state == .suspended else { throw .agreementNotSigned(state) }
        guard plan.lines != nil || plan.terms != nil else {
            throw .invalid(field: "/lines", expected: "lines or terms that change")
        }
        var after = self
        if let terms = plan.terms { after.terms = terms }
        if let lines = plan.lines {
            guard !paid.isPending else { throw .paymentPending }
            guard !paid.isPartial else { throw .trancheInPart }
            try after.divide(anew: lines, paid: paid.cents, nextID)
        }
        return AmendedAgreement(before: self, after: after)
    }

    private mutating func divide(
        anew planned: [AmendmentPlan.Line], paid: [UUID: Int64], _ nextID: () -> UUID
    ) throws(FundingError) {
        let before = grantedCents
        try join(planned, paid: paid, nextID)
        guard grantedCents <= before else {
            throw .invalid(field: "/lines", expected: "lines that add up to the grant or less: \(before) cents")
        }
        let releasedCents = tranches.reduce(Int64(0)) { $0 + ($1.state == .released ? $1.amountCents : 0) }
        let paidCents = tranches.reduce(Int64(0)) { $0 + ($1.state == .paid ? $1.amountCents : 0) }
        let opened = tranches.indices.filter { tranches[$0].state == .opened }
        let openCents = grantedCents - releasedCents - paidCents
        guard openCents >= 0, openCents > 0 || opened.isEmpty, !opened.isEmpty || openCents == 0 else {
            throw .invalid(
                field: "/lines",
                expected: "lines that add up to more than what is released and paid, or to the grant as it is")
        }
        let unpaid = tranches.indices.filter { tranches[$0].state == .opened || tranches[$0].state == .released }
        var amounts = tranches.map(\.amountCents)
        // They add up to something above 0, each a share of what it was.
        if let shrunk = try? PartnerShares.split(openCents, by: opened.map { amounts[$0] }) {
            for (index, cents) in zip(opened, shrunk) { amounts[index] = cents }
        }
        guard unpaid.allSatisfy({ amounts[$0] > 0 }) else { throw .grantTooSmall }
        let owed = lines.map { (line: $0.id, cents: $0.grantedCents - (paid[$0.id] ?? 0)) }
        for (index, parts) in zip(unpaid, TranchePart.split(unpaid.map { amounts[$0] }, over: owed)) {
            tranches[index].adjust(to: parts)
        }
    }

    /// Puts the planned lines in the place of those that there are; who is not among them leaves.
    private mutating func join(
        _ planned: [AmendmentPlan.Line], paid: [UUID: Int64], _ nextID: () -> UUID
    ) throws(FundingError) {
        guard planned.count <= 100 else { throw .invalid(field: "/lines", expected: "at most 100 lines") }
        let lead = consortium.lead.siren
        var (kept, joined): ([String: AgreementLine], [AgreementLine]) = ([:], [])
        var members: [Member] = []
        for (index, plan) in planned.enumerated() {
            let (line, field) = (plan.line, "/lines/\(index)")
            try line.check(at: index)
            let known = lines.first { $0.siren == line.siren }
            guard kept[line.siren] == nil, !joined.contains(where: { $0.siren == line.siren }) else {
                throw .invalid(field: "\(field)/siren", expected: "each beneficiary once")
            }
            let paidCents = known.flatMap { paid[$0.id] } ?? 0
            guard line.grantedCents >= paidCents else {
                throw .invalid(field: "\(field)/grantedCents", expected: "at least what was paid: \(paidCents) cents")
            }
            if let known {
                kept[line.siren] = AgreementLine(
                    id: known.id, siren: line.siren, budgetCents: line.budgetCents ?? known.budgetCents,
                    grantedCents: line.grantedCents)
            }
            guard line.siren != lead else { continue }
            if let member = consortium.partners.first(where: { $0.siren == line.siren }) ?? plan.member {
                members.append(member)
            } else {
                throw .invalid(field: "\(field)/structureType", expected: "what kind of structure it is, as it joins")
            }
            guard known == nil else { continue }
            try Checks.siren(line.siren, field: "\(field)/siren")
            joined.append(
                AgreementLine(
                    id: nextID(), siren: line.siren, budgetCents: line.budgetCents, grantedCents: line.grantedCents))
        }
        guard kept[lead] != nil else {
            throw .invalid(field: "/lines", expected: "a line of the lead, \(lead), which cannot leave")
        }
        lines =
            lines.map { line in
                kept[line.siren]
                    ?? AgreementLine(
                        id: line.id, siren: line.siren, budgetCents: line.budgetCents,
                        grantedCents: paid[line.id] ?? 0, hasLeft: true)
            } + joined
        consortium = Consortium(lead: consortium.lead, partners: members)
    }

    /// What the settlement changes: the agreement ends, one tranche more is what is still due, and everything else that
    /// is bound is the envelope's again. What is due rests on the accepted statements alone: it waits for nothing.
    package struct Settled: Sendable, Equatable {
        package let agreement: Agreement
        /// Of tranches that were released, by tranche.
        package let retracted: [Transfer]
        package let givenBackCents: Int64
    }

    /// Ends the agreement on what was spent. After a termination nothing is bound any more, and nothing more is paid.
    /// - Parameter nextID: gives an identifier for the tranche of what is due.
    package func settled(_ settlement: Settlement, paid: Paid, nextID: () -> UUID) throws(FundingError) -> Settled {
        guard state == .signed || state == .terminated else {
            throw state == .settled ? .agreementSettled : .agreementNotSigned(state)
        }
        guard !paid.isPending else { throw .paymentPending }
        var after = self
        after.state = .settled
        let unpaid = tranches.indices.filter { tranches[$0].state == .opened || tranches[$0].state == .released }
        let boundCents = unpaid.reduce(Int64(0)) { $0 + tranches[$1].unpaidCents }
        guard let last = unpaid.last else { return Settled(agreement: after, retracted: [], givenBackCents: 0) }
        guard settlement.balanceCents <= boundCents else { throw .amendLines }
        let balance = settlement.lines.compactMap {
            $0.balanceCents > 0 ? TranchePart(line: $0.line, cents: $0.balanceCents) : nil
        }
        var retracted: [Transfer] = []
        for index in unpaid {
            let tranche = tranches[index]
            if tranche.state == .released {
                retracted.append(.retract(tranche: tranche.id, agreement: id, tranche.unpaidCents))
            }
            _ = after.tranches[index].cancel()
            guard index == last, !balance.isEmpty else { continue }
            var next = Tranche(
                id: nextID(), agreement: id, grant: grant, number: (tranches.map(\.number).max() ?? 0) + 1,
                amountCents: settlement.balanceCents, conditions: [.agreementSigned], parts: balance)
            next.open()
            after.tranches.append(next)
        }
        let givenBackCents = boundCents - settlement.balanceCents
        return Settled(agreement: after, retracted: retracted, givenBackCents: givenBackCents)
    }
}
