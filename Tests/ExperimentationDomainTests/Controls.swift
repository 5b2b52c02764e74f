import CofundingRules
import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

/// Valid values to start from: each test changes what it is about.
enum Controls {
    static let now = Date(timeIntervalSince1970: 1_700_000_000)
    static let day: Double = 86_400

    static func site(open: Bool = true) throws -> Site {
        var site = Site(id: UUID(), agreement: UUID(), application: UUID(), call: UUID(), siren: "200034528")
        if open { try site.open(addressCommune: "Nancy", at: now) }
        return site
    }

    static func content(
        from: String = "2026-01-01", until: String = "2026-06-30", summary: String = "Two experiments run.",
        reference: String? = nil
    ) throws -> SiteReportContent {
        SiteReportContent(
            period: (from: try #require(CalendarDay(from)), until: try #require(CalendarDay(until))), summary: summary,
            documentReference: reference)
    }

    static func register(
        title: String = "Télésuivi", budgetCents: Int64 = 60_000_000, requestedCents: Int64 = 30_000_000,
        participantsTarget: Int = 400, supplier: String = "Solutions SAS"
    ) -> RegisterExperiment {
        RegisterExperiment(
            site: UUID(), title: title, solution: .init(name: "Suivi", supplier: supplier),
            money: (budgetCents, requestedCents), people: (participantsTarget, "site-1"))
    }

    static func experiment(requestedCents: Int64 = 30_000_000) throws -> Experiment {
        try Experiment.register(register(requestedCents: requestedCents), id: UUID(), solution: UUID())
    }

    static let windows = [
        MeasureWindow(
            instrument: .systemUsabilityScale, instrumentVersion: "F-SUS-2021", occasion: "M3", days: (80, 101)),
        MeasureWindow(instrument: .netPromoterScore, instrumentVersion: "1", occasion: "M3", days: (80, 101)),
    ]
    static let milestones = [CollectionMilestone(milestone: "half", responsesCountMin: 10_000)]

    static func approve(
        version: Int = 1, by subject: String = "ethics-1", qualification: LegalQualification = .satisfactionSurvey,
        evidence: String? = nil, scope: String = "usability",
        measures: (windows: [MeasureWindow], milestones: [CollectionMilestone]) = (windows, milestones)
    ) -> ApproveProtocol {
        ApproveProtocol(
            by: subject, version: version, legal: (qualification, evidence), consentScope: scope, measures: measures)
    }

    static func started(scope: String = "usability") throws -> Experiment {
        var experiment = try experiment(requestedCents: 0)
        try experiment.obey(.approveProtocol(approve(scope: scope)))
        try experiment.obey(.start(siteState: .open))
        return experiment
    }

    static func enrol(
        code: String? = nil, arm: Arm? = nil, scope: String = "usability", version: Int = 1, givenAt: Date = now
    ) -> EnrolParticipant {
        EnrolParticipant(
            externalCode: code, arm: arm, consent: Consent(scope: scope, version: version, givenAt: givenAt))
    }

    static let pseudonym = Pseudonym(randomBytes: [1, 2, 3, 4, 5, 6, 7, 8])
}

extension Experiment {
    @discardableResult
    mutating func obey(_ command: ExperimentCommand, at now: Date = Controls.now) throws -> ExperimentFact {
        let fact = try decide(command, at: now)
        evolve(fact)
        return fact
    }

    @discardableResult
    mutating func take(_ command: EnrolParticipant, at now: Date = Controls.now) throws -> Participant {
        let participant = try enrol(command, id: UUID(), pseudonym: Controls.pseudonym, at: now)
        admit(participant)
        return participant
    }
}

extension SiteReport {
    mutating func obey(_ command: SiteReportCommand, by subject: String) throws {
        evolve(try decide(command, by: subject, at: Controls.now))
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
func refusal(_ body: () throws -> Void) -> ExperimentationError.Explanation? {
    do {
        try body()
        return nil
    } catch let error as ExperimentationError {
        return error.explanation
    } catch {
        return nil
    }
}
