import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Reporting

/// What operators publish on experiments that ended.
struct EvaluationTests {
    private struct Shown: Decodable, Equatable {
        let id: String
        let version: Int64
        let experiment: String
        let agreement: String
        let documentReference: String
        let conclusion: String
        let summary: String
        let publishedAt: Date
    }

    private struct Listed: Decodable {
        let items: [Shown]
        let next: String?
    }

    private static let agreement = Story.id(5, 1)
    private static let site = Story.id(5, 2)
    private static let path = "/v1/evaluations"

    /// Experiments 1, 2, … as experimentation tells them.
    private func register(_ number: UInt8, _ service: ServiceHarness) async throws -> UUID {
        let experiment = Story.id(6, number)
        try await service.deliver(
            ExperimentRegistered(
                experiment: experiment, site: Self.site, agreement: Self.agreement, solution: Story.id(5, 3),
                budgetCents: 20_000_000, participantsTarget: 50), subject: experiment.lowercase)
        return experiment
    }

    private func complete(_ experiment: UUID, _ service: ServiceHarness) async throws {
        try await service.deliver(
            ExperimentCompleted(
                experiment: experiment, site: Self.site, agreement: Self.agreement, participantsCount: 412,
                completedAt: service.clock.now()), subject: experiment.lowercase)
    }

    private func completed(_ number: UInt8 = 1, _ service: ServiceHarness) async throws -> UUID {
        let experiment = try await register(number, service)
        try await complete(experiment, service)
        return experiment
    }

    private func publish(
        _ experiment: UUID, _ service: ServiceHarness, as role: Role = .operator, reference: String = "GED-1",
        summary: String = #"Usage établi.\n412 personnes."#
    ) async throws -> TestAnswer {
        try await send(
            Self.body(experiment.lowercase, reference: reference, summary: summary), service, as: role)
    }

    private func send(_ json: String, _ service: ServiceHarness, as role: Role = .operator) async throws -> TestAnswer {
        try await service.request(.post, Self.path, as: [role], subject: "\(role.rawValue)-1", json: json)
    }

    private static func body(
        _ experiment: String, reference: String = "GED-1", conclusion: String = "favourable-with-reservations",
        summary: String = "x"
    ) -> String {
        """
        {"experiment": "\(experiment)", "documentReference": "\(reference)", "conclusion": "\(conclusion)",
        "summary": "\(summary)"}
        """
    }

