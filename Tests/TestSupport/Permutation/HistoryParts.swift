package import Events
package import FoundationEssentials

/// Stretches of the programme that several services follow, told as their owners tell them.
extension History {
    package static let lead = ConsortiumMember(
        siren: "200034528", structureType: "etablissement_sante_public", sector: "sanitaire")

    package mutating func publishCall(_ call: UUID, wave: Int = 1) throws {
        try tell(
            CallPublished(
                call: call, wave: wave, title: "Wave \(wave)", opensAt: now, deadline: now, graceUntil: now,
                placesTarget: 30, animationEnvelopeCents: 2_900_000_000, experimentsEnvelopeCents: 3_000_000_000),
            about: call)
    }

    /// An application from its deposit, or two of them, to the State's decision.
    package mutating func select(
        _ application: UUID, in call: UUID, outcome: SelectionOutcome, rank: Int?, requestedCents: Int64
    ) throws {
        for _ in 0...(chance.happens(onceIn: 4) ? 1 : 0) {
            try tell(
                ApplicationSubmitted(
                    application: application, call: call, lead: Self.lead, partners: [],
                    animationBudgetCents: requestedCents * 2, requestedCents: requestedCents,
                    receipt: String(repeating: "0f", count: 32), submittedAt: now), about: application)
        }
        try tell(
            ApplicationEligibilityDecided(application: application, call: call, isEligible: true, reasons: []),
            about: application)
        try tell(
            ApplicationRecommended(
                application: application, call: call, recommendation: outcome, rank: rank, reviewCount: 2,
                meanScoreHundredths: 8000), about: application)
        try tell(
            ApplicationDecided(
                application: application, call: call, outcome: outcome, rank: rank, lead: Self.lead, partners: [],
                animationBudgetCents: requestedCents * 2, requestedCents: requestedCents, decidedAt: now),
            about: application)
    }

    package mutating func registerExperiment(_ experiment: UUID, site: UUID, under agreement: UUID) throws {
        try tell(
            ExperimentRegistered(
                experiment: experiment, site: site, agreement: agreement, solution: chance.uuid(),
                budgetCents: 40_000_000, participantsTarget: 100), about: experiment)
    }

    package mutating func startExperiment(_ experiment: UUID, site: UUID, under agreement: UUID) throws {
        try tell(
            ExperimentStarted(
                experiment: experiment, site: site, agreement: agreement, protocolVersion: 1, startedAt: now),
            about: experiment)
    }

    package mutating func completeExperiment(_ experiment: UUID, site: UUID, under agreement: UUID) throws {
        try tell(
            ExperimentCompleted(
                experiment: experiment, site: site, agreement: agreement, participantsCount: 100,
                completedAt: now.addingTimeInterval(400 * 86_400)), about: experiment)
    }

    package mutating func terminateExperiment(_ experiment: UUID, site: UUID, under agreement: UUID) throws {
        try tell(
            ExperimentTerminated(
                experiment: experiment, site: site, agreement: agreement, participantsCount: 100,
                terminatedAt: now.addingTimeInterval(400 * 86_400)), about: experiment)
    }

    package mutating func publishEvaluation(of experiment: UUID, under agreement: UUID) throws {
        let evaluation = chance.uuid()
        try tell(
            EvaluationPublished(
                evaluation: evaluation, experiment: experiment, agreement: agreement,
                publishedAt: now.addingTimeInterval(450 * 86_400)), about: evaluation)
    }

    /// A report that is accepted, and perhaps taken up again.
    package mutating func reportOn(_ site: UUID, number: Int, under agreement: UUID) throws {
        let report = chance.uuid()
        try tell(
            SiteReportSubmitted(report: report, site: site, agreement: agreement, number: number, submittedAt: now),
            about: report)
        try tell(
            SiteReportAccepted(report: report, site: site, agreement: agreement, number: number, acceptedAt: now),
            about: report)
        guard chance.happens(onceIn: 3) else { return }
        try tell(
            SiteReportReopened(
                report: report, site: site, agreement: agreement, number: number, wasAccepted: true,
                reopenedAt: now), about: report)
    }

    /// Milestones, some of them lost again and some of those reached once more.
    package mutating func reachMilestones(_ count: Int, of experiment: UUID) throws {
        for number in 1...max(1, count) where count > 0 {
            for version in 1...chance.pick([1, 1, 2, 3]) {
                try changeMilestone(number, of: experiment, version: version)
            }
        }
    }

    private mutating func changeMilestone(_ number: Int, of experiment: UUID, version: Int) throws {
        guard version.isMultiple(of: 2) else {
            return try tell(
                MilestoneReached(
                    experiment: experiment, milestone: "m\(number)", responsesCountMin: number * 10,
                    responsesCount: number * 10 + version, reachedAt: now, version: version), about: experiment)
        }
        try tell(
            MilestoneLost(
                experiment: experiment, milestone: "m\(number)", responsesCountMin: number * 10,
                responsesCount: number * 10 - version, lostAt: now, version: version), about: experiment)
    }

    /// Participants with the codes `P0`, `P1`, …
    package mutating func enrol(_ participants: [UUID], in experiment: UUID) throws {
        for (number, participant) in participants.enumerated() {
            try tell(
                ParticipantEnrolled(
                    participant: participant, experiment: experiment, arm: "intervention", pseudonym: "P\(number)",
                    consentScope: "usability", consentVersion: 1, consentedAt: now), about: participant)
        }
    }

    package mutating func publishRules(_ name: String, validFrom: Date) throws {
        try tell(
            RuleSetPublished(
                ruleSet: name, validFrom: validFrom, animationRateBasisPoints: 5000,
                animationCeilingCents: ["etablissement_sante_public": 150_000_000], experimentRateBasisPoints: 5000,
                experimentCeilingCents: 30_000_000, source: "NOR PRMI2204762A"), about: name)
    }

    /// - Parameter validFromDay: `2026-01-31`.
    package mutating func publishStateAidRules(_ name: String, validFromDay: String) throws {
        try tell(
            StateAidRulesPublished(
                stateAidRules: name, validFromDay: validFromDay,
                intensities: AidIntensityTerms(
                    fromDay: "2014-07-01", untilDay: nil, fundamentalResearchBasisPoints: 10_000,
                    industrialResearchBasisPoints: 5000, experimentalDevelopmentBasisPoints: 2500,
                    feasibilityStudyBasisPoints: 5000, mediumBonusBasisPoints: 1000, smallBonusBasisPoints: 2000,
                    collaborationBonusBasisPoints: 1500, collaborationWorks: [.industrialResearch],
                    undertakingMaxBasisPoints: 7000, researchMinBasisPoints: 1000, areBonusesCumulative: true,
                    ceilingBasisPoints: 8000, source: "Regulation (EU) No 651/2014, Article 25"),
                deMinimis: [
                    DeMinimisTerms(
                        fromDay: "2024-01-01", untilDay: "2030-12-31", ceilingCents: 30_000_000,
                        sgeiCeilingCents: 75_000_000, windowKind: .rollingYears, windowYears: 3,
                        countsBoundaryDay: true, source: "Regulation (EU) 2023/2831, Article 3")
                ]), about: name)
    }
}
