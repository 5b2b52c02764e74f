import CofundingRules
import Testing

@Suite struct DeMinimisTests {
    private static func room(
        on day: String, _ previous: [DeMinimisAid], startingIn month: Int = 1, isSGEI: Bool = false,
        countsBoundaryDay: Bool = true
    ) throws -> DeMinimisRoom {
        let start = try #require(FiscalYearStart(month: month, day: 1))
        return try Controls.stateAid(countsBoundaryDay: countsBoundaryDay).deMinimisRoom(
            on: Controls.day(day),
            DeMinimisDeclaration(previous: previous, fiscalYearStart: start, isSGEI: isSGEI))
    }

    @Test(arguments: [(true, 15_000_000), (false, 30_000_000)] as [(Bool, Int64)])
    func publishedExampleLeavesItsRoomByThePolicyOnTheBoundaryDay(counts: Bool, expected: Int64) throws {
        // given
        let outside = try Controls.aid("2021-01-29", 12_000_000)
        let boundary = try Controls.aid("2021-01-30", 15_000_000)
        // when
        let room = try Self.room(on: "2024-01-30", [outside, boundary], countsBoundaryDay: counts)
        // then
        #expect(room.roomCents == expected)
        #expect(room.counted == (counts ? [boundary] : []))
        #expect(room.outsideWindow == (counts ? [outside] : [outside, boundary]))
        #expect(room.windowStart.description == "2021-01-30")
    }

    /// Each with 1,000 € before, so that it shows in the room whether they count.
    @Test(
        arguments: [
            // grant, month the fiscal year begins in, earlier aid, counts, ceiling
            ("2023-12-31", 1, "2021-01-01", true, 20_000_000), ("2023-12-31", 1, "2020-12-31", false, 20_000_000),
            ("2024-01-01", 1, "2021-01-01", true, 30_000_000), ("2024-01-01", 1, "2020-12-31", false, 30_000_000),
            ("2023-01-01", 1, "2021-01-01", true, 20_000_000), ("2023-01-01", 1, "2020-12-31", false, 20_000_000),
            ("2023-06-30", 7, "2020-07-01", true, 20_000_000), ("2023-06-30", 7, "2020-06-30", false, 20_000_000),
            ("2023-07-01", 7, "2021-07-01", true, 20_000_000), ("2023-07-01", 7, "2021-06-30", false, 20_000_000),
            // A fiscal year no longer matters since 2024.
            ("2024-06-30", 7, "2021-06-30", true, 30_000_000), ("2024-06-30", 7, "2021-06-29", false, 30_000_000),
            ("2024-02-29", 1, "2021-02-28", true, 30_000_000), ("2024-02-29", 1, "2021-02-27", false, 30_000_000),
            ("2027-02-28", 1, "2024-02-28", true, 30_000_000), ("2027-02-28", 1, "2024-02-27", false, 30_000_000),
            ("2027-03-01", 1, "2024-02-29", false, 30_000_000), ("2030-12-31", 1, "2027-12-31", true, 30_000_000),
            // The day of the grant itself counts, and what is granted later does not.
            ("2024-05-01", 1, "2024-05-01", true, 30_000_000), ("2024-05-01", 1, "2024-05-02", false, 30_000_000),
            ("2023-05-01", 1, "2023-05-01", true, 20_000_000), ("2023-05-01", 1, "2023-05-02", false, 20_000_000),
        ] as [(String, Int, String, Bool, Int64)])
    func windowBeginsAndEndsWithItsDays(
        grant: String, month: Int, earlier: String, counts: Bool, ceiling: Int64
    ) throws {
        let room = try Self.room(on: grant, [Controls.aid(earlier, 100_000)], startingIn: month)
        #expect(room.ceilingCents == ceiling)
        #expect(room.roomCents == ceiling - (counts ? 100_000 : 0))
    }

    @Test(
        arguments: [
            ("2024-02-29", "2021-02-28", false), ("2024-02-29", "2021-03-01", true),
            ("2024-01-01", "2021-01-01", false), ("2024-01-01", "2021-01-02", true),
            ("2023-12-31", "2021-01-01", true),
        ])
    func boundaryDayIsLeftOutByTheOtherPolicyAndOnlyOfRollingYears(
        grant: String, earlier: String, counts: Bool
    ) throws {
        let room = try Self.room(on: grant, [Controls.aid(earlier, 100_000)], countsBoundaryDay: false)
        #expect(room.counted.isEmpty != counts)
    }

