import ExperimentationDomain
import FoundationEssentials
import Postgres

/// An experiment with what surrounds it.
struct ExperimentRecord: Sendable {
    var experiment: Experiment
    let site: Site
    let solution: RegisterExperiment.Solution
    /// Time of funding's event; nil before.
    var cofundingAsOf: Date?
}

/// A milestone that feedback reported.
struct ReachedMilestone: Sendable {
    let milestone: String
    let responsesCountMin: Int
    let responsesCount: Int
    let reachedAt: Date
}

extension ExperimentRecord {
    /// A row of `experiments` joined with its site (`site_…`) and its solution (`solution_…`).
    init(row: PostgresRow) throws {
        var site = Site(
            id: try row.get("site"), agreement: try row.get("site_agreement"),
            application: try row.get("site_application"), call: try row.get("site_call"),
            siren: try row.get("site_siren"))
        site.version = try row.get("site_version")
        site.state = try row.get("site_state")
        self.site = site
        solution = .init(name: try row.get("solution_name"), supplier: try row.get("solution_supplier"))
        experiment = try Experiment(row: row, solution: solution)
        cofundingAsOf = try row.get("cofunding_as_of")
    }
}

extension Experiment {
    /// Without its protocol.
    fileprivate init(row: PostgresRow, solution: RegisterExperiment.Solution) throws {
        let command = RegisterExperiment(
            site: try row.get("site"), title: try row.get("title"), solution: solution,
            money: (try row.get("budget_cents"), try row.get("requested_cents")),
            people: (try row.get("participants_target"), try row.get("registered_by")))
        self.init(command, id: try row.get("id"), solution: try row.get("solution"))
        version = try row.get("version")
        state = try row.get("state")
        startedAt = try row.get("started_at")
        completedAt = try row.get("completed_at")
        termination = try Termination(row: row)
        arms = ArmCounts(
            intervention: try row.get("intervention_count"), control: try row.get("control_count"))
        cofunding =
            switch try row.get("cofunding_state", as: Cofunding.State.self) {
            case .notRequested: .notRequested
            case .requested: .requested
            case .approved: .approved(cents: try row.get("cofunding_cents"))
            case .refused: .refused(reason: try row.get("cofunding_reason"))
            }
    }
}

extension Termination {
    /// A row of `experiments`; nil where none was ended before its time.
    fileprivate init?(row: PostgresRow) throws {
        guard let reason: String = try row.get("termination_reason") else { return nil }
        self.init(reason: reason, terminatedAt: try row.get("terminated_at"))
    }
}

extension StudyProtocol {
    /// A row of `protocols`.
    init(row: PostgresRow) throws {
        let windows: PostgresJSON = try row.get("windows")
        let milestones: PostgresJSON = try row.get("milestones")
        let command = ApproveProtocol(
            by: try row.get("approved_by"), version: try row.get("version"),
            legal: (try row.get("legal_qualification"), try row.get("evidence_reference")),
            consentScope: try row.get("consent_scope"),
            measures: (
                try windows.decode([StoredWindow].self).map(\.window),
                try milestones.decode([StoredMilestone].self).map(\.milestone)
            ))
        self.init(command, approvedAt: try row.get("approved_at"))
    }
}

/// A window as it is stored in JSON.
struct StoredWindow: Codable {
    let instrument: Instrument
    let instrumentVersion: String
    let occasion: String
    let opensDay: Int
    let closesDay: Int

    init(_ window: MeasureWindow) {
        instrument = window.instrument
        instrumentVersion = window.instrumentVersion
        occasion = window.occasion
        opensDay = window.opensDay
        closesDay = window.closesDay
    }

    var window: MeasureWindow {
        MeasureWindow(
            instrument: instrument, instrumentVersion: instrumentVersion, occasion: occasion,
            days: (opensDay, closesDay))
    }
}

/// A milestone as it is stored in JSON.
struct StoredMilestone: Codable {
    let name: String
    let responsesCountMin: Int

    init(_ milestone: CollectionMilestone) {
        name = milestone.milestone
        responsesCountMin = milestone.responsesCountMin
    }

    var milestone: CollectionMilestone { .init(milestone: name, responsesCountMin: responsesCountMin) }
}
