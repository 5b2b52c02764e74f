import Events
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Identity
import TestSupport

/// A programme with one open call, and the people who act in it.
struct Stage: Sendable {
    static let opensAt = Date(timeIntervalSince1970: 1_772_323_200)  // 1 March 2026
    static let deadline = opensAt.addingTimeInterval(31 * 86_400)
    static let graceUntil = deadline.addingTimeInterval(43_200)
    static let leadSiren = "200034528"
    static let partnerSiren = "100000009"

    let service: ServiceHarness
    let call: String

    init(_ service: ServiceHarness, knowsRules: Bool = true) async throws {
        self.service = service
        service.clock.set(Self.opensAt.addingTimeInterval(86_400))
        if knowsRules { try await service.deliver(Self.ruleSet, subject: Self.ruleSet.ruleSet) }
        let answer = try await service.request(.post, "/v1/calls", as: [.operator], json: Self.callBody)
        call = try answer.decode(Shown.self).id
    }

    struct Shown: Decodable {
        let id: String
        let version: Int64
        let state: String
    }

    static let callBody = """
        {"wave": 1, "title": "Vague 1", "opensAt": "2026-03-01T00:00:00Z", "deadline": "2026-04-01T00:00:00Z",
        "graceUntil": "2026-04-01T12:00:00Z", "placesTarget": 30, "animationEnvelopeCents": 2900000000,
        "experimentsEnvelopeCents": 3000000000}
        """

    static let ruleSet = RuleSetPublished(
        ruleSet: "aap-tle-2022", validFrom: opensAt.addingTimeInterval(-86_400), animationRateBasisPoints: 5000,
        animationCeilingCents: ["etablissement_sante_public": 150_000_000, "acteur_innovation": 37_500_000],
        experimentRateBasisPoints: 5000, experimentCeilingCents: 30_000_000, source: "NOR PRMI2204762A")

    func content(
        title: String = "Maison de la santé numérique", lead: String = leadSiren,
        structureType: String = "etablissement_sante_public", requestedCents: Int64 = 75_000_000
    ) -> String {
        """
        {"call": "\(call)", "title": "\(title)", "lead": {"siren": "\(lead)", "structureType": "\(structureType)",
        "sector": "sanitaire", "name": "CHU de la Rive"}, "partners": [{"siren": "\(Self.partnerSiren)",
        "structureType": "entreprise_fournisseur", "name": "Solutions SAS"}], "animationBudgetCents": 150000000,
        "requestedCents": \(requestedCents), "experiments": [{"title": "Télésuivi", "budgetCents": 60000000}],
        "contact": {"name": "Ada Martin", "email": "ada.martin@chu.example"}}
        """
    }

    // MARK: Commands, each as the person who may give it

    func draft(_ json: String? = nil, headers: HTTPFields = [:]) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/applications", as: [.applicant], subject: "applicant-1", organisation: Self.leadSiren,
            json: json ?? content(), headers: headers)
    }

    func act(
        _ method: HTTPRequest.Method, _ id: String, _ step: String = "", as role: Role = .applicant,
        subject: String? = nil, organisation: String? = nil, version: Int64? = nil, json: String? = nil
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        if let version { headers[.ifMatch] = "\"v\(version)\"" }
        let isApplicant = role == .applicant
        return try await service.request(
            method, "/v1/applications/\(id)" + (step.isEmpty ? "" : "/\(step)"), as: [role],
            subject: subject ?? "\(role.rawValue)-1",
            organisation: organisation ?? (isApplicant ? Self.leadSiren : nil), json: json, headers: headers)
    }

    func review(
        _ id: String, by subject: String, organisation: String? = nil, json: String = Stage.reviewBody()
    ) async throws -> TestAnswer {
        try await act(
            .post, id, "reviews", as: .reviewer, subject: subject, organisation: organisation, json: json)
    }

    static func reviewBody(points: Int = 80, ties: String = "[]", conflict: String = #""none""#) -> String {
        """
        {"conflictDeclared": \(conflict), "organisationTies": \(ties), "scores": {"impact": \(points),
        "quality": \(points), "economics": \(points), "network": \(points)}, "comment": "Avis confidentiel."}
        """
    }

    // MARK: Applications on their way

    /// A submitted application, version 2.
    func submitted(_ json: String? = nil) async throws -> String {
        let id = try await draft(json).decode(Shown.self).id
        _ = try await act(.post, id, "submit", version: 1)
        return id
    }

    /// An eligible one with two reviews, version 3; the clock stands after the closing.
    func reviewed(_ id: String) async throws {
        service.clock.set(Self.graceUntil)
        _ = try await act(.post, id, "eligibility", as: .operator, version: 2, json: "{}")
        _ = try await review(id, by: "reviewer-1")
        _ = try await review(id, by: "reviewer-2", json: Self.reviewBody(points: 71))
    }

    func recommend(
        _ id: String, _ outcome: String = "funded", rank: Int? = 1, version: Int64 = 3
    ) async throws
        -> TestAnswer
    {
        let rank = rank.map(String.init) ?? "null"
        return try await act(
            .post, id, "recommendation", as: .committee, version: version,
            json: #"{"recommendation": "\#(outcome)", "rank": \#(rank)}"#)
    }

    func decide(
        _ id: String, _ outcome: String = "funded", rank: Int? = 1, by subject: String = "decision-maker-1",
        reason: String? = nil, version: Int64 = 4
    ) async throws -> TestAnswer {
        let rank = rank.map(String.init) ?? "null"
        let reason = reason.map { #""\#($0)""# } ?? "null"
        return try await act(
            .post, id, "decision", as: .decisionMaker, subject: subject, version: version,
            json: #"{"outcome": "\#(outcome)", "rank": \#(rank), "reason": \#(reason)}"#)
    }

    func show(_ id: String, as role: Role = .operator, subject: String? = nil) async throws -> ShownApplication {
        try await act(.get, id, as: role, subject: subject).decode(ShownApplication.self)
    }
}

struct ShownApplication: Decodable {
    struct Submission: Decodable {
        let number: Int
        let receipt: String
    }
    struct Grant: Decodable {
        let state: String
        let grant: String?
        let reservedCents: Int64?
        let reason: String?
        let asOf: Date?
    }
    struct Review: Decodable {
        let state: String
    }
    struct Contact: Decodable {
        let name: String?
    }

    let id: String
    let version: Int64
    let state: String
    let title: String?
    let contact: Contact?
    let submission: Submission?
    let reviews: [Review]?
    let grant: Grant?
}
