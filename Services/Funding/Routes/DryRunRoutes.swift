import CofundingRules
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identifiers
import Identity
import Postgres
import ServiceRuntime

/// What a request would be granted, without any effect.
struct DryRunRoutes: Sendable {
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/cofunding").post("dry-run", use: compute)
    }

    @Sendable private func compute(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let organisation = try context.requireReader()
        let body = try await request.decode(as: DryRunBody.self, context: context)
        let now = commands.clock.now()
        // One snapshot: rules, declarations and the register are read by several statements.
        return try await commands.pool.withTransaction(isolation: .repeatableRead) { transaction in
            let today = try await ParisDays.day(of: now, in: transaction)
            let day = try body.grantDay.map { try CalendarDay.read($0, at: "/grantDay") } ?? today
            let question = CofundingQuestion(purpose: try body.fundedPurpose(), day: day)
            let instant = try await ParisDays.instant(of: day, now: now, in: transaction)
            guard let rules = try await RuleSetStore.all(in: transaction).inForce(at: instant) else {
                throw FundingError.ruleSetNotInForce
            }
            if case .animation(let type) = question.purpose, rules.animationCeilingCents[type] == nil {
                throw Problem.invalid(
                    "/structureType", expected: rules.animationCeilingCents.keys.sorted().joined(separator: ", "))
            }
            let stateAid = try await StateAidRulesStore.all(in: transaction).inForce(on: day)
            let desk = Desk(day: day, organisation: organisation, session: transaction)
            guard let partners = try body.consortium() else {
                let asked = try await desk.beneficiary(body.asked, at: "")
                let answer = try question.answer(for: asked, rules, stateAid: stateAid)
                return try JSONResponse(DryRunView(answer, on: day)).response()
            }
            var asked: [CofundingQuestion.Beneficiary] = []
            for (index, partner) in partners.enumerated() {
                let place = "/partners/\(index)"
                let beneficiary = try await desk.beneficiary(partner, at: place)
                guard beneficiary.basis != nil else {
                    throw Problem.invalid("\(place)/basis", expected: "the partner's basis, or its `siren`")
                }
                asked.append(beneficiary)
            }
            let answer = try question.answer(for: asked, rules, stateAid: stateAid)
            return try JSONResponse(DryRunView(answer, on: day)).response()
        }
    }

    /// Reads one beneficiary with what its undertaking has declared.
    private struct Desk {
        let day: CalendarDay
        /// Of a caller that may ask about its own undertaking only.
        let organisation: String?
        let session: PostgresTransaction

        func beneficiary(
            _ asked: DryRunBody.Beneficiary, at place: String
        ) async throws -> CofundingQuestion.Beneficiary {
            guard let budgetCents = asked.budgetCents, let requestedCents = asked.requestedCents else {
                let missing = asked.budgetCents == nil ? "budgetCents" : "requestedCents"
                throw Problem.invalid("\(place)/\(missing)", expected: "a value; the field is missing")
            }
            let found = try await ground(of: asked, at: place)
            let beneficiary = CofundingQuestion.Beneficiary(
                budgetCents: budgetCents, eligibleCostCents: asked.eligibleCostCents ?? budgetCents,
                requestedCents: requestedCents, basis: found?.basis, undertaking: found?.undertaking ?? place)
            try beneficiary.check(at: place)
            return beneficiary
        }

        private func ground(
            of asked: DryRunBody.Beneficiary, at place: String
        ) async throws -> (basis: AidBasis, undertaking: String)? {
            guard let siren = asked.siren else {
                let basis = try asked.basis?.read(at: "\(place)/basis").ground(with: [])
                return basis.map { ($0, asked.undertaking ?? place) }
            }
            guard asked.basis == nil else {
                throw Problem.invalid("\(place)/basis", expected: "either `basis` or `siren`, not both")
            }
            guard SIREN(siren) != nil,
                let aid = try await BeneficiaryAidStore.find(
                    siren, on: day, visibleTo: organisation, in: session)
            else {
                throw Problem.invalid(
                    "\(place)/siren", expected: "a SIREN of an undertaking that is declared and that you may see")
            }
            return (aid.basis, aid.undertaking)
        }
    }
}
