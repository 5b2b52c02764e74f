import Events
import ExperimentationDomain
import FoundationEssentials
import Outbox
import Postgres

/// Experiments with their protocols.
struct ExperimentStore: Sendable {
    let sites = SiteStore()
    let ruleSets = RuleSetStore()
    let stateAid = StateAidRulesStore()

    func register(
        _ command: RegisterExperiment, reach: SiteReach, context: CommandContext, in transaction: PostgresTransaction
    ) async throws -> ExperimentRecord {
        guard let site = try await sites.find(command.site, reach: reach, in: transaction) else {
            throw StoreRefusal.notFound(noun: "site")
        }
        let experiment = try Experiment.register(
            command, id: EventID.next(at: context.now), solution: EventID.next(at: context.now))
        try await insert(experiment, command.solution, context: context, in: transaction)
        let record = ExperimentRecord(experiment: experiment, site: site, solution: command.solution)
        try await EventLog.append(record.registrationEvents(context), in: transaction)
        return record
    }

    func find(_ id: UUID, reach: SiteReach, in session: some PostgresSession) async throws -> ExperimentRecord? {
        let rows = try await session.query(
            """
            select e.*, s.agreement as site_agreement, s.application as site_application, s.call as site_call,
                s.siren as site_siren, s.version as site_version, s.state as site_state, o.name as solution_name,
                o.supplier as solution_supplier
            from experiments e join sites s on s.id = e.site join solutions o on o.id = e.solution
            where e.id = \(id) and (\(reach.siren) is null or s.siren = \(reach.siren))
            """)
        guard let row = rows.first else { return nil }
        return try await complete(ExperimentRecord(row: row), in: session)
    }

    /// In the order of registration, without their protocols.
    func list(
        site: UUID?, reach: SiteReach, after position: Int64, limit: Int, in session: some PostgresSession
    ) async throws -> [(position: Int64, record: ExperimentRecord)] {
        try await session.query(
            """
            select e.*, s.agreement as site_agreement, s.application as site_application, s.call as site_call,
                s.siren as site_siren, s.version as site_version, s.state as site_state, o.name as solution_name,
                o.supplier as solution_supplier
            from experiments e join sites s on s.id = e.site join solutions o on o.id = e.solution
            where e.position > \(position) and (\(reach.siren) is null or s.siren = \(reach.siren))
                and (\(site) is null or e.site = \(site))
            order by e.position limit \(limit)
            """
        ).map { (try $0.get("position"), try ExperimentRecord(row: $0)) }
    }

    /// Decides a command about an experiment that is locked from here to the end of the transaction, saves what
    /// follows from it, and appends its event.
    /// - Throws: `StoreRefusal`, or the domain's refusal.
    func change(
        _ target: CommandTarget, context: CommandContext, in transaction: PostgresTransaction,
        by command: (ExperimentRecord) throws -> ExperimentCommand
    ) async throws -> ExperimentRecord {
        var record = try await lock(target.id, reach: target.reach, in: transaction)
        try target.check(record.experiment.version)
        let fact = try record.experiment.decide(try command(record), at: context.now)
        record.experiment.evolve(fact)
        if case .cofundingSettled = fact { record.cofundingAsOf = context.now }
        try await save(record, fact, in: transaction)
        if let event = record.event(of: fact, context: context) {
            try await EventLog.append([event], in: transaction)
        }
        return record
    }

    /// The joined site may be older than the locked experiment when this had to wait; a site only ever opens, so the
    /// worst is a start that is refused and repeated. The protocol is read by a statement of its own, after the lock.
    func lock(
        _ id: UUID, reach: SiteReach, in session: some PostgresSession
    ) async throws -> ExperimentRecord {
        let rows = try await session.query(
            """
            select e.*, s.agreement as site_agreement, s.application as site_application, s.call as site_call,
                s.siren as site_siren, s.version as site_version, s.state as site_state, o.name as solution_name,
                o.supplier as solution_supplier
            from experiments e join sites s on s.id = e.site join solutions o on o.id = e.solution
            where e.id = \(id) and (\(reach.siren) is null or s.siren = \(reach.siren)) for no key update of e
            """)
        guard let row = rows.first else { throw StoreRefusal.notFound(noun: "experiment") }
        return try await complete(ExperimentRecord(row: row), in: session)
    }

    private func complete(
        _ record: ExperimentRecord, in session: some PostgresSession
    ) async throws -> ExperimentRecord {
        var record = record
        record.experiment.approvedProtocol = try await session.query(
            "select * from protocols where experiment = \(record.experiment.id) order by version desc limit 1"
        ).first.map(StudyProtocol.init(row:))
        return record
    }

    private func insert(
        _ experiment: Experiment, _ solution: RegisterExperiment.Solution, context: CommandContext,
        in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into solutions (id, name, supplier, registered_at)
            values (\(experiment.solution), \(solution.name), \(solution.supplier), \(context.now))
            """)
        try await session.query(
            """
            insert into experiments (id, site, solution, title, budget_cents, requested_cents, participants_target,
                registered_by, registered_at, version, state, cofunding_state)
            values (\(experiment.id), \(experiment.site), \(experiment.solution), \(experiment.title),
                \(experiment.budgetCents), \(experiment.requestedCents), \(experiment.participantsTarget),
                \(experiment.registeredBy), \(context.now), \(experiment.version), \(experiment.state.rawValue),
                \(experiment.cofunding.state.rawValue))
            """)
    }

    private func save(
        _ record: ExperimentRecord, _ fact: ExperimentFact, in session: some PostgresSession
    ) async throws {
        let experiment = record.experiment
        if case .protocolApproved(let approved) = fact { try await insert(approved, of: experiment, in: session) }
        try await session.query(
            """
            update experiments set version = \(experiment.version), state = \(experiment.state.rawValue),
                cofunding_state = \(experiment.cofunding.state.rawValue),
                cofunding_cents = \(experiment.cofunding.cents), cofunding_reason = \(experiment.cofunding.reason),
                cofunding_as_of = \(record.cofundingAsOf), protocol_version = \(experiment.approvedProtocol?.version),
                started_at = \(experiment.startedAt), completed_at = \(experiment.completedAt),
                terminated_at = \(experiment.termination?.terminatedAt),
                termination_reason = \(experiment.termination?.reason)
            where id = \(experiment.id)
            """)
    }

    private func insert(
        _ approved: StudyProtocol, of experiment: Experiment, in session: some PostgresSession
    ) async throws {
        try await session.query(
            """
            insert into protocols (experiment, version, legal_qualification, evidence_reference, consent_scope, windows,
                milestones, approved_by, approved_at)
            values (\(experiment.id), \(approved.version), \(approved.qualification.rawValue),
                \(approved.evidenceReference), \(approved.consentScope),
                \(try PostgresJSON(encoding: approved.windows.map(StoredWindow.init))),
                \(try PostgresJSON(encoding: approved.milestones.map(StoredMilestone.init))), \(approved.approvedBy),
                \(approved.approvedAt))
            """)
    }
}

extension Cofunding {
    fileprivate var cents: Int64? {
        if case .approved(let cents) = self { cents } else { nil }
    }

    fileprivate var reason: String? {
        if case .refused(let reason) = self { reason } else { nil }
    }
}
