import CofundingRules
import Events
import Foundation
import HTTPTypes
import Identity
import StateAidWire
import TestSupport
import Testing

/// Sensible examples of State aid; a test names only what it is about.
enum AidControls {
    static let head = Controls.siren
    static let member = "732829320"
    static let foreigner = "180020026"

    static func rules(_ name: String = "gber-2014", from validFromDay: String = "2014-01-01") -> StateAidRulesPublished
    {
        var rules = StateAidRulesPublished(StateAidRules.gber2014)
        rules.stateAidRules = name
        rules.validFromDay = validFromDay
        return rules
    }

    static func gber(_ size: String = "small", work: String = "experimental-development") -> String {
        #"{"kind": "gber", "work": "\#(work)", "size": "\#(size)", "isCollaboration": false}"#
    }

    /// - Parameter aids: day, cents and SIREN of each.
    static func deMinimis(_ aids: [(day: String, cents: Int64, siren: String)] = []) -> String {
        let list = aids.map {
            #"{"grantedOn": "\#($0.day)", "amountCents": \#($0.cents), "siren": "\#($0.siren)", "authority": "Région"}"#
        }
        return #"{"kind": "de-minimis", "isSGEI": false, "fiscalYearStart": "01-01", "#
            + #""previousAids": [\#(list.joined(separator: ", "))]}"#
    }
}

extension Programme {
    @discardableResult
    func publishAidRules(_ rules: StateAidRulesPublished = AidControls.rules()) async throws -> TestAnswer {
        try await publishAidRules(json: String(decoding: try WireCoding.encode(rules), as: UTF8.self))
    }

    func publishAidRules(json: String) async throws -> TestAnswer {
        try await service.request(.post, "/v1/state-aid-rules", as: [.operator], json: json)
    }

    @discardableResult
    func declare(
        _ basis: String, head: String = AidControls.head, members: [String] = [], on day: String = "2026-03-01",
        version: Int64? = nil
    ) async throws -> TestAnswer {
        let list = members.map { "\"\($0)\"" }.joined(separator: ", ")
        return try await service.request(
            .put, "/v1/undertakings/\(head)", as: [.operator],
            json: #"{"members": [\#(list)], "basis": \#(basis), "declaredOn": "\#(day)"}"#,
            headers: Self.ifMatch(version))
    }

    func dryRun(
        _ json: String, as roles: [Role] = [.operator], organisation: String? = nil
    ) async throws -> TestAnswer {
        try await service.request(.post, "/v1/cofunding/dry-run", as: roles, organisation: organisation, json: json)
    }

    func deMinimisRegister(
        _ query: String = "", as roles: [Role] = [.operator], organisation: String? = nil
    ) async throws -> [RegisteredAnswer] {
        try await service.request(.get, "/v1/de-minimis-register\(query)", as: roles, organisation: organisation)
            .decode(PageAnswer<RegisteredAnswer>.self).items
    }

    func requestCofunding(
        under agreement: AgreementAnswer, _ cents: Int64 = 20_000_000
    ) async throws -> UUID {
        let experiment = UUID()
        try await service.deliver(
            Controls.request(experiment, under: agreement, requestedCents: cents), subject: experiment.lowercase)
        return experiment
    }

    func grant(of experiment: UUID, under agreement: AgreementAnswer) async throws -> GrantAnswer? {
        try await grants(of: agreement.application).first { $0.experiment == experiment }
    }
}

struct RegisteredAnswer: Decodable {
    let grant: UUID
    let undertaking: String
    let siren: String
    let grantedOn: String
    let amountCents: Int64
    let isSGEI: Bool
    let stateAidRules: String
    let source: String
}

struct UndertakingAnswer: Decodable {
    struct Basis: Decodable {
        let kind: String
    }

    let id: String
    let version: Int64
    let members: [String]
    let basis: Basis
    let declaredBy: String
}

struct DryRunAnswer: Decodable {
    struct Result: Decodable {
        struct Step: Decodable {
            let rule: String
            let valueCents: Int64
            let isBinding: Bool
            let source: String
            let inputs: [String]?
        }

        struct Aid: Decodable, Equatable {
            let grantedOn: String
            let amountCents: Int64
        }

        struct Room: Decodable {
            let roomCents: Int64
            let countedCents: Int64
            let counted: [Aid]
            let outsideWindow: [Aid]
        }

        let grantedCents: Int64
        let bindingRule: String
        let derivation: [Step]
        let deMinimis: Room?
    }

    let grantDay: String
    let ruleSet: String
    let stateAidRules: String?
    let result: Result
    let partners: [Result]?
}
