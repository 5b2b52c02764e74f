import Events
import FoundationEssentials
import HTTPTypes
import Identity
import TestSupport

/// A service that knows one signed agreement, and the people of its site.
struct PlannedSite: Sendable {
    static let siren = "200034528"

    let service: ServiceHarness
    let agreement: AgreementSigned
    /// Of the site.
    let id: String

    struct Shown: Decodable {
        let id: String
        let version: Int64
        let state: String
    }

    struct Listed: Decodable {
        let items: [Shown]
        let next: String?
    }

    init(_ service: ServiceHarness, siren: String = siren) async throws {
        self.service = service
        agreement = Self.signed(siren: siren)
        try await service.deliver(agreement, subject: agreement.agreement.lowercase)
        let answer = try await service.request(
            .get, "/v1/sites?agreement=\(agreement.agreement.lowercase)", as: [.operator])
        id = try answer.decode(Listed.self).items.first?.id ?? ""
    }

    static func signed(siren: String = siren) -> AgreementSigned {
        AgreementSigned(
            agreement: UUID(), grant: UUID(), application: UUID(), call: UUID(),
            lead: ConsortiumMember(siren: siren, structureType: "esms", sector: "medico_social"), partners: [],
            grantedCents: 75_000_000, tranches: [], signedAt: Date(timeIntervalSince1970: 1_772_442_000))
    }

    // MARK: Commands, each as the person who may give it

    func act(
        _ method: HTTPRequest.Method, _ path: String, as role: Role = .siteManager, subject: String? = nil,
        organisation: String? = siren, version: Int64? = nil, json: String? = nil
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        if let version { headers[.ifMatch] = "\"v\(version)\"" }
        return try await service.request(
            method, path, as: [role], subject: subject ?? "\(role.rawValue)-1",
            organisation: role == .siteManager ? organisation : nil, json: json, headers: headers)
    }

    func open(version: Int64 = 1) async throws -> TestAnswer {
        try await act(
            .post, "/v1/sites/\(id)/open", version: version, json: #"{"addressCommune": "Nancy"}"#)
    }

    func register(requestedCents: Int64 = 30_000_000, site: String? = nil) async throws -> TestAnswer {
        let json = """
            {"site": "\(site ?? id)", "title": "Télésuivi post-opératoire", "solution": {"name": "Suivi",
            "supplier": "Éditeur A"}, "budgetCents": 70000000, "requestedCents": \(requestedCents),
            "participantsTarget": 400}
            """
        return try await act(.post, "/v1/experiments", json: json)
    }

    static func protocolBody(
        version: Int = 1, qualification: String = "non_RIPH_satisfaction", instrument: String = "SUS",
        evidence: String = "null"
    ) -> String {
        """
        {"protocolVersion": \(version), "legalQualification": "\(qualification)", "evidenceReference": \(evidence),
        "consentScope": "usability", "windows": [{"instrument": "\(instrument)", "instrumentVersion": "F-SUS-2021",
        "occasion": "M3", "opensDay": 80, "closesDay": 101}], "milestones": [{"milestone": "half",
        "responsesCountMin": 100}]}
        """
    }

    func approve(_ experiment: String, version: Int64, json: String = protocolBody()) async throws -> TestAnswer {
        try await act(
            .post, "/v1/experiments/\(experiment)/protocol", as: .ethics, version: version, json: json)
    }

    func step(_ experiment: String, _ step: String, version: Int64) async throws -> TestAnswer {
        try await act(.post, "/v1/experiments/\(experiment)/\(step)", version: version, json: "{}")
    }

    func terminate(
        _ experiment: String, version: Int64, as role: Role = .siteManager, organisation: String? = siren,
        reason: String = "The supplier is no more"
    ) async throws -> TestAnswer {
        try await act(
            .post, "/v1/experiments/\(experiment)/terminate", as: role, organisation: organisation, version: version,
            json: #"{"reason": "\#(reason)"}"#)
    }

    func enrol(
        _ experiment: String, code: String? = nil, arm: String? = nil, scope: String = "usability",
        givenAt: String = "2026-03-01T10:00:00Z", organisation: String? = siren
    ) async throws -> TestAnswer {
        let code = code.map { #""\#($0)""# } ?? "null"
        let arm = arm.map { #""\#($0)""# } ?? "null"
        let json = """
            {"externalCode": \(code), "arm": \(arm), "consent": {"scope": "\(scope)", "version": 1,
            "givenAt": "\(givenAt)"}}
            """
        return try await act(
            .post, "/v1/experiments/\(experiment)/participants", organisation: organisation, json: json)
    }

    func settle(_ experiment: String, approved cents: Int64 = 30_000_000) async throws {
        let payload = CofundingApproved(
            experiment: UUID(uuidString: experiment) ?? UUID(), grant: UUID(), agreement: agreement.agreement,
            budgetCents: 70_000_000, approvedCents: cents, ruleSet: "aap-tle-2022", derivation: [])
        try await service.deliver(payload, subject: experiment)
    }

    /// A running experiment without co-funding, version 3.
    func started() async throws -> String {
        _ = try await open()
        let experiment = try await register(requestedCents: 0).decode(Shown.self).id
        _ = try await approve(experiment, version: 1)
        _ = try await step(experiment, "start", version: 2)
        return experiment
    }

    func show(_ experiment: String, as role: Role = .siteManager) async throws -> ShownExperiment {
        try await act(.get, "/v1/experiments/\(experiment)", as: role).decode(ShownExperiment.self)
    }
}

struct ShownExperiment: Decodable {
    struct Cofunding: Decodable {
        struct Estimate: Decodable {
            let ruleSet: String
            let grantedCents: Int64
        }
        let state: String
        let approvedCents: Int64?
        let reason: String?
        let asOf: Date?
        let estimate: Estimate?
    }
    struct Participants: Decodable {
        let target: Int
        let count: Int
        let byArm: [String: Int]
    }
    struct Milestone: Decodable {
        let milestone: String
        let responsesCount: Int
    }
    struct Approved: Decodable {
        let protocolVersion: Int
        let consentScope: String
    }

    let id: String
    let version: Int64
    let state: String
    let cofunding: Cofunding
    let `protocol`: Approved?
    let participants: Participants
    let milestonesReached: [Milestone]?
    let startedAt: Date?
    let completedAt: Date?
    let terminatedAt: Date?
    let terminationReason: String?
}
