import CofundingRules
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

import struct FoundationEssentials.Date

/// The co-funding rules in force and those before them.
struct RuleSetRoutes: Sendable {
    let ruleSets: RuleSetStore
    let commands: Commands

    func add(to router: Router<MaillageContext>) {
        router.group("/v1/rule-sets").get(use: list).post(use: publish).get("{name}", use: show)
    }

    private struct PublishRuleSet: Decodable {
        let ruleSet: String
        let validFrom: Date
        let animationRateBasisPoints: Int
        let animationCeilingCents: [String: Int64]
        let experimentRateBasisPoints: Int
        let experimentCeilingCents: Int64
        let source: String

        func rules() throws(CofundingRulesError) -> CofundingRuleSet {
            try CofundingRuleSet(
                name: ruleSet, validFrom: validFrom,
                animation: RateAndCeilings(
                    basisPoints: animationRateBasisPoints, ceilingCents: animationCeilingCents),
                experiment: RateAndCeiling(
                    basisPoints: experimentRateBasisPoints, ceilingCents: experimentCeilingCents),
                source: source)
        }
    }

    @Sendable private func publish(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require(.operator)
        let command = try await IdempotentCommand(request, context)
        let rules = try command.decode(PublishRuleSet.self).rules()
        return try await command.run(on: commands.pool) { transaction in
            try await ruleSets.publish(rules, commands.context(context), in: transaction)
            return try CommandResponse.created(
                RuleSetView(rules), at: "/v1/rule-sets/\(rules.name)", version: RuleSetView.version)
        }
    }

    @Sendable private func list(
        _ request: Request, _ context: MaillageContext
    ) async throws -> PageResponse<RuleSetView> {
        _ = try context.require()
        return PageResponse(try await RuleSetStore.all(in: commands.pool).map { RuleSetView($0) }, next: nil)
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        _ = try context.require()
        let name = try context.parameter("name")
        guard let rules = try await RuleSetStore.all(in: commands.pool).first(where: { $0.name == name }) else {
            throw Problem.notFound("rule set")
        }
        return try JSONResponse(RuleSetView(rules), version: RuleSetView.version).response()
    }
}

struct RuleSetView: Encodable, Sendable {
    /// Published rules never change.
    static let version: Int64 = 1

    let id: String
    let version: Int64
    let state = "published"
    let ruleSet: String
    let validFrom: Date
    let animationRateBasisPoints: Int
    let animationCeilingCents: [String: Int64]
    let experimentRateBasisPoints: Int
    let experimentCeilingCents: Int64
    let source: String

    init(_ rules: CofundingRuleSet) {
        id = rules.name
        version = Self.version
        ruleSet = rules.name
        validFrom = rules.validFrom
        animationRateBasisPoints = rules.animationRate.value
        animationCeilingCents = rules.animationCeilingCents
        experimentRateBasisPoints = rules.experimentRate.value
        experimentCeilingCents = rules.experimentCeilingCents
        source = rules.source
    }
}
