/// What even a draft may not exceed, so that nothing unbounded or unprintable is stored.
package enum ContentLimits {
    package static let titleLengthMax = 200
    package static let nameLengthMax = 200
    package static let emailLengthMax = 254
    package static let reasonLengthMax = 2000
    package static let commentLengthMax = 10_000
    package static let partnersCountMax = 50
    package static let experimentsCountMax = 50
    package static let tiesCountMax = 100
    /// A hundred thousand million euros: sums of a thousand such amounts still fit 64 bits.
    package static let centsMax: Int64 = 10_000_000_000_000

    package static func check(_ content: ApplicationContent) throws(ApplicationsError) {
        try checkText(content.title, "/title", lengthMax: titleLengthMax)
        if let lead = content.lead { try check(lead, "/lead") }
        guard content.partners.count <= partnersCountMax else {
            throw .invalidField("/partners", expected: "at most \(partnersCountMax) partners")
        }
        for (index, partner) in content.partners.enumerated() { try check(partner, "/partners/\(index)") }
        try checkMoney(content.animationBudgetCents, "/animationBudgetCents")
        try checkMoney(content.requestedCents, "/requestedCents")
        guard content.experiments.count <= experimentsCountMax else {
            throw .invalidField("/experiments", expected: "at most \(experimentsCountMax) experiments")
        }
        for (index, experiment) in content.experiments.enumerated() {
            try checkText(experiment.title, "/experiments/\(index)/title", lengthMax: titleLengthMax)
            try checkMoney(experiment.budgetCents, "/experiments/\(index)/budgetCents")
        }
        try checkText(content.contact?.name, "/contact/name", lengthMax: nameLengthMax)
        try checkText(content.contact?.email, "/contact/email", lengthMax: emailLengthMax)
    }

    private static func check(_ member: ApplicationContent.Member, _ field: String) throws(ApplicationsError) {
        try checkText(member.siren, field + "/siren", lengthMax: 20)
        try checkText(member.name, field + "/name", lengthMax: nameLengthMax)
    }

    static func checkText(_ text: String?, _ field: String, lengthMax: Int) throws(ApplicationsError) {
        guard let text else { return }
        guard text.unicodeScalars.count <= lengthMax, !text.unicodeScalars.contains(where: isControl) else {
            throw .invalidField(field, expected: "at most \(lengthMax) characters without control characters")
        }
    }

    static func requireText(_ text: String?, _ field: String, lengthMax: Int) throws(ApplicationsError) {
        try checkText(text, field, lengthMax: lengthMax)
        guard let text, !isBlank(text) else {
            throw .invalidField(field, expected: "1 to \(lengthMax) characters")
        }
    }

    static func requireMoney(_ cents: Int64, _ field: String) throws(ApplicationsError) {
        guard (1...centsMax).contains(cents) else {
            throw .invalidField(field, expected: "cents from 1 to \(centsMax)")
        }
    }

    static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    private static func checkMoney(_ cents: Int64?, _ field: String) throws(ApplicationsError) {
        guard let cents else { return }
        guard (0...centsMax).contains(cents) else {
            throw .invalidField(field, expected: "cents from 0 to \(centsMax)")
        }
    }

    /// Line breaks and tabs are text; everything else of the control ranges is not, NUL first of all.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0..<0x20, 0x7F..<0xA0: true
        default: false
        }
    }
}
