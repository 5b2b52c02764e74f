import CofundingRules
import FundingDomain
import Testing

@Suite struct SubsidyPublications {
    private let policy = SubsidyPolicy.decree2017

    @Test(arguments: [
        ("2025-11-30", "2026-02-28"), ("2023-11-30", "2024-02-29"), ("2023-11-29", "2024-02-29"),
        ("2025-11-29", "2026-02-28"), ("2025-11-28", "2026-02-28"), ("2025-11-27", "2026-02-27"),
        ("2026-01-31", "2026-04-30"), ("2026-03-31", "2026-06-30"), ("2026-08-31", "2026-11-30"),
        ("2026-10-31", "2027-01-31"), ("2026-12-01", "2027-03-01"), ("2024-02-29", "2024-05-29"),
        ("2099-11-30", "2100-02-28"), ("9999-09-30", "9999-12-30"), ("9999-10-01", "9999-12-31"),
    ])
    func publicationIsInTimeForThreeCalendarMonths(signature: String, last: String) throws {
        #expect(policy.deadline(after: try SubsidyControls.day(signature)) == (try SubsidyControls.day(last)))
    }

    @Test(arguments: [
        ("2025-11-29", SubsidyStatus.notSigned), ("2025-11-30", .due(until: day("2026-02-28"))),
        ("2026-02-28", .due(until: day("2026-02-28"))), ("2026-03-01", .overdue(since: day("2026-02-28"))),
    ])
    func publicationIsDueFromTheSignatureAndOverdueBehindItsLastDay(today: String, status: SubsidyStatus) throws {
        // given
        let agreement = try SubsidyControls.agreement(signedOn: "2025-11-30")
        let publication = SubsidyPublication(on: try SubsidyControls.day(today))
        // when
        let summary = publication.summary(of: [agreement])
        // then
        #expect(summary.standings.map(\.status) == [status])
        #expect(summary.standings == [publication.standing(of: agreement)])
        #expect(summary.records.count == (status == .notSigned ? 0 : 1))
        #expect(summary.due.count == (status == .due(until: day("2026-02-28")) ? 1 : 0))
        #expect(summary.overdue.count == (status == .overdue(since: day("2026-02-28")) ? 1 : 0))
    }

    @Test func whatIsPublishedIsDueNoMore() throws {
        var agreement = try SubsidyControls.agreement()
        agreement.published = PublishedSubsidy(amendment: 0, on: day("2026-05-01"))
        let before = SubsidyPublication(on: day("2026-04-30")).summary(of: [agreement])
        #expect(before.standings.map(\.status) == [.due(until: day("2026-06-02"))])
        let after = SubsidyPublication(on: day("2026-07-01")).summary(of: [agreement])
        #expect(after.standings.map(\.status) == [.published(on: day("2026-05-01"))])
        #expect(after.records.count == 1)
    }

    @Test func aDraftIsNotPublished() throws {
        let summary = SubsidyPublication(on: day("2026-07-01"))
            .summary(of: [try SubsidyControls.agreement(signedOn: nil)])
        #expect(summary.records.isEmpty)
        #expect(summary.incomplete.isEmpty)
        #expect(summary.standings.map(\.status) == [.notSigned])
    }

    @Test(arguments: [
        (Int64(2_300_000), SubsidyDuty.exempt(.notAboveThreshold)), (2_300_001, .compulsory),
        (1, .exempt(.notAboveThreshold)),
    ])
    func publicationIsCompulsoryAboveTheThresholdForPrivateLawBodies(cents: Int64, duty: SubsidyDuty) throws {
        let agreement = try SubsidyControls.agreement(lines: [SubsidyControls.line(cents: cents)])
        #expect(policy.duty(of: agreement) == duty)
        let summary = SubsidyPublication(on: day("2026-03-02")).summary(of: [agreement])
        #expect(summary.records.count == (duty == .compulsory ? 1 : 0))
    }

