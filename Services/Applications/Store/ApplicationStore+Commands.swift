import ApplicationsDomain
import FoundationEssentials
import Postgres

/// What an applicant begins with.
struct NewDraft: Sendable {
    let id: UUID
    let call: UUID
    let owner: ApplicationOwner
    let content: ApplicationContent
}

/// The commands, each with what its decision needs to know from the database.
extension ApplicationStore {
    func create(
        _ draft: NewDraft, context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> Application {
        guard let call = try await calls.find(draft.call, in: transaction) else {
            throw ApplicationsError.invalidField("/call", expected: "the id of a published call")
        }
        let application = try Application.draft(
            draft.content, id: draft.id, call: call, owner: draft.owner, at: context.now)
        try await insert(application, context: context, in: transaction)
        return application
    }

    func revise(
        _ target: ApplicationTarget, to content: ApplicationContent, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { _, call in
            .revise(ReviseDraft(content: content, call: call))
        }
    }

    func submit(
        _ target: ApplicationTarget, context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { application, call in
            let estimate = try await estimate(application.content, at: context.now, in: transaction)
            return .submit(SubmitApplication(call: call, estimate: estimate, digest: Receipt.digest))
        }
    }

    func decideEligibility(
        _ target: ApplicationTarget, context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { application, call in
            let content = application.deposit?.content ?? application.content
            let estimate = try await estimate(content, at: context.now, in: transaction)
            return .decideEligibility(DecideEligibility(by: context.actor, call: call, estimate: estimate))
        }
    }

    func review(
        _ target: ApplicationTarget, _ review: ReviewApplication, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { _, _ in .review(review) }
    }

    func recommend(
        _ target: ApplicationTarget, outcome: Outcome, rank: Int?, context: CommandContext,
        in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { application, call in
            try await calls.lockRanking(call.id, in: transaction)
            let taken = try await transaction.query(
                "select rank from recommendations where call = \(call.id) and rank is not null"
            ).map { try $0.get("rank", as: Int.self) }
            return .recommend(
                RecommendApplication(
                    by: Assessor(target.viewer), outcome: outcome, rank: rank, ranksTaken: Set(taken)))
        }
    }

    func decide(
        _ target: ApplicationTarget, _ verdict: (outcome: Outcome, rank: Int?, reason: String?),
        context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> Application {
        try await change(target, context: context, in: transaction) { application, call in
            try await calls.lockRanking(call.id, in: transaction)
            let outcomes = try await transaction.query(
                "select outcome from decisions where call = \(call.id) and rank is not null order by rank"
            ).map { try $0.get("outcome", as: Outcome.self) }
            return .decide(
                DecideApplication(
                    by: Assessor(target.viewer), outcome: verdict.outcome, rank: verdict.rank, reason: verdict.reason,
                    ranking: RankList(outcomes: outcomes)))
        }
    }

    /// The service itself notes that funding signed the agreement; there is nobody who asks.
    func contract(_ id: UUID, context: CommandContext, in transaction: PostgresTransaction) async throws {
        var (application, _) = try await lock(id, in: transaction)
        let fact = try application.decide(.contract, at: context.now)
        application.evolve(fact)
        try await save(application, fact, context: context, in: transaction)
    }

    /// What the rules in force would grant for this content.
    func estimate(
        _ content: ApplicationContent, at now: Date, in session: some PostgresSession
    ) async throws -> GrantEstimate {
        GrantEstimate(content, ruleSets: try await ruleSets.all(in: session), at: now)
    }
}

extension Assessor {
    fileprivate init(_ viewer: ApplicationViewer) {
        self.init(subject: viewer.subject, organisation: viewer.organisation)
    }
}
