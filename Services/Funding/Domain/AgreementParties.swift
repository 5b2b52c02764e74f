package import CofundingRules
import Identifiers

/// What identifies an agreement and its beneficiaries to the public: a line for each that the agreement grants
/// something, of the amount that it grants.
package struct AgreementParties: Sendable, Equatable {
    /// One beneficiary's line.
    package struct Line: Sendable, Equatable {
        package let siren: String
        package let siret: String
        package let name: String
        package let isPrivateLaw: Bool
        package let isDeMinimis: Bool
        package let grantedCents: Int64

        package init(
            siren: String, siret: String, name: String, bodies: (isPrivateLaw: Bool, isDeMinimis: Bool),
            grantedCents: Int64
        ) {
            self.siren = siren
            self.siret = siret
            self.name = name
            self.isPrivateLaw = bodies.isPrivateLaw
            self.isDeMinimis = bodies.isDeMinimis
            self.grantedCents = grantedCents
        }
    }

    package let reference: String
    package let object: String
    /// When it is paid: first and last day.
    package let payment: (from: CalendarDay, until: CalendarDay)
    package let lines: [Line]

    package static func == (left: Self, right: Self) -> Bool {
        left.reference == right.reference && left.object == right.object && left.payment == right.payment
            && left.lines == right.lines
    }

    /// - Throws: `invalid` with the field at fault.
    package init(
        reference: String, object: String, payment: (from: CalendarDay, until: CalendarDay), lines: [Line],
        of agreement: Agreement
    ) throws(FundingError) {
        try Checks.line(reference, upTo: 64, field: "/reference")
        try Checks.line(object, upTo: 256, field: "/object")
        guard payment.from <= payment.until else {
            throw .invalid(field: "/paymentUntil", expected: "\(payment.from) or later")
        }
        let agreed = agreement.lines.filter { $0.grantedCents > 0 }
        var seen: Set<String> = []
        for (index, line) in lines.enumerated() {
            let field = "/lines/\(index)"
            guard seen.insert(line.siren).inserted, agreed.contains(where: { $0.siren == line.siren }) else {
                throw .invalid(
                    field: "\(field)/siren", expected: "a beneficiary that the agreement grants something, each once")
            }
            guard let siret = SIRET(line.siret), siret.siren.digits == line.siren else {
                throw .invalid(field: "\(field)/siret", expected: "a SIRET number of \(line.siren)")
            }
            try Checks.line(line.name, upTo: 256, field: "\(field)/name")
            try Checks.amount(line.grantedCents, field: "\(field)/grantedCents")
        }
        guard
            Set(lines.map { "\($0.siren) \($0.grantedCents)" })
                == Set(agreed.map { "\($0.siren) \($0.grantedCents)" })
        else { throw .amendLines }
        self.reference = reference
        self.object = object
        self.payment = payment
        self.lines = lines
    }
}
