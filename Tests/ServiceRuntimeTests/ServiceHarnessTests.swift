import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Identity
import Outbox
import Postgres
import ServiceRuntime
import TestSupport
import Testing

@Suite struct ServiceHarnessTests {
    @Test func aCommandOverHTTPHasOneEffectOneEventAndTheTimeOfTheProgramme() async throws {
        try await ServiceHarness.with(ProbeService.self, settings: ["probe.limit": "7"]) { service in
            // given
            service.clock.advance(by: .seconds(60))
            let key: HTTPFields = [.idempotencyKey: "k1"]
            // when
            let first = try await service.request(.post, "/v1/probes", as: [.operator], subject: "op-1", headers: key)
            let again = try await service.request(.post, "/v1/probes", as: [.operator], subject: "op-1", headers: key)
            // then
            #expect(first.status == .created && again.text == first.text)
            let probe = try first.decode(ProbeService.Probe.self)
            #expect(probe.limit == 7 && probe.at == service.clock.now())
            let events = try await service.recordedEvents(type: "applications.call.published.v1")
            #expect(events.map(\.subject) == [probe.id.lowercase] && events.map(\.sequence) == [1])
            #expect(events.map(\.actor) == ["op-1"])
            #expect(try events.first?.decode(CallPublished.self).wave == 1)
            #expect(try await service.recordedEvents(type: "applications.call.closed.v1").isEmpty)
        }
    }

    @Test func theCauseOfAnEventIsItsRequest() async throws {
        try await ServiceHarness.with(ProbeService.self) { service in
            // when
            let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            let answer = try await service.request(
                .post, "/v1/probes", as: [.operator], headers: [.traceparent: parent])
            // then
            let rows = try await service.pool.query("select correlation, traceparent from events")
            #expect(try rows.first?.get("correlation", as: String.self) == answer.headers[.requestID])
            #expect(try rows.first?.get("traceparent", as: String.self) == answer.headers[.traceparent])
        }
    }

    @Test func aDeliveredEventIsAppliedOnceAndInOrder() async throws {
        try await ServiceHarness.with(ProbeService.self) { service in
            // when
            let id = try await service.deliver(GrantReserved.probe, subject: "g1")
            try await service.deliver(GrantReserved.probe, subject: "g1", sequence: 1, id: id)
            try await service.deliver(GrantReserved.probe, subject: "g1")
            try await service.deliver(GrantReserved.probe, subject: "g2")
            // then
            let rows = try await service.pool.query("select subject, version from grants order by subject")
            #expect(try rows.map { try $0.get("subject", as: String.self) } == ["g1", "g2"])
            #expect(try rows.map { try $0.get("version", as: Int64.self) } == [2, 1])
            #expect(try await service.deadLetterCount() == 0)
        }
    }

    @Test func everyRequestThatMayHaveCommittedWakesTheRelay() async throws {
        try await ServiceHarness.with(ProbeService.self) { service in
            // given
            _ = try await service.request(.get, "/health/live")
            let start = ContinuousClock.now
            await service.wakeUp.wait(atMost: .milliseconds(50))
            #expect(ContinuousClock.now - start >= .milliseconds(50))
            // when
            _ = try await service.request(.post, "/v1/probes", as: [.operator])
            // then
            let answered = ContinuousClock.now
            await service.wakeUp.wait(atMost: .seconds(61))
            #expect(ContinuousClock.now - answered < .seconds(60))
        }
    }

    @Test func rolesAreChecked() async throws {
        try await ServiceHarness.with(ProbeService.self) { service in
            let nobody = try await service.request(.post, "/v1/probes")
            #expect(nobody.status == .unauthorized)
            #expect(try await service.request(.post, "/v1/probes", as: [.applicant]).status == .forbidden)
            #expect(try await service.recordedEvents().isEmpty)
            #expect(try await service.request(.get, "/openapi.yaml").text == ProbeService.openAPI)
        }
    }
}
