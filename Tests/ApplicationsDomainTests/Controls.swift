import CofundingRules

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ApplicationsDomain

/// Valid values to start from: each test changes what it is about.
enum Controls {
    static let opensAt = Date(timeIntervalSince1970: 1_645_711_740)  // 24 February 2022, 15:09 in Paris
    static let deadline = opensAt.addingTimeInterval(90 * day)
    static let graceUntil = deadline.addingTimeInterval(day / 2)
    static let day: Double = 86_400
    static let duringCall = opensAt.addingTimeInterval(day)
    static let afterCall = graceUntil.addingTimeInterval(day)

    static let leadSiren = "200034528"
    static let partnerSiren = "100000009"
    static let strangerSiren = "180020026"
    static let owner = ApplicationOwner(subject: "applicant-1", organisation: leadSiren)

    static func publish() -> PublishCall {
        PublishCall(
            wave: 1, title: "Tiers-lieux d'expérimentation, vague 1", window: (opensAt, deadline, graceUntil),
            placesTarget: 30, envelopeCents: (2_900_000_000, 3_000_000_000))
    }

    static func call() throws -> Call { try Call.publish(publish(), id: UUID()) }

    static func content() -> ApplicationContent {
        ApplicationContent(
            title: "Maison de la santé numérique",
            lead: .init(siren: leadSiren, structureType: .publicHospital, sector: .hospital, name: "CHU"),
            partners: [.init(siren: partnerSiren, structureType: .supplier, sector: nil, name: "Solutions SAS")],
            money: (150_000_000, 75_000_000),
            experiments: [.init(title: "Télésuivi", budgetCents: 60_000_000)],
            contact: .init(name: "Ada Martin", email: "ada.martin@chu.example"))
    }

    static func ruleSet(
        ceilings: [String: Int64] = ["etablissement_sante_public": 150_000_000, "acteur_innovation": 37_500_000]
    ) throws -> CofundingRuleSet {
        try CofundingRuleSet(
            name: "aap-tle-2022", validFrom: opensAt.addingTimeInterval(-day),
            animation: RateAndCeilings(basisPoints: 5000, ceilingCents: ceilings),
            experiment: RateAndCeiling(basisPoints: 5000, ceilingCents: 30_000_000), source: "NOR PRMI2204762A")
    }

    static func estimate(_ content: ApplicationContent = content()) throws -> GrantEstimate {
        GrantEstimate(content, ruleSets: [try ruleSet()], at: duringCall)
    }

    static func draft(_ call: Call, content: ApplicationContent = content()) throws -> Application {
        try Application.draft(content, id: UUID(), call: call, owner: owner, at: duringCall)
    }

    /// Not a digest; enough to tell contents apart.
    @Sendable static func digest(_ bytes: [UInt8]) -> String {
        String(bytes.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }, radix: 16)
    }

    static func submit(_ call: Call, _ content: ApplicationContent = content()) throws -> ApplicationCommand {
        .submit(SubmitApplication(call: call, estimate: try estimate(content), digest: digest))
    }

    static func assess(_ call: Call, _ content: ApplicationContent = content()) throws -> ApplicationCommand {
        .decideEligibility(DecideEligibility(by: "operator-1", call: call, estimate: try estimate(content)))
    }

    static func review(
        by subject: String, organisation: String? = nil, ties: [String] = [], conflict: String? = nil,
        points: Int? = 80
    ) -> ApplicationCommand {
        .review(
            ReviewApplication(
                id: UUID(), reviewer: Assessor(subject: subject, organisation: organisation),
                declaredConflict: conflict, organisationTies: ties,
                opinion: (
                    points.map { Scores(impact: $0, quality: $0, economics: $0, network: $0) }, comment: "Solide."
                )))
    }

    static func recommend(
        _ outcome: Outcome, rank: Int?, by subject: String = "committee-1", taken: Set<Int> = []
    ) -> ApplicationCommand {
        .recommend(
            RecommendApplication(
                by: Assessor(subject: subject, organisation: nil), outcome: outcome, rank: rank, ranksTaken: taken))
    }

    static func decide(
        _ outcome: Outcome, rank: Int?, by subject: String = "state-1", reason: String? = nil,
        ranking: RankList = .empty
    ) -> ApplicationCommand {
        .decide(
            DecideApplication(
                by: Assessor(subject: subject, organisation: nil), outcome: outcome, rank: rank, reason: reason,
                ranking: ranking))
    }

    /// An application that went through all commands up to the state.
    static func application(_ state: ApplicationState, in call: Call) throws -> Application {
        var application = try draft(call)
        if state == .draft { return application }
        try application.obey(try submit(call), at: duringCall)
        if state == .submitted { return application }
        try application.obey(try assess(call), at: afterCall)
        if state == .eligible { return application }
        try application.obey(review(by: "reviewer-1"), at: afterCall)
        try application.obey(review(by: "reviewer-2", points: 71), at: afterCall)
        try application.obey(recommend(.funded, rank: 1), at: afterCall)
        if state == .recommended { return application }
        try application.obey(decide(.funded, rank: 1), at: afterCall)
        if state == .contracted { try application.obey(.contract, at: afterCall) }
        return application
    }
}

extension Application {
    @discardableResult
    mutating func obey(_ command: ApplicationCommand, at now: Date) throws -> ApplicationFact {
        let fact = try decide(command, at: now)
        evolve(fact)
        return fact
    }
}

/// A generator whose sequence follows from its seed, so that a failure can be run again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// The slug and field of a refusal, or nil when nothing was refused.
func refusal(_ body: () throws -> Void) -> ApplicationsError.Explanation? {
    do {
        try body()
        return nil
    } catch let error as ApplicationsError {
        return error.explanation
    } catch {
        return nil
    }
}
