import Testing

import struct FoundationEssentials.UUID

@testable import ApplicationsDomain

struct SelectionTests {
    private let now = Controls.afterCall

    @Test func aReviewerWithATieIsRefused() throws {
        // given
        let application = try Controls.application(.eligible, in: try Controls.call())
        let cases: [(ApplicationCommand, field: String)] = [
            (Controls.review(by: "r", organisation: Controls.leadSiren), ""),
            (Controls.review(by: "r", organisation: Controls.partnerSiren), ""),
            (Controls.review(by: "r", ties: [Controls.strangerSiren, Controls.partnerSiren]), "/organisationTies/1"),
            (Controls.review(by: "r", ties: [Controls.leadSiren]), "/organisationTies/0"),
            (Controls.review(by: Controls.owner.subject), ""),
        ]
        for (command, field) in cases {
            // when
            let explanation = refusal { _ = try application.decide(command, at: now) }
            // then
            #expect(explanation?.slug == "conflict-of-interest" && explanation?.kind == .forbidden)
            #expect(explanation?.field == (field.isEmpty ? nil : field))
        }
    }

    @Test func aReviewerFromElsewhereMayScore() throws {
        var application = try Controls.application(.eligible, in: try Controls.call())
        try application.obey(
            Controls.review(by: "r", organisation: Controls.strangerSiren, ties: ["732829320"]), at: now)
        #expect(application.reviews.given.count == 1 && application.version == 3)
    }

    @Test func nobodyReviewsTwice() throws {
        var application = try Controls.application(.eligible, in: try Controls.call())
        try application.obey(Controls.review(by: "r"), at: now)
        #expect(refusal { _ = try application.decide(Controls.review(by: "r"), at: now) }?.slug == "already-reviewed")
    }

    @Test func whoDeclaresAConflictStaysOutForGood() throws {
        var application = try Controls.application(.eligible, in: try Controls.call())
        try application.obey(Controls.review(by: "r", conflict: "Ancien salarié.", points: nil), at: now)
        #expect(application.reviews.given.isEmpty && application.reviews.count == 1)
        #expect(refusal { _ = try application.decide(Controls.review(by: "r"), at: now) }?.slug == "already-reviewed")
    }

    @Test(arguments: [
        (Controls.review(by: "r", conflict: "oui", points: 80), "scores-with-conflict", "/scores"),
        (Controls.review(by: "r", points: nil), "scores-required", "/scores"),
        (Controls.review(by: "r", points: 101), "invalid-field", "/scores/impact"),
        (Controls.review(by: "r", points: -1), "invalid-field", "/scores/impact"),
        (Controls.review(by: "r", conflict: " ", points: nil), "invalid-field", "/conflictDeclared/reason"),
        (Controls.review(by: "r", ties: ["123456789"]), "invalid-field", "/organisationTies/0"),
    ])
    func aWrongReviewNamesItsField(_ command: ApplicationCommand, _ slug: String, _ field: String) throws {
        let application = try Controls.application(.eligible, in: try Controls.call())
        let explanation = refusal { _ = try application.decide(command, at: now) }
        #expect(explanation?.slug == slug && explanation?.field == field)
    }

    @Test(arguments: [
        ([[80, 80, 80, 80], [71, 71, 71, 71]], 7550), ([[0, 0, 0, 0]], 0), ([[100, 100, 100, 100]], 10_000),
        ([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], 8), ([[50, 50, 50, 51], [50, 50, 50, 50]], 5013),
    ])
    func theMeanIsRoundedHalfUpToTheHundredth(_ points: [[Int]], _ mean: Int) throws {
        let reviews = points.enumerated().map { index, row in
            Review(
                ReviewApplication(
                    id: UUID(), reviewer: Assessor(subject: "\(index)", organisation: nil),
                    opinion: (Scores(impact: row[0], quality: row[1], economics: row[2], network: row[3]), nil)),
                givenAt: now)
        }
        #expect(reviews.meanScoreHundredths == mean)
        #expect([Review]().meanScoreHundredths == nil)
    }

