import Testing

@testable import ApplicationsDomain

struct SightTests {
    private func sight(
        _ state: ApplicationState, _ capacity: ApplicationViewer.Capacity, subject: String = "somebody",
        organisation: String? = nil
    ) throws -> ApplicationSight? {
        try Controls.application(state, in: Controls.call()).sight(
            of: ApplicationViewer(subject: subject, organisation: organisation, capacities: [capacity]))
    }

    @Test(
        arguments: [
            ("applicant-1", Controls.leadSiren, true), ("applicant-1", Controls.partnerSiren, false),
            ("applicant-2", Controls.leadSiren, false), ("applicant-1", nil, false),
        ] as [(String, String?, Bool)])
    func anApplicantSeesTheirOwnOnly(_ subject: String, _ organisation: String?, _ isSeen: Bool) throws {
        for state in [ApplicationState.draft, .submitted, .recommended] {
            let sight = try sight(state, .applicant, subject: subject, organisation: organisation)
            #expect((sight != nil) == isSeen)
            if let sight { #expect(sight.showsContact && sight.showsWorkingCopy && sight.reviews == .none) }
        }
    }

    @Test(arguments: [ApplicationViewer.Capacity.reviewer, .committee, .decisionMaker])
    func draftsAreNobodyElses(_ capacity: ApplicationViewer.Capacity) throws {
        #expect(try sight(.draft, capacity) == nil)
        #expect(try sight(.submitted, capacity)?.showsWorkingCopy == false)
        #expect(try sight(.submitted, capacity)?.showsContact == false)
    }

    @Test func reviewersSeeOtherReviewsOnlyAfterTheRecommendation() throws {
        #expect(try sight(.eligible, .reviewer)?.reviews == .own)
        #expect(try sight(.recommended, .reviewer)?.reviews == .all)
        #expect(try sight(.eligible, .committee)?.reviews == .all)
    }

    @Test func theOperatorSeesTheDepositOnceThereIsOne() throws {
        #expect(try sight(.draft, .operator)?.showsWorkingCopy == true)
        #expect(try sight(.submitted, .operator)?.showsWorkingCopy == false)
    }
}