    @Test func aConsortiumIsHeldAgainstTheThresholdAsAWhole() throws {
        let lines = [
            try SubsidyControls.line(cents: 1_200_000),
            try SubsidyControls.line(siret: "18002002600019", cents: 1_200_000),
        ]
        #expect(policy.duty(of: try SubsidyControls.agreement(lines: lines)) == .compulsory)
    }

    @Test func publicLawBodiesArePublishedByTheProgrammesChoice() throws {
        // given
        let hospital = try SubsidyControls.agreement(lines: [SubsidyControls.line(isPrivateLaw: false)])
        let mixed = try SubsidyControls.agreement(lines: [
            SubsidyControls.line(isPrivateLaw: false), SubsidyControls.line(siret: "18002002600019", cents: 1_000),
        ])
        // then
        #expect(policy.duty(of: hospital) == .byPolicy)
        #expect(policy.duty(of: mixed) == .byPolicy)
        // when
        var lawAlone = policy
        lawAlone.publishesPublicLaw = false
        // then
        #expect(lawAlone.duty(of: hospital) == .exempt(.publicLaw))
        #expect(lawAlone.duty(of: mixed) == .exempt(.notAboveThreshold))
        let summary = SubsidyPublication(on: day("2026-07-01"), under: lawAlone).summary(of: [hospital])
        #expect(summary.standings.map(\.status) == [.exempt(.publicLaw)])
        #expect(summary.records.isEmpty)
    }

    @Test func agreementsSignedBeforeTheDecreeAreExempt() throws {
        let before = try SubsidyControls.agreement(signedOn: "2017-07-31")
        #expect(policy.duty(of: before) == .exempt(.beforeTheDecree))
        #expect(policy.duty(of: try SubsidyControls.agreement(signedOn: "2017-08-01")) == .compulsory)
        var always = policy
        always.signedFrom = nil
        #expect(always.duty(of: before) == .compulsory)
    }

    @Test func anAmendmentPutsCorrectedRowsInThePlaceOfTheOldOnes() throws {
        // given
        var first = try SubsidyControls.agreement(lines: [
            SubsidyControls.line(), SubsidyControls.line("Sortant", siret: "18002002600019", cents: 5_000_000),
        ])
        first.published = PublishedSubsidy(amendment: 0, on: day("2026-04-01"))
        var amended = try SubsidyControls.agreement(lines: [SubsidyControls.line(cents: 35_000_000)])
        amended.amendment = SubsidyAmendment(number: 1, signedOn: day("2026-06-30"))
        // when
        let before = SubsidyPublication(on: day("2026-06-29")).summary(of: [amended, first])
        let after = SubsidyPublication(on: day("2026-09-30")).summary(of: [amended, first])
        // then
        #expect(before.records.map(\.amountCents) == [30_000_000, 5_000_000])
        #expect(before.standings.map(\.status) == [.published(on: day("2026-04-01"))])
        #expect(after.records.map(\.amountCents) == [35_000_000])
        #expect(after.records.map(\.signedOn) == [day("2026-03-02")])
        #expect(after.records.map(\.reference) == ["TLE-2026-001"])
        #expect(after.standings.map(\.amendment) == [1])
        #expect(after.standings.map(\.status) == [.due(until: day("2026-09-30"))])
        // when: it is out
        amended.published = PublishedSubsidy(amendment: 1, on: day("2026-10-02"))
        let out = SubsidyPublication(on: day("2026-10-02")).summary(of: [amended, first])
        #expect(out.standings.map(\.status) == [.published(on: day("2026-10-02"))])
    }