    @Test func anEvaluationIsPublishedAndPublishedAgain() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let experiment = try await completed(1, service)
            // when
            let answer = try await publish(experiment, service)
            let first = try answer.decode(Shown.self)
            let firstAt = service.clock.now()
            service.clock.advance(by: .seconds(86_400))
            let again = try await publish(experiment, service, reference: "GED-2", summary: "Mieux.")
            // then
            #expect(answer.status == .created && answer.version == 1 && first.version == 1)
            #expect(answer.headers[.location] == "\(Self.path)/\(first.id)")
            #expect(first.experiment == experiment.lowercase && first.agreement == Self.agreement.lowercase)
            #expect(first.documentReference == "GED-1" && first.conclusion == "favourable-with-reservations")
            #expect(first.summary == "Usage établi.\n412 personnes." && first.publishedAt == firstAt)
            #expect(again.status == .ok && again.version == 2 && again.headers[.location] == nil)
            let second = try await read("\(Self.path)/\(first.id)", service)
            #expect(second.version == 2)
            let shown = try second.decode(Shown.self)
            #expect(try again.decode(Shown.self) == shown && shown.id == first.id && shown.version == 2)
            #expect(shown.documentReference == "GED-2" && shown.summary == "Mieux.")
            #expect(shown.publishedAt == service.clock.now() && shown.publishedAt > firstAt)
            try await expectEvents(service, first, times: [firstAt, shown.publishedAt])
            try await expectKept(service)
        }
    }

    private func read(_ path: String, _ service: ServiceHarness) async throws -> TestAnswer {
        try await service.request(.get, path, as: [.ministry])
    }

    private func expectEvents(_ service: ServiceHarness, _ evaluation: Shown, times: [Date]) async throws {
        let events = try await service.recordedEvents()
        #expect(events.map(\.type) == ["reporting.evaluation.published.v1", "reporting.evaluation.published.v1"])
        #expect(events.map(\.subject) == [evaluation.id, evaluation.id] && events.map(\.sequence) == [1, 2])
        #expect(events.map(\.actor) == ["operator-1", "operator-1"])
        let told = try events.map { try $0.decode(EvaluationPublished.self) }
        #expect(told.map(\.evaluation.lowercase) == [evaluation.id, evaluation.id])
        #expect(Set(told.map(\.experiment.lowercase)) == [evaluation.experiment])
        #expect(Set(told.map(\.agreement)) == [Self.agreement] && told.map(\.publishedAt) == times)
        let all = events.map { String(decoding: $0.data, as: UTF8.self) }.joined()
        for text in ["Usage", "Mieux", "GED", "favourable"] { #expect(!all.contains(text), "an event carries \(text)") }
    }

    /// Whatever was published, and nobody changes it.
    private func expectKept(_ service: ServiceHarness) async throws {
        let rows = try await service.pool.query(
            "select version, document_reference, published_by from evaluation_versions order by version")
        #expect(try rows.map { try $0.get("version", as: Int64.self) } == [1, 2])
        #expect(try rows.map { try $0.get("document_reference", as: String.self) } == ["GED-1", "GED-2"])
        #expect(try rows.map { try $0.get("published_by", as: String.self) } == ["operator-1", "operator-1"])
        let statements: [PostgresQuery] = [
            "update evaluation_versions set summary = 'x'", "delete from evaluation_versions",
            "truncate evaluation_versions",
        ]
        for statement in statements {
            let error = await #expect(throws: PostgresError.self) { try await service.pool.query(statement) }
            #expect(error?.sqlState == "23001")
        }
        #expect(ReportingService.appendOnlyTables.contains("evaluation_versions"))
    }

    @Test func anExperimentIsEvaluatedOnceItEnded() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let (first, second) = (try await register(1, service), try await register(2, service))
            // when
            let unknown = try await publish(UUID(), service)
            let early = try await publish(first, service)
            try await complete(first, service)
            try await service.deliver(
                ExperimentTerminated(
                    experiment: second, site: Self.site, agreement: Self.agreement, participantsCount: 3,
                    terminatedAt: service.clock.now()), subject: second.lowercase)
            // then
            #expect(unknown.status == .notFound && early.status == .conflict)
            #expect(early.problemSlug == "experiment-not-ended" && early.problem?.mend != nil)
            #expect(try await service.recordedEvents().isEmpty)
            #expect(try await publish(first, service).status == .created)
            #expect(try await publish(second, service).status == .created)
        }
    }

    @Test func twentyPublicationsAtOnceAreTwentyVersionsOfOneEvaluation() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let experiment = try await completed(1, service)
            // when
            let answers = try await withThrowingTaskGroup { group in
                for _ in 0..<20 { group.addTask { try await publish(experiment, service) } }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            // then
            let shown = try answers.map { try $0.decode(Shown.self) }
            #expect(shown.map(\.version).sorted() == Array(1...20) && Set(shown.map(\.id)).count == 1)
            #expect(answers.count { $0.status == .created } == 1)
            #expect(try await service.recordedEvents().map(\.sequence) == Array(1...20))
        }
    }

    @Test func aLostAnswerToAPublicationCanBeAskedForAgain() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            let experiment = try await completed(1, service)
            func publish() async throws -> TestAnswer {
                try await service.request(
                    .post, Self.path, as: [.operator], json: Self.body(experiment.lowercase),
                    headers: [.idempotencyKey: "evaluation-1"])
            }
            let (first, again) = (try await publish(), try await publish())
            #expect(first.status == .created && again.status == .created && again.text == first.text)
            #expect(try await service.recordedEvents().count == 1)
        }
    }

    @Test func evaluationsArePagedAndFoundByTheirExperiment() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given: the first is published again, and keeps its place
            var experiments: [UUID] = []
            for number in UInt8(1)...3 {
                experiments.append(try await completed(number, service))
                #expect(try await publish(experiments[experiments.count - 1], service).status == .created)
            }
            #expect(try await publish(experiments[0], service).status == .ok)
            // when
            let page = try await read("\(Self.path)?limit=2", service).decode(Listed.self)
            let rest = try await read("\(Self.path)?limit=2&after=\(page.next ?? "")", service).decode(Listed.self)
            let second = experiments[1].uuidString
            let found = try await read("\(Self.path)?experiment=\(second)", service).decode(Listed.self)
            // then
            #expect((page.items + rest.items).map(\.experiment) == experiments.map(\.lowercase))
            #expect(page.items.map(\.version) == [2, 1] && rest.next == nil)
            #expect(found.items.map(\.experiment) == [second.lowercased()] && found.next == nil)
            let other = try await read("\(Self.path)?experiment=\(UUID())", service).decode(Listed.self)
            #expect(other.items.isEmpty)
            #expect(try await read("\(Self.path)?experiment=x", service).problemSlug == "bad-filter")
            #expect(try await read("\(Self.path)/\(UUID())", service).status == .notFound)
        }
    }

    @Test func operatorsPublishAndWhoReadsTheProgrammeReads() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let experiment = try await completed(1, service)
            let id = try await publish(experiment, service).decode(Shown.self).id
            let readers: Set<Role> = [.ministry, .operator, .decisionMaker, .committee, .siteManager]
            for role in Role.allCases {
                // when, then
                if role != .operator { #expect(try await publish(experiment, service, as: role).status == .forbidden) }
                let status: HTTPResponse.Status = readers.contains(role) ? .ok : .forbidden
                for path in [Self.path, "\(Self.path)/\(id)"] {
                    #expect(try await service.request(.get, path, as: [role]).status == status, "\(role) \(path)")
                }
            }
            #expect(try await service.request(.get, Self.path).status == .unauthorized)
            #expect(try await service.recordedEvents().count == 1)
        }
    }

    @Test func everyRefusalNamesItsField() async throws {
        try await ServiceHarness.with(ReportingService.self) { service in
            // given
            let experiment = try await completed(1, service).lowercase
            let bodies = [
                (Self.body("x"), "/experiment"), (Self.body(experiment, conclusion: "good"), "/conclusion"),
                (Self.body(experiment, reference: #"a\nb"#), "/documentReference"),
                (Self.body(experiment, summary: #"a\tb"#), "/summary"),
                (Self.body(experiment, summary: ""), "/summary"),
                (#"{"experiment": "\#(experiment)"}"#, "/documentReference"),
            ]
            for (json, field) in bodies {
                // when
                let answer = try await send(json, service)
                // then
                #expect(answer.status == .unprocessableContent && answer.problem?.field == field, "\(answer.text)")
            }
            #expect(try await service.recordedEvents().isEmpty)
        }
    }
}
