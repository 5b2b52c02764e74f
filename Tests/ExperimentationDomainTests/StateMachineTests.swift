import CofundingRules
import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

struct StateMachineTests {
    @Test(
        arguments: [
            (SiteState.planned, Cofunding.approved(cents: 1), true, "site-not-open"),
            (.open, .requested, true, "cofunding-pending"), (.open, .refused(reason: "non"), true, "cofunding-refused"),
            (.open, .approved(cents: 1), false, "protocol-missing"), (.open, .approved(cents: 1), true, nil),
            (.open, .notRequested, true, nil),
        ] as [(SiteState, Cofunding, Bool, String?)])
    func anExperimentStartsWhenSiteMoneyAndProtocolAreThere(
        _ site: SiteState, _ cofunding: Cofunding, _ hasProtocol: Bool, _ slug: String?
    ) throws {
        var experiment = try Controls.experiment(requestedCents: cofunding == .notRequested ? 0 : 30_000_000)
        if cofunding != .notRequested { try experiment.obey(.settleCofunding(cofunding)) }
        if hasProtocol { try experiment.obey(.approveProtocol(Controls.approve())) }
        #expect(refusal { try experiment.obey(.start(siteState: site)) }?.slug == slug)
        #expect(experiment.state == (slug == nil ? .started : .registered))
    }

    @Test func cofundingIsSettledOnce() throws {
        var experiment = try Controls.experiment()
        try experiment.obey(.settleCofunding(.approved(cents: 1)))
        let again = refusal { try experiment.obey(.settleCofunding(.refused(reason: "non"))) }
        #expect(again?.slug == "cofunding-settled" && experiment.cofunding == .approved(cents: 1))
        var unasked = try Controls.experiment(requestedCents: 0)
        #expect(refusal { try unasked.obey(.settleCofunding(.approved(cents: 1))) }?.slug == "cofunding-settled")
    }

    @Test func theEstimateFollowsTheRulesInForce() throws {
        let ruleSet = try CofundingRuleSet(
            name: "aap-tle-2022", validFrom: Controls.now,
            animation: RateAndCeilings(basisPoints: 5000, ceilingCents: ["esms": 1]),
            experiment: RateAndCeiling(basisPoints: 5000, ceilingCents: 25_000_000), source: "NOR PRMI2204762A")
        var experiment = try Controls.experiment()
        #expect(experiment.cofundingEstimate([ruleSet], at: Controls.now)?.grantedCents == 25_000_000)
        #expect(experiment.cofundingEstimate([ruleSet], at: Controls.now.addingTimeInterval(-1)) == nil)
        var terminated = experiment
        try terminated.obey(.terminate(reason: "Why not"))
        #expect(terminated.cofundingEstimate([ruleSet], at: Controls.now) == nil)
        try experiment.obey(.settleCofunding(.approved(cents: 1)))
        #expect(experiment.cofundingEstimate([ruleSet], at: Controls.now) == nil)
    }

    @Test func anExperimentIsCompletedOnce() throws {
        var experiment = try Controls.started()
        try experiment.obey(.complete)
        #expect(experiment.state == .completed && experiment.completedAt == Controls.now)
        #expect(refusal { try experiment.obey(.complete) }?.slug == "wrong-state")
    }

