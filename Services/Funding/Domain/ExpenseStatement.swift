package import struct FoundationEssentials.UUID

/// Kinds of cost, as annexes of the State's agreements group them.
package enum ExpenseCategory: String, Sendable, CaseIterable {
    case staff
    case equipment
    case subcontracting
    case travel
    case overheads
    case other
}

package enum StatementState: String, Sendable {
    case expected
    case submitted
    case accepted
    /// Sent back, or taken up again after it was accepted.
    case reopened
    /// Its period is none of the agreement's any more.
    case dropped
}

/// One kind of cost of a statement.
package struct ExpenseItem: Sendable, Equatable {
    package let category: ExpenseCategory
    package let declaredCents: Int64
    /// nil until somebody has judged it.
    package let eligibleCents: Int64?
    /// Why less is eligible than is declared.
    package let reason: String?

    package init(
        category: ExpenseCategory, declaredCents: Int64, eligibleCents: Int64? = nil, reason: String? = nil
    ) {
        self.category = category
        self.declaredCents = declaredCents
        self.eligibleCents = eligibleCents
        self.reason = reason
    }
}

/// What one beneficiary has spent in one period.
package struct ExpenseStatement: Sendable, Equatable {
    package let id: UUID
    package let agreement: UUID
    /// The beneficiary's line of the agreement.
    package let line: UUID
    package let siren: String
    package let period: StatementPeriod
    package private(set) var state: StatementState
    package private(set) var items: [ExpenseItem]
    /// Subject of the principal.
    package private(set) var submittedBy: String?

    package static let reasonLengthMax = 500

    /// For reading from the store, which keeps only what the commands below made.
    package init(
        id: UUID, agreement: UUID, of line: (id: UUID, siren: String), period: StatementPeriod,
        state: StatementState = .expected, items: [ExpenseItem] = [], submittedBy: String? = nil
    ) {
        self.id = id
        self.agreement = agreement
        self.line = line.id
        siren = line.siren
        self.period = period
        self.state = state
        self.items = items
        self.submittedBy = submittedBy
    }

    package var declaredCents: Int64 { items.reduce(0) { $0 + $1.declaredCents } }

    /// 0 until it is accepted.
    package var eligibleCents: Int64 {
        state == .accepted ? items.reduce(0) { $0 + ($1.eligibleCents ?? 0) } : 0
    }

    /// States what was spent; without items, that nothing was.
    package mutating func submit(_ items: [ExpenseItem], by person: String) throws(FundingError) {
        guard state == .expected || state == .reopened else { throw .statementNotOpen(state) }
        var seen: Set<ExpenseCategory> = []
        for (index, item) in items.enumerated() {
            guard seen.insert(item.category).inserted else {
                throw .invalid(field: "/items/\(index)/category", expected: "each kind of cost once")
            }
            try Checks.amount(item.declaredCents, field: "/items/\(index)/declaredCents")
        }
        self.items = items.map { ExpenseItem(category: $0.category, declaredCents: $0.declaredCents) }
        submittedBy = person
        state = .submitted
    }

    /// What is not eligible of one kind of cost.
    package struct Judgement: Sendable, Equatable {
        package let category: ExpenseCategory
        package let eligibleCents: Int64
        package let reason: String?

        package init(category: ExpenseCategory, eligibleCents: Int64, reason: String?) {
            self.category = category
            self.eligibleCents = eligibleCents
            self.reason = reason
        }
    }

    /// Accepts it: what nobody judges is eligible as declared.
    package mutating func accept(_ judgements: [Judgement], by person: String) throws(FundingError) {
        guard state == .submitted else { throw .statementNotSubmitted(state) }
        guard person != submittedBy else { throw .submitterMayNotAccept }
        var judged: [ExpenseCategory: Judgement] = [:]
        for (index, judgement) in judgements.enumerated() {
            let field = "/items/\(index)"
            guard let item = items.first(where: { $0.category == judgement.category }),
                judged.updateValue(judgement, forKey: judgement.category) == nil
            else { throw .invalid(field: "\(field)/category", expected: "a kind of cost of the statement, each once") }
            guard (0...item.declaredCents).contains(judgement.eligibleCents) else {
                throw .invalid(field: "\(field)/eligibleCents", expected: "from 0 to what is declared")
            }
            if let reason = judgement.reason {
                try Checks.line(reason, upTo: Self.reasonLengthMax, field: "\(field)/reason")
            } else if judgement.eligibleCents < item.declaredCents {
                throw .invalid(field: "\(field)/reason", expected: "why less is eligible than is declared")
            }
        }
        items = items.map { item in
            let judgement = judged[item.category]
            return ExpenseItem(
                category: item.category, declaredCents: item.declaredCents,
                eligibleCents: judgement?.eligibleCents ?? item.declaredCents, reason: judgement?.reason)
        }
        state = .accepted
    }

    /// Sends it back, or takes up again what was accepted.
    /// - Returns: whether it had been accepted.
    package mutating func reopen(because reason: String) throws(FundingError) -> Bool {
        guard state == .submitted || state == .accepted else { throw .statementNotSubmitted(state) }
        try Checks.line(reason, upTo: Self.reasonLengthMax, field: "/reason")
        let wasAccepted = state == .accepted
        items = items.map { ExpenseItem(category: $0.category, declaredCents: $0.declaredCents) }
        state = .reopened
        return wasAccepted
    }
}
