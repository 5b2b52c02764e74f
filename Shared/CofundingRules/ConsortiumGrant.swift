/// What one partner of a consortium asks for. All amounts from 0.
package struct ConsortiumPartner: Sendable, Equatable {
    /// The partner's part of the project's budget.
    package var budgetCents: Int64
    /// The part of its budget that the State-aid rules admit.
    package var eligibleCostCents: Int64
    package var requestedCents: Int64
    package var basis: AidBasis
    /// The same for all partners of one single undertaking, such as the SIREN of its head: they share one room for de
    /// minimis aid.
    package var undertakingGroup: String

    package init(
        budgetCents: Int64, eligibleCostCents: Int64, requestedCents: Int64, basis: AidBasis, undertakingGroup: String
    ) {
        self.budgetCents = budgetCents
        self.eligibleCostCents = eligibleCostCents
        self.requestedCents = requestedCents
        self.basis = basis
        self.undertakingGroup = undertakingGroup
    }
}

/// The grant of a project with several beneficiaries.
package struct ConsortiumResult: Sendable, Equatable {
    /// The project as a whole: rate × the sum of budgets, the ceiling, and the sum of what the partners may be granted.
    package let project: CofundingResult
    /// In the order of the partners. Their amounts sum to the project's exactly.
    package let partners: [CofundingResult]
}

extension CofundingRuleSet {
    /// The source of a step that follows from the partner's own budget.
    package static let budgetSource = "budget of the partner"
    /// The source of the sum of what the partners may be granted.
    package static let partnersSource = "caps of the partners"
    /// The source of a partner's share in a total that was lowered.
    package static let shareSource = "share of the project's grant in proportion to the partner's own cap"

    /// Grant for a project of several beneficiaries, each with a basis of its own.
    ///
    /// By itself a partner may be granted the lowest of what its basis allows, its budget and its request; the call's
    /// rate and ceiling bind the project, so that one partner may get more than the rate of its own budget where
    /// another gets less. Where the partners' sum is above the project's caps, all of them are lowered in proportion.
    /// No partner comes above its own cap: the total is below the sum of the caps, so a share's exact value is at most
    /// the cap, and the cap is a whole cent that rounding cannot pass.
    ///
    /// - Parameters:
    ///   - day: on which the right is conferred, in Europe/Paris, whatever the payment date.
    ///   - stateAid: in force on that day; nil suffices where no partner has an economic activity.
    /// - Throws: `emptyInput` without partners; `negativeAmount` with the place, such as `partners/1/budgetCents`;
    ///   `noCeiling`; what a basis throws.
    package func consortiumGrant(
        _ partners: [ConsortiumPartner], for purpose: FundedPurpose, on day: CalendarDay, stateAid: StateAidRules?
    ) throws(CofundingRulesError) -> ConsortiumResult {
        if partners.isEmpty { throw .emptyInput(field: "partners") }
        try Self.check(partners)
        var findings: [StateAidFinding] = []
        for partner in partners {
            findings.append(
                try partner.basis.finding(eligibleCostCents: partner.eligibleCostCents, on: day, under: stateAid))
        }
        findings = try Self.sharing(findings, among: partners)
        let own = zip(partners, findings).map { lowest(of: Self.ownCaps($0, $1), $1) }
        let project = try project(partners, for: purpose, own: own, findings)
        guard project.bindingRule != .partnerSum else { return ConsortiumResult(project: project, partners: own) }
        let shares = try PartnerShares.split(project.grantedCents, by: own.map(\.grantedCents))
        let lowered = partners.indices.map { index in
            lowest(
                of: Self.ownCaps(partners[index], findings[index]) + [
                    Cap(
                        rule: .projectShare, valueCents: shares[index], source: Self.shareSource,
                        inputs: ["own cap \(own[index].grantedCents)", "project \(project.grantedCents)"])
                ], findings[index])
        }
        return ConsortiumResult(project: project, partners: lowered)
    }

    private static func check(_ partners: [ConsortiumPartner]) throws(CofundingRulesError) {
        for (index, partner) in partners.enumerated() {
            for (field, value) in [
                ("budgetCents", partner.budgetCents), ("eligibleCostCents", partner.eligibleCostCents),
                ("requestedCents", partner.requestedCents),
            ] where value < 0 {
                throw .negativeAmount(field: "partners/\(index)/\(field)")
            }
        }
    }

    private static func ownCaps(_ partner: ConsortiumPartner, _ finding: StateAidFinding) -> [Cap] {
        Cap.list(finding, budgetCents: partner.budgetCents) + [
            Cap(rule: .partnerBudget, valueCents: partner.budgetCents, source: budgetSource),
            .requested(partner.requestedCents),
        ]
    }

    private func project(
        _ partners: [ConsortiumPartner], for purpose: FundedPurpose, own: [CofundingResult],
        _ findings: [StateAidFinding]
    ) throws(CofundingRulesError) -> CofundingResult {
        let budgetCents = partners.reduce(Int128(0)) { $0 + Int128($1.budgetCents) }
        let sumCents = own.reduce(Int128(0)) { $0 + Int128($1.grantedCents) }
        let sum = Cap(rule: .partnerSum, valueCents: Int64(clamping: sumCents), source: Self.partnersSource)
        // A budget beyond what an amount can hold is held at the largest amount: the project is granted no more for it.
        let published = try caps(of: purpose, budgetCents: Int64(clamping: budgetCents))
        return lowest(of: published + [sum], StateAidFinding.ofProject(findings))
    }

    /// Where partners of one single undertaking all rest on de minimis aid, its room is for all of them together: where
    /// they want more, it is split in proportion to what each of them wants.
    private static func sharing(
        _ findings: [StateAidFinding], among partners: [ConsortiumPartner]
    ) throws(CofundingRulesError) -> [StateAidFinding] {
        var shared = findings
        let groups = Dictionary(grouping: partners.indices.filter { findings[$0].room != nil }) {
            partners[$0].undertakingGroup
        }
        for members in groups.values where members.count > 1 {
            // Members declare the same aid; where they do not, the one that leaves least decides.
            let room = members.compactMap { findings[$0].capCents }.min() ?? 0
            let wanted = members.map { min(partners[$0].budgetCents, partners[$0].requestedCents) }
            guard wanted.reduce(Int128(0), { $0 + Int128($1) }) > Int128(room) else { continue }
            for (member, share) in zip(members, try PartnerShares.split(room, by: wanted)) {
                shared[member].capCents = share
                shared[member].inputs.append("room \(room) shared by \(members.count) of one undertaking")
            }
        }
        return shared
    }
}

extension StateAidFinding {
    /// Of a project only the name of the rules is said: the caps are the partners'.
    fileprivate static func ofProject(_ findings: [StateAidFinding]) -> StateAidFinding? {
        findings.first { $0.rules != nil }.map { finding in
            StateAidFinding(rule: finding.rule, capCents: nil, source: finding.source, rules: finding.rules)
        }
    }
}
