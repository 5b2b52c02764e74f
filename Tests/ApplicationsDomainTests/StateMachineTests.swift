import Testing

import struct FoundationEssentials.Date

@testable import ApplicationsDomain

/// No sequence of commands, however foolish, breaks what must always hold.
struct StateMachineTests {
    private static let people = ["applicant-1", "reviewer-1", "reviewer-2", "reviewer-3", "committee-1", "state-1"]

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func randomCommandsNeverBreakAnInvariant(_ seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        var reached: Set<ApplicationState> = []
        for _ in 0..<150 {
            // given
            let call = try Controls.call()
            var application = try Controls.draft(call)
            var now = Controls.opensAt.addingTimeInterval(-Controls.day)
            for _ in 0..<100 {
                // when
                now = now.addingTimeInterval(Double.random(in: 0...6, using: &random) * Controls.day)
                let before = application
                let command = try Self.command(call, application, using: &random)
                do {
                    try application.obey(command, at: now)
                } catch is ApplicationsError {
                    #expect(application == before)
                }
                // then
                check(before, application, call, now)
                reached.insert(application.state)
            }
        }
        // A test that never gets anywhere would pass as well.
        #expect(reached.isSuperset(of: [.submitted, .eligible, .recommended, .funded, .contracted, .rejected]))
    }

    private static func command(
        _ call: Call, _ application: Application, using random: inout SplitMix64
    ) throws -> ApplicationCommand {
        let person = people.randomElement(using: &random) ?? ""
        let outcome = Outcome.allCases.randomElement(using: &random) ?? .rejected
        let rank: Int? = Bool.random(using: &random) ? nil : Int.random(in: 0...3, using: &random)
        switch Int.random(in: 0..<11, using: &random) {
        case 0:
            var content = Controls.content()
            content.requestedCents = .random(in: 0...80_000_000, using: &random)
            return .revise(ReviseDraft(content: content, call: call))
        case 1, 2: return try Controls.submit(call, application.content)
        case 3: return try Controls.assess(call, application.deposit?.content ?? Controls.content())
        case 4, 5:
            return Controls.review(
                by: person, organisation: Int.random(in: 0..<4, using: &random) == 0 ? Controls.leadSiren : nil,
                conflict: nil, points: Int.random(in: -1...101, using: &random))
        case 6: return Controls.review(by: person, conflict: "lien", points: nil)
        case 7, 8: return Controls.recommend(outcome, rank: rank, by: person, taken: [3])
        case 9:
            return Controls.decide(
                outcome, rank: rank, by: person, reason: Bool.random(using: &random) ? "motif" : nil)
        default: return .contract
        }
    }

    private func check(_ before: Application, _ after: Application, _ call: Call, _ now: Date) {
        #expect(after.state == before.state || before.state.next.contains(after.state))
        #expect(after.version >= before.version && after.version <= before.version + 1)
        if after.state != before.state { #expect(after.version == before.version + 1) }
        if after.deposit != before.deposit {
            #expect(now >= call.opensAt && now < call.graceUntil)
            #expect(after.deposit?.number == (before.deposit?.number ?? 0) + 1)
        }
        #expect((after.deposit == nil) == (after.state == .draft))
        if after.eligibility != nil { #expect(now >= call.graceUntil) }
        if let recommendation = after.recommendation {
            #expect(recommendation.reviewCount >= 2 && after.eligibility?.isEligible == true)
            #expect((recommendation.rank == nil) == (recommendation.outcome == .rejected))
        }
        if let decision = after.decision {
            #expect(after.recommendation != nil && after.reviews.given.count >= 2)
            #expect(decision.decidedBy != after.recommendation?.recommendedBy)
            #expect(decision.outcome == after.recommendation?.outcome || decision.reason != nil)
            #expect(decision.rank == nil || decision.rank == 1)
        }
        if after.state == .contracted { #expect(after.decision?.outcome == .funded) }
        #expect(Set(after.reviews.map(\.reviewer)).count == after.reviews.count)
        #expect(!after.reviews.contains { $0.reviewer == after.owner.subject })
        #expect(after.reviews.allSatisfy { ($0.scores == nil) == ($0.declaredConflict != nil) })
    }
}