    @Test(
        arguments: [("2022-06-01", 20_000_000), ("2023-12-31", 20_000_000), ("2024-01-01", 30_000_000)]
            as [(String, Int64)])
    func threeHundredThousandEurosAreDeMinimisOnlySince2024(day: String, granted: Int64) throws {
        // given
        let claim = ExperimentClaim(
            budgetCents: 60_000_000, eligibleCostCents: 60_000_000, requestedCents: 30_000_000,
            basis: .deMinimis(previous: [], fiscalYearStart: .january, isSGEI: false))
        // when
        let result = try Controls.rules().experimentGrant(claim, on: Controls.day(day), stateAid: .gber2014)
        // then
        #expect(result.grantedCents == granted)
        #expect(result.bindingRule == (granted == 20_000_000 ? .deMinimisRoom : .experimentRate))
    }

    @Test(
        arguments: [("2023-12-31", 50_000_000), ("2024-01-01", 75_000_000), ("2030-12-31", 75_000_000)]
            as [(String, Int64)])
    func servicesOfGeneralEconomicInterestHaveACeilingOfTheirOwn(day: String, ceiling: Int64) throws {
        #expect(try Self.room(on: day, [], isSGEI: true).roomCents == ceiling)
    }

    @Test func onlyMembersOfTheSingleUndertakingCount() throws {
        // given
        let head = try Controls.aid("2023-05-01", 10_000_000, siren: "552100554")
        let daughter = try Controls.aid("2022-05-01", 5_000_000, siren: "542065479")
        let old = try Controls.aid("2019-05-01", 7_000_000, siren: "542065479")
        let stranger = try Controls.aid("2023-06-01", 20_000_000, siren: "732829320")
        var declaration = DeMinimisDeclaration(
            previous: [head, stranger, old, daughter], members: ["552100554", "542065479"],
            fiscalYearStart: .january, isSGEI: false)
        let day = try Controls.day("2024-03-01")
        // when
        let room = try StateAidRules.gber2014.deMinimisRoom(on: day, declaration)
        declaration.members = nil
        let unnamed = try StateAidRules.gber2014.deMinimisRoom(on: day, declaration)
        // then
        #expect(room.counted == [head, daughter])
        #expect(room.outsideWindow == [old])
        #expect(room.ofOthers == [stranger])
        #expect(room.roomCents == 15_000_000)
        #expect(
            room.inputs == [
                "window 2021-03-01 to 2024-03-01", "ceiling 30000000", "counted 2023-05-01 552100554 10000000",
                "counted 2022-05-01 542065479 5000000", "outside 2019-05-01 542065479 7000000",
                "of others 2023-06-01 732829320 20000000",
            ])
        #expect(unnamed.roomCents == 0 && unnamed.ofOthers.isEmpty, "without names, every aid counts")
    }

    @Test func roomIsCarriedIntoTheDerivation() throws {
        // given
        let aid = try Controls.aid("2022-05-01", 29_999_999)
        let claim = ExperimentClaim(
            budgetCents: 60_000_000, eligibleCostCents: 60_000_000, requestedCents: 30_000_000,
            basis: .deMinimis(previous: [aid], fiscalYearStart: .january, isSGEI: false))
        // when
        let result = try Controls.rules().experimentGrant(
            claim, on: Controls.day("2024-03-01"), stateAid: .gber2014)
        // then
        let step = try #require(result.derivation.first { $0.isBinding })
        #expect(step.rule == .deMinimisRoom && step.valueCents == 1 && result.grantedCents == 1)
        #expect(step.source == StateAidRules.gber2014.deMinimis[1].source)
        #expect(result.deMinimisRoom?.counted == [aid])
        #expect(step.inputs == result.deMinimisRoom?.inputs)
    }

    @Test func moreThanTheCeilingBeforeLeavesNothingAndNoSumOverflows() throws {
        let all = try (0..<3).map { _ in try Controls.aid("2024-01-15", .max) }
        let room = try Self.room(on: "2024-03-01", all)
        #expect(room.roomCents == 0)
        #expect(room.countedCents == .max)
    }

    @Test func declarationThatCannotBeReadIsRefusedByPlace() throws {
        let good = try Controls.aid("2024-01-15", 1)
        let cases: [(DeMinimisAid, Set<String>?, CofundingRulesError)] = [
            (try Controls.aid("2024-01-15", -1), nil, .negativeAmount(field: "previous/1/cents")),
            (
                try Controls.aid("2024-01-15", 1, siren: "12345678"), nil,
                .invalidInput(field: "previous/1/siren", expected: "9 digits")
            ),
            (
                try Controls.aid("2024-01-15", 1, siren: "12345678a"), nil,
                .invalidInput(field: "previous/1/siren", expected: "9 digits")
            ),
            (good, [], .emptyInput(field: "members")),
            (good, ["552100554", "5521"], .invalidInput(field: "members", expected: "9 digits each")),
        ]
        for (aid, members, error) in cases {
            let declaration = DeMinimisDeclaration(
                previous: [good, aid], members: members, fiscalYearStart: .january, isSGEI: false)
            #expect(throws: error) {
                try StateAidRules.gber2014.deMinimisRoom(on: Controls.day("2024-03-01"), declaration)
            }
        }
    }
}
