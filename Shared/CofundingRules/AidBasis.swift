/// What a beneficiary's aid rests on under the State-aid rules.
package enum AidBasis: Sendable, Equatable {
    /// No economic activity, such as a public hospital or research body outside any market: not State aid, so that only
    /// the call's own caps apply.
    case nonEconomic
    /// The general block exemption, by kind of work, size of the undertaking and effective collaboration.
    case gber(work: KindOfWork, size: EnterpriseSize, isCollaboration: Bool)
    case deMinimis(DeMinimisDeclaration)

    /// De minimis aid of an undertaking all of whose members' aid, and no other, is declared.
    package static func deMinimis(
        previous: [DeMinimisAid], fiscalYearStart: FiscalYearStart, isSGEI: Bool
    ) -> AidBasis {
        .deMinimis(DeMinimisDeclaration(previous: previous, fiscalYearStart: fiscalYearStart, isSGEI: isSGEI))
    }

    static let gberName = "aid under the block exemption"
    static let deMinimisName = "de minimis aid"
    static let nonEconomicSource = "no economic activity, therefore not State aid"
}

/// What a basis allows, and by which rules.
struct StateAidFinding {
    let rule: CofundingRule
    /// nil where no cap is set.
    var capCents: Int64?
    let source: String
    var inputs: [String] = []
    /// Name of the State-aid rules it follows from.
    var rules: String?
    var room: DeMinimisRoom?
}

extension AidBasis {
    /// - Parameters:
    ///   - eligibleCostCents: from 0.
    ///   - day: of the grant.
    /// - Throws: `noStateAidRules` where the basis rests on rules and none are in force on that day; what
    ///   `deMinimisRoom(on:_:)` throws.
    func finding(
        eligibleCostCents: Int64, on day: CalendarDay, under rules: StateAidRules?
    ) throws(CofundingRulesError) -> StateAidFinding {
        switch self {
        case .nonEconomic:
            return StateAidFinding(rule: .nonEconomic, capCents: nil, source: Self.nonEconomicSource)
        case .gber(let work, let size, let isCollaboration):
            guard let rules, rules.validFrom <= day, rules.intensities.isInForce(on: day) else {
                throw .noStateAidRules(basis: Self.gberName, day: day)
            }
            let intensity = rules.intensities.intensity(of: work, size: size, isCollaboration: isCollaboration)
            return StateAidFinding(
                rule: .gberIntensity, capCents: intensity.capCents(of: eligibleCostCents),
                source: rules.intensities.source,
                inputs: ["\(work.rawValue), \(size.rawValue)"] + intensity.inputs + ["cost \(eligibleCostCents)"],
                rules: rules.name)
        case .deMinimis(let declaration):
            guard let rules else { throw .noStateAidRules(basis: Self.deMinimisName, day: day) }
            let room = try rules.deMinimisRoom(on: day, declaration)
            return StateAidFinding(
                rule: .deMinimisRoom, capCents: room.roomCents, source: room.regime.source, inputs: room.inputs,
                rules: rules.name, room: room)
        }
    }
}
