import Events
import FundingDomain
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// How far a call's animation envelope is allotted, and what that waits for.
struct AllotmentStanding: Sendable {
    struct Place: Sendable {
        let application: UUID
        let outcome: DecidedOutcome
        let rank: Int?
        let grant: UUID?
        let grantState: GrantState?
    }

    let allotment: CallAllotment
    let gap: AllotmentGap?
    /// By rank, those without one last.
    let places: [Place]
}

/// Records the State's decisions and serves them by rank.
struct AllotmentStore: Sendable {
    let grants: GrantStore

    /// How the recording of a decision ended.
    enum Recording: Equatable {
        case recorded
        case knownBefore
        /// Another application of the call has the rank.
        case rankTaken
    }

    /// Records a decision and serves every rank that can be served now.
    func record(
        _ decision: Decision, event: UUID, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Recording {
        let inserted = try await session.query(
            """
            insert into decisions (application, call, outcome, rank, consortium, animation_budget_cents,
                requested_cents, decided_at, event)
            values (\(decision.application), \(decision.call), \(decision.outcome.rawValue), \(decision.rank),
                \(try ConsortiumColumn.json(decision.consortium)), \(decision.animationBudgetCents),
                \(decision.requestedCents), \(decision.decidedAt), \(event))
            on conflict do nothing
            """)
        guard inserted.affectedCount == 1 else {
            let known = try await session.query(
                "select application from decisions where application = \(decision.application)")
            return known.isEmpty ? .rankTaken : .knownBefore
        }
        try await advance(call: decision.call, command, in: session)
        return .recorded
    }

    /// Serves the next ranks of a call until something is missing. The row's lock puts those who do so in a line.
    func advance(call: UUID, _ command: CommandContext, in session: some PostgresSession) async throws {
        try await RuleSetStore.holdStill(in: session)
        var allotment = try await lock(call, in: session)
        let ruleSets = try await RuleSetStore.all(in: session)
        let envelope = try await EnvelopeStore.id(of: call, .animation, in: session)
        while true {
            let decision = try await decision(of: call, rank: allotment.nextRank, in: session)
            let aid = try await aid(of: decision, in: session)
            switch allotment.step(
                decision, ruleSets: ruleSets, envelope: envelope, grant: EventID.next(), aid: aid)
            {
            case .wait(let gap):
                return try await save(allotment, waitingFor: gap, in: session)
            case nil:
                allotment.settle(isExhausted: false)
            case .refuse(let refusal):
                try await grants.refuse(refusal, command, in: session)
                allotment.settle(isExhausted: false)
            case .reserve(let claim):
                let isReserved = try await grants.reserve(claim, command, in: session)
                if !isReserved { try await grants.refuse(.exhausted(claim), command, in: session) }
                allotment.settle(isExhausted: !isReserved)
            }
        }
    }

    /// The right is conferred by the decision, whenever it is served.
    private func aid(of decision: Decision?, in session: some PostgresSession) async throws -> BeneficiaryAid? {
        guard let decision, decision.outcome == .funded else { return nil }
        return try await BeneficiaryAidStore.lock(
            of: decision.consortium.lead.siren, at: decision.decidedAt, in: session)
    }

    /// Serves the calls that waited for rules. The caller holds the rule sets' lock.
    func advanceWaitingForRules(_ command: CommandContext, in session: some PostgresSession) async throws {
        let rows = try await session.query(
            "select call from allotments where waits_for = \(AllotmentGap.ruleSet.rawValue) order by call")
        for row in rows { try await advance(call: try row.get("call"), command, in: session) }
    }

    func standing(of call: UUID, in session: some PostgresSession) async throws -> AllotmentStanding {
        let rows = try await session.query(
            "select next_rank, is_exhausted, waits_for from allotments where call = \(call)")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "call with a decision") }
        let places = try await session.query(
            """
            select d.application, d.outcome, d.rank, g.id as grant_id, g.state as grant_state
            from decisions d left join grants g on g.application = d.application and g.kind = 'animation'
            where d.call = \(call) order by d.rank nulls last, d.application limit 1000
            """)
        return AllotmentStanding(
            allotment: try Self.allotment(row, call), gap: try row.get("waits_for"),
            places: try places.map { place in
                AllotmentStanding.Place(
                    application: try place.get("application"), outcome: try place.get("outcome"),
                    rank: try place.get("rank"), grant: try place.get("grant_id"),
                    grantState: try place.get("grant_state"))
            })
    }

    private func lock(_ call: UUID, in session: some PostgresSession) async throws -> CallAllotment {
        try await session.query("insert into allotments (call) values (\(call)) on conflict do nothing")
        let rows = try await session.query(
            "select next_rank, is_exhausted from allotments where call = \(call) for update")
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "call with a decision") }
        return try Self.allotment(row, call)
    }

    private static func allotment(_ row: PostgresRow, _ call: UUID) throws -> CallAllotment {
        CallAllotment(call: call, nextRank: try row.get("next_rank"), isExhausted: try row.get("is_exhausted"))
    }

    private func save(
        _ allotment: CallAllotment, waitingFor gap: AllotmentGap, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            update allotments set next_rank = \(allotment.nextRank), is_exhausted = \(allotment.isExhausted),
                waits_for = \(gap.rawValue)
            where call = \(allotment.call)
            """)
    }

    private func decision(of call: UUID, rank: Int, in session: some PostgresSession) async throws -> Decision? {
        let rows = try await session.query("select * from decisions where call = \(call) and rank = \(rank)")
        return try rows.first.map { row in
            Decision(
                application: try row.get("application"), call: call, outcome: try row.get("outcome"), rank: rank,
                consortium: try ConsortiumColumn.read(try row.get("consortium")),
                animationBudgetCents: try row.get("animation_budget_cents"),
                requestedCents: try row.get("requested_cents"), decidedAt: try row.get("decided_at"))
        }
    }
}
