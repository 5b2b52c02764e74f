import CofundingRules
import FundingDomain
import HTTPDefaults

/// What is asked: for one beneficiary in the body itself, or for the partners of a consortium.
struct DryRunBody: Decodable, Sendable {
    struct Beneficiary: Decodable, Sendable {
        let budgetCents: Int64?
        /// The whole budget where it is not said.
        let eligibleCostCents: Int64?
        let requestedCents: Int64?
        let basis: AidBasisContent?
        /// Of a member of a declared undertaking, instead of a basis.
        let siren: String?
        /// With a basis: what partners of one single undertaking have in common, such as the SIREN of its head.
        let undertaking: String?
    }

    private enum CodingKeys: String, CodingKey { case purpose, structureType, grantDay, partners }

    let purpose: String
    let structureType: String?
    let grantDay: String?
    let partners: [Beneficiary]?
    let asked: Beneficiary

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        purpose = try container.decode(String.self, forKey: .purpose)
        structureType = try container.decodeIfPresent(String.self, forKey: .structureType)
        grantDay = try container.decodeIfPresent(String.self, forKey: .grantDay)
        partners = try container.decodeIfPresent([Beneficiary].self, forKey: .partners)
        asked = try Beneficiary(from: decoder)
    }

    func fundedPurpose() throws(Problem) -> FundedPurpose {
        switch try Reading.oneOf(purpose, field: "/purpose", as: EnvelopePurpose.self) {
        case .experiments: return .experiment
        case .animation:
            guard let structureType else {
                throw .invalid("/structureType", expected: "the structure type of the lead; the field is missing")
            }
            return .animation(structureType: structureType)
        }
    }

    /// The partners; nil where one beneficiary is asked for.
    func consortium() throws(Problem) -> [Beneficiary]? {
        guard let partners else { return nil }
        guard (1...CofundingQuestion.partnerCountMax).contains(partners.count) else {
            throw .invalid("/partners", expected: "1 to \(CofundingQuestion.partnerCountMax) partners")
        }
        for (field, isSaid) in [
            ("budgetCents", asked.budgetCents != nil), ("eligibleCostCents", asked.eligibleCostCents != nil),
            ("requestedCents", asked.requestedCents != nil), ("basis", asked.basis != nil),
            ("siren", asked.siren != nil),
        ] where isSaid {
            throw .invalid("/\(field)", expected: "it with each of the partners alone")
        }
        return partners
    }
}

/// What would be granted, with all that led to it.
struct DryRunView: Encodable, Sendable {
    struct Result: Encodable, Sendable {
        let grantedCents: Int64
        let bindingRule: String
        let derivation: [DerivationLine]
        let deMinimis: RoomView?

        init(_ result: CofundingResult) {
            grantedCents = result.grantedCents
            bindingRule = result.bindingRule.rawValue
            derivation = result.derivation.map { DerivationLine($0) }
            deMinimis = result.deMinimisRoom.map { RoomView($0) }
        }
    }

    struct RoomView: Encodable, Sendable {
        struct Aid: Encodable, Sendable {
            let grantedOn: String
            let amountCents: Int64
            let siren: String

            init(_ aid: DeMinimisAid) {
                grantedOn = aid.grantedOn.description
                amountCents = aid.cents
                siren = aid.siren
            }
        }

        let roomCents: Int64
        let ceilingCents: Int64
        let countedCents: Int64
        let isSGEI: Bool
        let windowStart: String
        let counted: [Aid]
        let outsideWindow: [Aid]
        let source: String

        init(_ room: DeMinimisRoom) {
            roomCents = room.roomCents
            ceilingCents = room.ceilingCents
            countedCents = room.countedCents
            isSGEI = room.isSGEI
            windowStart = room.windowStart.description
            counted = room.counted.map { Aid($0) }
            outsideWindow = room.outsideWindow.map { Aid($0) }
            source = room.regime.source
        }
    }

    let grantDay: String
    let ruleSet: String
    let stateAidRules: String?
    /// Of the project as a whole.
    let result: Result
    let partners: [Result]?

    init(_ answer: CofundingQuestion.Answer, on day: CalendarDay) {
        grantDay = day.description
        ruleSet = answer.result.ruleSet
        stateAidRules = answer.result.stateAidRules
        result = Result(answer.result)
        partners = answer.partners.map { $0.map { Result($0) } }
    }
}
