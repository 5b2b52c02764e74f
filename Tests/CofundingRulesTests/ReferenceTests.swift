import CofundingRules
import Foundation
import Testing

/// 10,000 random grants, and splits and collaborations beside them, against a calculation by exact fractions in
/// Python that shares no line with this one: Tests/Resources/cofunding/reference.py.
///
/// MAILLAGE_COFUNDING_CASES names another file that it wrote, with another seed or more cases.
@Suite struct ReferenceTests {
    private static let file =
        ProcessInfo.processInfo.environment["MAILLAGE_COFUNDING_CASES"].map { URL(filePath: $0) }
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Resources/cofunding/cases-2026.txt")

    @Test func everyCaseComesOutAsByExactFractions() throws {
        let lines = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n")
        try #require(lines.count >= 12_000)
        let variants = try [false, true].map { cumulate in
            try [false, true].map { try Controls.stateAid(bonusesCumulate: cumulate, countsBoundaryDay: $0) }
        }
        for line in lines {
            let reference = try ReferenceCase(line: line)
            let found: String
            do {
                found = try Self.result(of: reference, variants)
            } catch CofundingRulesError.noStateAidRules {
                found = "!"
            }
            #expect(found == reference.expected.joined(separator: " "), "\(line)")
        }
    }

    private static func result(of reference: ReferenceCase, _ variants: [[StateAidRules]]) throws -> String {
        switch reference.kind {
        case "x", "a": try single(reference, variants)
        case "c": try consortium(reference.inputs, variants)
        case "s": try split(reference.inputs)
        case "k": try collaboration(reference.inputs)
        default: throw UnknownKind(kind: String(reference.kind))
        }
    }

    private static func single(_ reference: ReferenceCase, _ variants: [[StateAidRules]]) throws -> String {
        let words = reference.inputs
        let day = try ReferenceCase.day(words[0])
        let rate: Int = try ReferenceCase.number(words[1])
        let amounts: [Int64] = try words[2...5].map(ReferenceCase.number)
        let basis = try ReferenceBasis(words[6])
        let stateAid = [basis].stateAid(among: variants)
        let isAnimation = reference.kind == "a"
        let rules = try Controls.rules(
            experimentRate: isAnimation ? 1 : rate, experimentCeiling: isAnimation ? 1 : amounts[0],
            animationRate: isAnimation ? rate : 1, animationCeiling: isAnimation ? amounts[0] : 1)
        let result =
            isAnimation
            ? try rules.animationGrant(
                AnimationClaim(
                    budgetCents: amounts[1], eligibleCostCents: amounts[2], requestedCents: amounts[3],
                    structureType: "esms", basis: basis.basis),
                on: day, stateAid: stateAid)
            : try rules.experimentGrant(
                ExperimentClaim(
                    budgetCents: amounts[1], eligibleCostCents: amounts[2], requestedCents: amounts[3],
                    basis: basis.basis),
                on: day, stateAid: stateAid)
        let cap = result.derivation.first { [.gberIntensity, .deMinimisRoom].contains($0.rule) }
        return
            "\(result.grantedCents) \(ReferenceCase.rule(result.bindingRule)) \(cap.map { "\($0.valueCents)" } ?? "-")"
    }

    private static func consortium(_ words: [Substring], _ variants: [[StateAidRules]]) throws -> String {
        let bases = try words[3...].map { try ReferenceBasis($0.split(separator: ",")[4]) }
        let partners = try zip(words[3...], bases).map { word, basis in
            let parts = word.split(separator: ",")
            return ConsortiumPartner(
                budgetCents: try ReferenceCase.number(parts[1]), eligibleCostCents: try ReferenceCase.number(parts[2]),
                requestedCents: try ReferenceCase.number(parts[3]), basis: basis.basis,
                undertakingGroup: String(parts[0]))
        }
        let rules = try Controls.rules(
            experimentRate: ReferenceCase.number(words[1]), experimentCeiling: ReferenceCase.number(words[2]))
        let result = try rules.consortiumGrant(
            partners, for: .experiment, on: ReferenceCase.day(words[0]), stateAid: bases.stateAid(among: variants))
        let shares = result.partners.map { "\($0.grantedCents),\(ReferenceCase.rule($0.bindingRule))" }
        let project = "\(result.project.grantedCents) \(ReferenceCase.rule(result.project.bindingRule))"
        return ([project] + shares).joined(separator: " ")
    }

    private static func split(_ words: [Substring]) throws -> String {
        let amounts: [Int64] = try words.map(ReferenceCase.number)
        return try PartnerShares.split(amounts[0], by: Array(amounts.dropFirst())).map(String.init)
            .joined(separator: " ")
    }

    private static func collaboration(_ words: [Substring]) throws -> String {
        let partners = try words.map { word in
            let size = ReferenceCase.size(word.first)
            return CollaborationPartner(
                kind: size.map { .undertaking($0) } ?? .researchBody(mayPublish: word.first == "p"),
                eligibleCostCents: try ReferenceCase.number(word.dropFirst(2)),
                undertakingGroup: String(word.dropFirst().prefix(1)))
        }
        let ground = try StateAidRules.gber2014.intensities.collaboration.effectiveCollaboration(between: partners)
        return switch ground {
        case .betweenUndertakings: "u"
        case .withResearchBodies: "r"
        case nil: "-"
        }
    }

    private struct UnknownKind: Error { let kind: String }
}