    @Test func anIncompleteCorrectionTakesNothingAwayThatIsPublished() throws {
        var first = try SubsidyControls.agreement()
        var amended = first
        amended.lines[0].name = ""
        amended.amendment = SubsidyAmendment(number: 1, signedOn: day("2026-06-30"))
        let publication = SubsidyPublication(on: day("2026-07-01"))
        // when: nothing is published, an outdated row would be the first to be
        #expect(publication.summary(of: [first, amended]).records.isEmpty)
        // when: the first version is out
        first.published = PublishedSubsidy(amendment: 0, on: day("2026-04-01"))
        let summary = publication.summary(of: [first, amended])
        // then
        #expect(summary.records.map(\.beneficiaryName) == [first.lines[0].name])
        #expect(summary.incomplete.map(\.amendment) == [1])
        #expect(summary.incomplete.map { $0.faults.map(\.field) } == [[.beneficiaryName]])
        #expect(summary.due.map(\.reference) == ["TLE-2026-001"])
    }

    @Test func anAmendmentBelowTheThresholdKeepsWhatIsPublishedRight() throws {
        var first = try SubsidyControls.agreement()
        var amended = try SubsidyControls.agreement(lines: [SubsidyControls.line(cents: 1_000)])
        amended.amendment = SubsidyAmendment(number: 1, signedOn: day("2026-06-30"))
        let publication = SubsidyPublication(on: day("2026-07-01"))
        #expect(publication.summary(of: [first, amended]).records.isEmpty)
        first.published = PublishedSubsidy(amendment: 0, on: day("2026-04-01"))
        #expect(publication.summary(of: [first, amended]).records.map(\.amountCents) == [1_000])
    }

    @Test func aTerminatedAgreementKeepsItsRow() throws {
        var agreement = try SubsidyControls.agreement()
        let publication = SubsidyPublication(on: day("2026-07-01"))
        let before = publication.summary(of: [agreement])
        agreement.terminatedOn = day("2026-05-05")
        #expect(publication.summary(of: [agreement]) == before)
        #expect(before.records.count == 1)
    }

    @Test func completeRowsAreToldFromIncompleteOnesWithTheReasons() throws {
        // given
        let late = try SubsidyControls.agreement("TLE-2", signedOn: "2026-04-01")
        var broken = try SubsidyControls.agreement(
            "TLE-1",
            lines: [SubsidyControls.line(), SubsidyControls.line("", siret: "18002002600018", cents: 5_000_000)])
        broken.lines[1].isDeMinimis = nil
        // when
        let summary = SubsidyPublication(on: day("2026-06-10")).summary(of: [late, broken])
        // then: in the order of the days, not of what was handed over
        #expect(summary.records.map(\.reference) == ["TLE-1", "TLE-2"])
        #expect(summary.incomplete.map(\.reference) == ["TLE-1"])
        #expect(summary.incomplete.map(\.lineNumber) == [2])
        #expect(
            summary.incomplete.first?.faults.map(\.field) == [.beneficiaryName, .beneficiary, .isDeMinimis])
        #expect(summary.incomplete.first?.faults.map(\.isMissing) == [true, false, true])
        #expect(summary.overdue.map(\.reference) == ["TLE-1"])
        #expect(summary.due.map(\.reference) == ["TLE-2"])
    }

    @Test func twoAgreementsOfOneNumberAreNotTakenForVersions() throws {
        let twice = [try SubsidyControls.agreement(), try SubsidyControls.agreement()]
        let summary = SubsidyPublication(on: day("2026-06-10")).summary(of: twice)
        #expect(summary.records.isEmpty)
        #expect(summary.incomplete.map { $0.faults.map(\.field) } == [[.reference]])
        // Without a number each is looked at by itself.
        let nameless = try twice.map { agreement throws in
            var agreement = agreement
            agreement.reference = ""
            return agreement
        }
        let both = SubsidyPublication(on: day("2026-06-10")).summary(of: nameless)
        #expect(both.incomplete.map { $0.faults.map(\.field) } == [[.reference], [.reference]])
    }
}

/// A day that is known to exist.
private func day(_ text: String) -> CalendarDay {
    guard let day = CalendarDay(text) else { preconditionFailure("no such day: \(text)") }
    return day
}
