package import CofundingRules

package import struct FoundationEssentials.UUID

/// What an agreement comes to in the end: for each line `min(granted, rate × eligible cost)`.
package struct Settlement: Sendable, Equatable {
    package struct Line: Sendable, Equatable {
        package let line: UUID
        package let siren: String
        package let grantedCents: Int64
        package let eligibleCents: Int64
        /// Of the eligible cost, what the agreement bears.
        package let dueCents: Int64
        package let paidCents: Int64
        /// Of what was paid, what is claimed back already or came back.
        package let claimedCents: Int64

        /// Still to be paid. What was claimed back is not paid again.
        package var balanceCents: Int64 { max(0, dueCents - paidCents) }
        /// Paid above what is due, and not claimed back yet.
        package var excessCents: Int64 { max(0, paidCents - claimedCents - dueCents) }
    }

    package let lines: [Line]

    /// - Parameters:
    ///   - eligible: by line, of all statements.
    ///   - paid: by line.
    ///   - claimed: by line.
    package init(
        _ lines: [AgreementLine], rate: BasisPoints, eligible: [UUID: Int64], paid: [UUID: Int64],
        claimed: [UUID: Int64] = [:]
    ) {
        self.lines = lines.map { line in
            let eligibleCents = eligible[line.id] ?? 0
            return Line(
                line: line.id, siren: line.siren, grantedCents: line.grantedCents, eligibleCents: eligibleCents,
                dueCents: min(line.grantedCents, rate.roundedDown(of: eligibleCents)), paidCents: paid[line.id] ?? 0,
                claimedCents: claimed[line.id] ?? 0)
        }
    }

    package var balanceCents: Int64 { lines.reduce(0) { $0 + $1.balanceCents } }
    package var excessCents: Int64 { lines.reduce(0) { $0 + $1.excessCents } }

    /// What one beneficiary comes to.
    package func only(_ siren: String) -> Settlement { Settlement(lines: lines.filter { $0.siren == siren }) }

    private init(lines: [Line]) { self.lines = lines }
}