    @Test(arguments: [false, true])
    func anExperimentEndsBeforeItsTimeAndNothingFollows(_ isStarted: Bool) throws {
        // given
        var experiment = try isStarted ? Controls.started() : Controls.experiment(requestedCents: 0)
        let version = experiment.version
        // when
        try experiment.obey(.terminate(reason: "The supplier is no more"))
        // then
        #expect(experiment.state == .terminated && experiment.version == version + 1)
        #expect(experiment.termination == Termination(reason: "The supplier is no more", terminatedAt: Controls.now))
        #expect(experiment.completedAt == nil && (experiment.startedAt != nil) == isStarted)
        let commands: [ExperimentCommand] = [
            .terminate(reason: "again"), .complete, .start(siteState: .open),
            .approveProtocol(Controls.approve(version: isStarted ? 2 : 1)),
        ]
        for command in commands { #expect(refusal { try experiment.obey(command) }?.slug == "wrong-state") }
        #expect(refusal { try experiment.take(Controls.enrol()) }?.slug == "wrong-state")
    }

    @Test func whatIsCompletedIsNotTerminated() throws {
        var experiment = try Controls.started()
        try experiment.obey(.complete)
        let explanation = refusal { try experiment.obey(.terminate(reason: "too late")) }
        #expect(explanation?.slug == "wrong-state")
        #expect(explanation?.mend == "This needs the state registered or started.")
        #expect(experiment.state == .completed)
    }

    @Test(arguments: ["", " ", "two\nlines", String(repeating: "x", count: 501)])
    func aReasonIsOneLine(_ reason: String) throws {
        var experiment = try Controls.started()
        #expect(refusal { try experiment.obey(.terminate(reason: reason)) }?.field == "/reason")
        #expect(experiment.state == .started)
    }

    @Test func aTerminationLeavesTheCofundingAsItIs() throws {
        // given
        var settled = try Controls.experiment()
        try settled.obey(.settleCofunding(.approved(cents: 1)))
        var pending = try Controls.experiment()
        // when
        try settled.obey(.terminate(reason: "Why not"))
        try pending.obey(.terminate(reason: "Why not"))
        // then
        #expect(settled.cofunding == .approved(cents: 1))
        try pending.obey(.settleCofunding(.refused(reason: "envelope-exhausted")))
        #expect(pending.cofunding == .refused(reason: "envelope-exhausted") && pending.state == .terminated)
    }

    /// No sequence of commands, however foolish, breaks what must always hold.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func randomCommandsNeverBreakAnInvariant(_ seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        var reached: Set<ExperimentState> = []
        for _ in 0..<300 {
            var experiment = try Controls.experiment(requestedCents: Bool.random(using: &random) ? 0 : 30_000_000)
            let asked = experiment.cofunding == .requested
            var now = Controls.now
            for _ in 0..<30 {
                // when
                now = now.addingTimeInterval(Controls.day)
                let before = experiment
                do {
                    switch Int.random(in: 0..<10, using: &random) {
                    case 0...2:
                        let command = Controls.enrol(
                            arm: Arm.allCases.randomElement(using: &random),
                            givenAt: now.addingTimeInterval(.random(in: -2...1, using: &random)))
                        let participant = try experiment.enrol(
                            command, id: UUID(), pseudonym: Controls.pseudonym, at: now)
                        #expect(participant.consent.givenAt <= now)
                        experiment.admit(participant)
                    case 3: try experiment.obey(.complete, at: now)
                    case 4:
                        try experiment.obey(.start(siteState: Bool.random(using: &random) ? .open : .planned), at: now)
                    case 5, 6:
                        try experiment.obey(
                            .approveProtocol(Controls.approve(version: .random(in: 1...3, using: &random))), at: now)
                    case 7 where Int.random(in: 0..<5, using: &random) == 0:
                        try experiment.obey(.terminate(reason: "Why not"), at: now)
                    default:
                        if asked {
                            let isApproved = Bool.random(using: &random)
                            try experiment.obey(
                                .settleCofunding(isApproved ? .approved(cents: 1) : .refused(reason: "non")), at: now)
                        }
                    }
                } catch is ExperimentationError {
                    #expect(experiment == before)
                }
                // then
                check(before, experiment)
                reached.insert(experiment.state)
            }
        }
        #expect(reached == Set(ExperimentState.allCases))
    }

    private func check(_ before: Experiment, _ after: Experiment) {
        let steps: [ExperimentState: Set<ExperimentState>] = [
            .registered: [.started, .terminated], .started: [.completed, .terminated],
        ]
        #expect(after.state == before.state || steps[before.state]?.contains(after.state) == true)
        if after.state != .terminated { #expect((after.startedAt == nil) == (after.state == .registered)) }
        #expect((after.termination == nil) == (after.state != .terminated))
        #expect((after.completedAt == nil) == (after.state != .completed))
        if after.startedAt != nil { #expect(after.approvedProtocol != nil) }
        if before.state == .registered, after.state == .started {
            #expect(after.cofunding.state == .approved || after.cofunding.state == .notRequested)
        }
        if before.state != .registered { #expect(after.approvedProtocol == before.approvedProtocol) }
        if after.arms != before.arms {
            #expect(before.state == .started && after.arms.total == before.arms.total + 1)
        }
        #expect(after.version - before.version == (after.arms != before.arms || after == before ? 0 : 1))
    }
}
