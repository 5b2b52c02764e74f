import CofundingRules
import Testing

@Suite struct CollaborationTests {
    private typealias Partner = CollaborationPartner

    private static func undertaking(_ size: EnterpriseSize, _ cents: Int64, _ group: String) -> Partner {
        Partner(kind: .undertaking(size), eligibleCostCents: cents, undertakingGroup: group)
    }

    private static func research(_ cents: Int64, mayPublish: Bool = true, _ group: String = "r") -> Partner {
        Partner(kind: .researchBody(mayPublish: mayPublish), eligibleCostCents: cents, undertakingGroup: group)
    }

    private static func ground(_ partners: [Partner]) throws -> CollaborationGround? {
        try StateAidRules.gber2014.intensities.collaboration.effectiveCollaboration(between: partners)
    }

    @Test func undertakingsCollaborateUpToSeventyPerCentOfOneOfThem() throws {
        #expect(try Self.ground([Self.undertaking(.large, 700, "a"), Self.undertaking(.small, 300, "b")]) != nil)
        #expect(try Self.ground([Self.undertaking(.large, 701, "a"), Self.undertaking(.small, 299, "b")]) == nil)
        #expect(
            try Self.ground([Self.undertaking(.large, 7_001, "a"), Self.undertaking(.medium, 2_999, "b")]) == nil)
        #expect(
            try Self.ground([Self.undertaking(.large, 7_000, "a"), Self.undertaking(.medium, 3_000, "b")])
                == .betweenUndertakings)
    }

    @Test func oneOfTheUndertakingsIsSmallOrMedium() throws {
        #expect(try Self.ground([Self.undertaking(.large, 1, "a"), Self.undertaking(.large, 1, "b")]) == nil)
        #expect(try Self.ground([Self.undertaking(.large, 1, "a"), Self.undertaking(.medium, 1, "b")]) != nil)
    }

    @Test func membersOfOneUndertakingDoNotCollaborateWithEachOther() throws {
        #expect(try Self.ground([Self.undertaking(.small, 1, "a"), Self.undertaking(.small, 1, "a")]) == nil)
        // Small enough a share, but beside nobody else than research that may not publish.
        #expect(try Self.ground([Self.undertaking(.small, 40, "a"), Self.research(60, mayPublish: false)]) == nil)
        // 40 and 35 of one undertaking are 75 of 100.
        #expect(
            try Self.ground([
                Self.undertaking(.small, 40, "a"), Self.undertaking(.small, 35, "a"), Self.undertaking(.small, 25, "b"),
            ]) == nil)
        // A daughter of a large undertaking is no SME, whatever is said of it.
        #expect(
            try Self.ground([
                Self.undertaking(.small, 20, "a"), Self.undertaking(.large, 30, "a"), Self.undertaking(.large, 50, "b"),
            ]) == nil)
    }

    @Test func researchBodiesBearTenPerCentTogetherAndMayPublish() throws {
        let firm = Self.undertaking(.large, 900, "a")
        #expect(try Self.ground([firm, Self.research(100)]) == .withResearchBodies)
        #expect(try Self.ground([firm, Self.research(99)]) == nil)
        #expect(try Self.ground([firm, Self.research(50), Self.research(50, "s")]) == .withResearchBodies)
        #expect(try Self.ground([firm, Self.research(100, mayPublish: false)]) == nil)
        #expect(try Self.ground([firm, Self.research(60), Self.research(60, mayPublish: false)]) == nil)
        #expect(try Self.ground([Self.research(100)]) == nil)
        #expect(try Self.ground([firm, Self.research(500, "a")]) == nil, "a part of the undertaking itself")
    }

    @Test func theCostOfResearchBodiesCountsInTheSharesOfUndertakings() throws {
        let partners = [
            Self.undertaking(.large, 70, "a"), Self.undertaking(.small, 25, "b"),
            Self.research(5, mayPublish: false),
        ]
        #expect(try Self.ground(partners) == .betweenUndertakings)
    }

    @Test func whoBearsNoCostIsNoParty() throws {
        #expect(
            try Self.ground([
                Self.undertaking(.large, 60, "a"), Self.undertaking(.small, 0, "b"),
                Self.research(40, mayPublish: false),
            ]) == nil)
        #expect(try Self.ground([Self.undertaking(.small, 0, "a"), Self.research(0)]) == nil)
    }

    @Test func sharesAreExactForTheLargestAmounts() throws {
        let tenth = Int64.max / 10
        #expect(
            try Self.ground([Self.undertaking(.large, tenth * 9, "a"), Self.research(tenth)]) == .withResearchBodies)
        #expect(try Self.ground([Self.undertaking(.large, tenth * 9 + 1, "a"), Self.research(tenth)]) == nil)
    }

    @Test func inputThatCannotBeJudgedIsRefused() {
        #expect(throws: CofundingRulesError.emptyInput(field: "partners")) { try Self.ground([]) }
        #expect(throws: CofundingRulesError.negativeAmount(field: "partners/1/eligibleCostCents")) {
            try Self.ground([Self.undertaking(.small, 1, "a"), Self.research(-1)])
        }
    }
}
