import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport
import Testing

@testable import Experimentation

struct ConsumerTests {
    @Test func anAgreementMakesOneSiteHoweverOftenItIsTold() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let agreement = PlannedSite.signed()
            let subject = agreement.agreement.lowercase
            // when
            let id = try await service.deliver(agreement, subject: subject, sequence: 1)
            try await service.deliver(agreement, subject: subject, sequence: 1, id: id)
            try await service.deliver(agreement, subject: subject, sequence: 2)
            // then
            let sites = try await service.request(.get, "/v1/sites", as: [.operator])
                .decode(PlannedSite.Listed.self)
            #expect(sites.items.map(\.state) == ["planned"] && sites.next == nil)
            #expect(try await service.deadLetterCount() == 0)
        }
    }

    @Test func cofundingIsSettledOnceAndContradictionsAreDeadLetters() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let asked = try await site.register().decode(PlannedSite.Shown.self).id
            let unasked = try await site.register(requestedCents: 0).decode(PlannedSite.Shown.self).id
            // when
            try await site.settle(asked, approved: 20_000_000)
            try await site.settle(asked, approved: 10_000_000)
            // then
            let shown = try await site.show(asked)
            #expect(shown.cofunding.approvedCents == 20_000_000 && shown.version == 2)
            #expect(try await service.deadLetterCount() == 0)
            // when
            try await site.settle(unasked)
            try await site.settle(UUID().lowercase)
            // then
            #expect(try await site.show(unasked).cofunding.state == "not-requested")
            #expect(try await service.deadLetterCount() == 2)
        }
    }

    @Test func milestonesMayComeInAnyOrderAndTwice() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            let id = try #require(UUID(uuidString: experiment))
            let now = service.clock.now()
            let reached = [("half", 103), ("end", 210)].enumerated().map { index, milestone in
                MilestoneReached(
                    experiment: id, milestone: milestone.0, responsesCountMin: 100, responsesCount: milestone.1,
                    reachedAt: now.addingTimeInterval(Double(index)))
            }
            // when
            try await service.deliver(reached[1], subject: experiment, sequence: 2)
            let first = try await service.deliver(reached[0], subject: experiment, sequence: 1)
            try await service.deliver(reached[0], subject: experiment, sequence: 1, id: first)
            // then
            #expect(try await site.show(experiment).milestonesReached?.map(\.milestone) == ["half", "end"])
        }
    }

    /// Of what feedback told about a milestone the highest version holds.
    @Test(arguments: [[1, 2, 3], [3, 1, 2], [2, 3, 1], [3, 2, 1]])
    func aMilestoneThatWasLostAndReachedAgainIsShownInEveryOrder(order: [Int]) async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let site = try await PlannedSite(service)
            let experiment = try await site.started()
            let id = try #require(UUID(uuidString: experiment))
            let now = service.clock.now()
            func deliver(_ version: Int) async throws {
                guard version != 2 else {
                    try await service.deliver(
                        MilestoneLost(
                            experiment: id, milestone: "half", responsesCountMin: 100, responsesCount: 99, lostAt: now,
                            version: 2), subject: experiment, sequence: 2)
                    return
                }
                try await service.deliver(
                    MilestoneReached(
                        experiment: id, milestone: "half", responsesCountMin: 100, responsesCount: 100 + version,
                        reachedAt: now, version: version), subject: experiment, sequence: Int64(version))
            }
            // when: without the last, then with it
            for version in order where version < 3 { try await deliver(version) }
            // then
            #expect(try await site.show(experiment).milestonesReached?.isEmpty == true)
            // when
            for version in order { try await deliver(version) }
            // then
            #expect(try await site.show(experiment).milestonesReached?.map(\.milestone) == ["half"])
        }
    }

    @Test func sitesArePagedAndSeenByTheirOrganisation() async throws {
        try await ServiceHarness.with(ExperimentationService.self) { service in
            // given
            let mine = try await PlannedSite(service)
            let other = try await PlannedSite(service, siren: "100000009")
            // when
            let own = try await mine.act(.get, "/v1/sites").decode(PlannedSite.Listed.self)
            let page = try await mine.act(.get, "/v1/sites?limit=1", as: .operator).decode(PlannedSite.Listed.self)
            let rest = try await mine.act(.get, "/v1/sites?limit=1&after=\(page.next ?? "")", as: .operator)
                .decode(PlannedSite.Listed.self)
            // then
            #expect(own.items.map(\.id) == [mine.id])
            #expect(page.items.map(\.id) == [mine.id] && rest.items.map(\.id) == [other.id] && rest.next == nil)
            #expect(try await mine.act(.get, "/v1/sites/\(other.id)").status == .notFound)
            #expect(try await mine.act(.get, "/v1/sites?agreement=x", as: .operator).problemSlug == "bad-filter")
        }
    }
}