    @Test func aRecommendationNeedsTwoReviewsWithScores() throws {
        // given
        var application = try Controls.application(.eligible, in: try Controls.call())
        try application.obey(Controls.review(by: "a"), at: now)
        try application.obey(Controls.review(by: "b", conflict: "Lien familial.", points: nil), at: now)
        // when, then
        #expect(
            refusal { _ = try application.decide(Controls.recommend(.funded, rank: 1), at: now) }?.slug
                == "too-few-reviews")
        // when
        try application.obey(Controls.review(by: "c", points: 71), at: now)
        try application.obey(Controls.recommend(.funded, rank: 1), at: now)
        // then
        #expect(application.recommendation?.reviewCount == 2)
        #expect(application.recommendation?.meanScoreHundredths == 7550)
    }

    @Test(
        arguments: [
            (Outcome.funded, nil, "rank-required"), (.reserve, nil, "rank-required"),
            (.rejected, 1, "rank-not-allowed"),
            (.funded, 0, "invalid-field"), (.reserve, -3, "invalid-field"), (.funded, 7, "rank-taken"),
        ] as [(Outcome, Int?, String)])
    func ranksBelongToFundedAndReserve(_ outcome: Outcome, _ rank: Int?, _ slug: String) throws {
        var application = try Controls.application(.eligible, in: try Controls.call())
        try application.obey(Controls.review(by: "a"), at: now)
        try application.obey(Controls.review(by: "b"), at: now)
        let explanation = refusal {
            _ = try application.decide(Controls.recommend(outcome, rank: rank, taken: [7]), at: now)
        }
        #expect(explanation?.slug == slug && explanation?.field == "/rank")
    }

    @Test func whoRecommendedDoesNotDecide() throws {
        let application = try Controls.application(.recommended, in: try Controls.call())
        let explanation = refusal {
            _ = try application.decide(Controls.decide(.funded, rank: 1, by: "committee-1"), at: now)
        }
        #expect(explanation?.slug == "separation-of-duties" && explanation?.kind == .forbidden)
    }

    @Test func nobodyOfTheConsortiumRecommendsOrDecides() throws {
        let call = try Controls.call()
        var eligible = try Controls.application(.eligible, in: call)
        try eligible.obey(Controls.review(by: "a"), at: now)
        try eligible.obey(Controls.review(by: "b"), at: now)
        let member = Assessor(subject: "c", organisation: Controls.partnerSiren)
        let recommend = RecommendApplication(by: member, outcome: .rejected, rank: nil, ranksTaken: [])
        let decide = DecideApplication(by: member, outcome: .rejected, rank: nil, reason: "non", ranking: .empty)
        let recommended = try Controls.application(.recommended, in: call)
        #expect(refusal { _ = try eligible.decide(.recommend(recommend), at: now) }?.slug == "conflict-of-interest")
        #expect(refusal { _ = try recommended.decide(.decide(decide), at: now) }?.slug == "conflict-of-interest")
    }

    @Test func departingFromTheRecommendationNeedsAReason() throws {
        let application = try Controls.application(.recommended, in: try Controls.call())
        for reason in [nil, "", "  "] {
            let explanation = refusal {
                _ = try application.decide(Controls.decide(.reserve, rank: 1, reason: reason), at: now)
            }
            #expect(explanation?.slug == "reason-required" && explanation?.field == "/reason")
        }
        let fact = try application.decide(Controls.decide(.reserve, rank: 1, reason: "Enveloppe."), at: now)
        guard case .decided(let decision) = fact else {
            Issue.record("no decision")
            return
        }
        #expect(decision.outcome == .reserve && decision.reason == "Enveloppe.")
    }

    @Test(
        arguments: [
            ([], Outcome.funded, 1, nil), ([], .funded, 2, "rank-gap"), ([.funded], .funded, 1, "rank-taken"),
            ([.funded], .funded, 2, nil), ([.funded], .reserve, 2, nil), ([.funded, .reserve], .reserve, 3, nil),
            ([.funded, .reserve], .funded, 3, "funded-after-reserve"), ([.funded, .funded], .reserve, 5, "rank-gap"),
        ] as [([Outcome], Outcome, Int, String?)])
    func ranksOfACallHaveNoGapsAndFundedComesFirst(
        _ decided: [Outcome], _ outcome: Outcome, _ rank: Int, _ slug: String?
    ) {
        #expect(refusal { try RankList(outcomes: decided).admit(outcome, rank: rank) }?.slug == slug)
    }
}
