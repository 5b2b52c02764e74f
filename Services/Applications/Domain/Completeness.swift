import Identifiers

/// What keeps an application from being submitted (errors), and what it should be warned of.
///
/// Errors are formal: something is missing or cannot be read. Whether the consortium is eligible is decided by the
/// operator after the closing; that it probably is not is a warning here, with the slug that the decision would give
/// as its reason.
package struct Completeness: Sendable {
    package let content: ApplicationContent
    package let owner: ApplicationOwner
    package let callState: CallState
    package let estimate: GrantEstimate

    package init(
        _ content: ApplicationContent, owner: ApplicationOwner, callState: CallState, estimate: GrantEstimate
    ) {
        self.content = content
        self.owner = owner
        self.callState = callState
        self.estimate = estimate
    }

    /// In the order of the form: title, lead, partners, money, experiments, contact, then what concerns the whole.
    package var findings: [Finding] {
        titleFindings + leadFindings + partnerFindings + moneyFindings + experimentFindings + contactFindings
            + eligibilityWarnings + contextWarnings
    }

    package static func isBlank(_ text: String?) -> Bool { text.map(ContentLimits.isBlank) ?? true }

    private var titleFindings: [Finding] {
        Self.isBlank(content.title) ? [.missing("/title", "le titre du projet", "the title of the project")] : []
    }

    private var leadFindings: [Finding] {
        guard let lead = content.lead else {
            return [.missing("/lead", "le chef de file", "the lead of the consortium")]
        }
        var findings = memberFindings(lead, "/lead")
        if let siren = lead.siren, SIREN(siren) != nil, siren != owner.organisation {
            findings.append(
                .warning(
                    "lead-is-not-depositor", "/lead/siren",
                    fr: "le chef de file n'est pas l'organisation qui dépose.",
                    en: "the lead is not the organisation that deposits."))
        }
        return findings
    }

    private var partnerFindings: [Finding] {
        var findings: [Finding] = []
        var seen = Set([content.lead?.siren].compactMap { $0 })
        for (index, partner) in content.partners.enumerated() {
            findings += memberFindings(partner, "/partners/\(index)")
            if let siren = partner.siren, !siren.isEmpty, !seen.insert(siren).inserted {
                findings.append(
                    .error(
                        "siren-repeated", "/partners/\(index)/siren",
                        fr: "cette organisation figure déjà dans le consortium.",
                        en: "this organisation is already in the consortium."))
            }
        }
        return findings
    }

    private func memberFindings(_ member: ApplicationContent.Member, _ field: String) -> [Finding] {
        var findings: [Finding] = []
        if Self.isBlank(member.siren) {
            findings.append(.missing(field + "/siren", "le numéro SIREN", "the SIREN number"))
        } else if SIREN(member.siren ?? "") == nil {
            findings.append(
                .error(
                    "siren-invalid", field + "/siren",
                    fr: "ce n'est pas un numéro SIREN : neuf chiffres, clé de Luhn comprise.",
                    en: "this is not a SIREN number: nine digits, the Luhn check included."))
        }
        if Self.isBlank(member.name) {
            findings.append(.missing(field + "/name", "le nom de l'organisation", "the name of the organisation"))
        }
        guard let structureType = member.structureType else {
            return findings + [.missing(field + "/structureType", "le type de structure", "the structure type")]
        }
        if structureType.isHealthStructure, member.sector == nil {
            findings.append(
                .missing(
                    field + "/sector", "le secteur d'une structure de santé", "the sector of a health structure"))
        }
        return findings
    }

    private var moneyFindings: [Finding] {
        var findings: [Finding] = []
        if (content.animationBudgetCents ?? 0) == 0 {
            findings.append(
                .missing("/animationBudgetCents", "le budget prévisionnel d'animation", "the animation budget"))
        }
        if (content.requestedCents ?? 0) == 0 {
            findings.append(.missing("/requestedCents", "la subvention demandée", "the grant that is asked for"))
        }
        if let budget = content.animationBudgetCents, let requested = content.requestedCents, budget > 0,
            requested > budget
        {
            findings.append(
                .error(
                    "requested-above-budget", "/requestedCents",
                    fr: "la subvention demandée dépasse le budget prévisionnel.",
                    en: "more is asked for than the budget holds."))
        }
        return findings
    }

    private var experimentFindings: [Finding] {
        guard !content.experiments.isEmpty else {
            return [
                .warning(
                    "no-experiments", "/experiments", fr: "aucun projet d'expérimentation n'est annoncé.",
                    en: "no experiment is announced.")
            ]
        }
        var findings: [Finding] = []
        for (index, experiment) in content.experiments.enumerated() {
            let field = "/experiments/\(index)"
            if Self.isBlank(experiment.title) {
                findings.append(.missing(field + "/title", "le titre de l'expérimentation", "the experiment's title"))
            }
            if (experiment.budgetCents ?? 0) == 0 {
                findings.append(
                    .missing(field + "/budgetCents", "le budget de l'expérimentation", "the experiment's budget"))
            }
        }
        return findings
    }

    private var contactFindings: [Finding] {
        guard let contact = content.contact else {
            return [.missing("/contact", "la personne à joindre", "the person to contact")]
        }
        var findings: [Finding] = []
        if Self.isBlank(contact.name) {
            findings.append(.missing("/contact/name", "le nom de la personne à joindre", "the contact's name"))
        }
        if Self.isBlank(contact.email) {
            findings.append(.missing("/contact/email", "l'adresse électronique", "the contact's e-mail address"))
        } else if !EmailAddress.isPlausible(contact.email ?? "") {
            findings.append(
                .error(
                    "email-invalid", "/contact/email", fr: "ce n'est pas une adresse électronique.",
                    en: "this is not an e-mail address."))
        }
        return findings
    }

    private var eligibilityWarnings: [Finding] {
        EligibilityCriteria.reasons(content, estimate: estimate).compactMap(\.warning)
    }

    private var contextWarnings: [Finding] {
        var findings: [Finding] = []
        if estimate == .ruleSetUnknown {
            findings.append(
                .warning(
                    "rule-set-not-known", "/requestedCents",
                    fr: "les règles de cofinancement ne sont pas encore connues : le plafond n'a pas été vérifié.",
                    en: "the co-funding rules are not yet known: the cap was not checked."))
        }
        switch callState {
        case .open: break
        case .announced:
            findings.append(
                .warning(
                    "call-not-open", "/call", fr: "l'appel à projets n'est pas encore ouvert.",
                    en: "the call is not open yet."))
        case .grace:
            findings.append(
                .warning(
                    "deadline-passed", "/call",
                    fr: "l'échéance affichée est passée ; le dépôt reste possible jusqu'à la clôture technique.",
                    en: "the displayed deadline has passed; deposits are taken until the technical closing."))
        case .closed:
            findings.append(
                .warning("call-closed", "/call", fr: "l'appel à projets est clos.", en: "the call is closed."))
        }
        return findings
    }
}

/// Whether a text can be an e-mail address at all. Only a message that arrives proves one, so nothing more is refused.
enum EmailAddress {
    static func isPlausible(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64, !text.contains(where: \.isWhitespace)
        else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty && $0.first != "-" && $0.last != "-" }
    }
}
