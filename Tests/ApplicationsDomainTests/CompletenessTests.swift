import CofundingRules
import Testing

import struct FoundationEssentials.Date

@testable import ApplicationsDomain

struct CompletenessTests {
    private func findings(
        _ content: ApplicationContent, callState: CallState = .open, estimate: GrantEstimate? = nil
    ) throws -> [Finding] {
        Completeness(
            content, owner: Controls.owner, callState: callState,
            estimate: try estimate ?? Controls.estimate(content)
        ).findings
    }

    @Test func aCompleteApplicationHasNoFinding() throws {
        #expect(try findings(Controls.content()).isEmpty)
    }

    struct Flaw: Sendable, CustomTestStringConvertible {
        let slug: String
        let field: String
        var severity = Finding.Severity.error
        let change: @Sendable (inout ApplicationContent) -> Void
        var testDescription: String { "\(slug) \(field)" }
    }

    static let flaws: [Flaw] = [
        Flaw(slug: "missing", field: "/title") { $0.title = nil },
        Flaw(slug: "missing", field: "/title") { $0.title = "  \n" },
        Flaw(slug: "missing", field: "/lead") { $0.lead = nil },
        Flaw(slug: "missing", field: "/lead/siren") { $0.lead?.siren = nil },
        Flaw(slug: "siren-invalid", field: "/lead/siren") { $0.lead?.siren = "200034582" },
        Flaw(slug: "missing", field: "/lead/name") { $0.lead?.name = "" },
        Flaw(slug: "missing", field: "/lead/structureType") { $0.lead?.structureType = nil },
        Flaw(slug: "missing", field: "/lead/sector") { $0.lead?.sector = nil },
        Flaw(slug: "lead-is-not-depositor", field: "/lead/siren", severity: .warning) {
            $0.lead?.siren = Controls.strangerSiren
        },
        Flaw(slug: "siren-repeated", field: "/partners/0/siren") { $0.partners[0].siren = Controls.leadSiren },
        Flaw(slug: "siren-repeated", field: "/partners/1/siren") { $0.partners.append($0.partners[0]) },
        Flaw(slug: "siren-invalid", field: "/partners/0/siren") { $0.partners[0].siren = "12345" },
        Flaw(slug: "missing", field: "/partners/0/structureType") { $0.partners[0].structureType = nil },
        Flaw(slug: "missing", field: "/partners/0/sector") { $0.partners[0].structureType = .medicoSocial },
        Flaw(slug: "missing", field: "/animationBudgetCents") { $0.animationBudgetCents = nil },
        Flaw(slug: "missing", field: "/animationBudgetCents") { $0.animationBudgetCents = 0 },
        Flaw(slug: "missing", field: "/requestedCents") { $0.requestedCents = nil },
        Flaw(slug: "requested-above-budget", field: "/requestedCents") { $0.requestedCents = 150_000_001 },
        Flaw(slug: "requested-above-cap", field: "/requestedCents", severity: .warning) {
            $0.requestedCents = 75_000_001
        },
        Flaw(slug: "no-experiments", field: "/experiments", severity: .warning) { $0.experiments = [] },
        Flaw(slug: "missing", field: "/experiments/0/title") { $0.experiments[0].title = nil },
        Flaw(slug: "missing", field: "/experiments/0/budgetCents") { $0.experiments[0].budgetCents = nil },
        Flaw(slug: "missing", field: "/contact") { $0.contact = nil },
        Flaw(slug: "missing", field: "/contact/name") { $0.contact?.name = " " },
        Flaw(slug: "missing", field: "/contact/email") { $0.contact?.email = nil },
        Flaw(slug: "lead-not-admitted", field: "/lead/structureType", severity: .warning) {
            $0.lead?.structureType = .supplier
        },
        Flaw(slug: "no-health-structure", field: "/partners", severity: .warning) {
            $0.lead?.structureType = .innovationActor
        },
        Flaw(slug: "no-ceiling-for-structure-type", field: "/lead/structureType", severity: .warning) {
            $0.lead?.structureType = .cityCare
        },
    ]

    @Test(arguments: flaws)
    func everyFlawIsNamedWithItsField(_ flaw: Flaw) throws {
        // given
        var content = Controls.content()
        flaw.change(&content)
        // when
        let finding = try findings(content).first { $0.slug == flaw.slug && $0.field == flaw.field }
        // then
        let found = try #require(finding)
        #expect(found.severity == flaw.severity)
        #expect(found.messageFr.hasPrefix(flaw.field + " : ") && found.messageEn.hasPrefix(flaw.field + ": "))
        #expect(found.messageFr != found.messageEn)
    }

    @Test(arguments: [
        "ada", "ada@", "@chu.example", "ada@chu", "ada@chu..example", "a da@chu.example", "ada@-chu.example",
        "ada@a@b.example", "ada@chu.example ",
    ])
    func whatCannotBeAnAddressIsRefused(_ email: String) throws {
        var content = Controls.content()
        content.contact?.email = email
        #expect(try findings(content).map(\.slug) == ["email-invalid"])
    }

    @Test(arguments: ["ada@chu.example", "a.b+c@sous.domaine.example", "jérôme@hôpital.example"])
    func unusualAddressesPass(_ email: String) throws {
        var content = Controls.content()
        content.contact?.email = email
        #expect(try findings(content).isEmpty)
    }

    @Test func anEmptyDraftHasEveryErrorAtOnce() throws {
        let found = try findings(ApplicationContent(), estimate: .contentMissing)
        #expect(
            found.filter(\.isError).map(\.field) == [
                "/title", "/lead", "/animationBudgetCents", "/requestedCents", "/contact",
            ])
    }

    @Test func unknownRulesAreAWarning() throws {
        let found = try findings(Controls.content(), estimate: .ruleSetUnknown)
        #expect(found.map(\.slug) == ["rule-set-not-known"])
        #expect(found.map(\.isError) == [false])
    }

    @Test(arguments: [
        (CallState.announced, ["call-not-open"]), (.open, []), (.grace, ["deadline-passed"]),
        (.closed, ["call-closed"]),
    ])
    func theStateOfTheCallIsAWarning(_ state: CallState, _ slugs: [String]) throws {
        #expect(try findings(Controls.content(), callState: state).map(\.slug) == slugs)
    }

    @Test func theEstimateNamesTheBindingRule() throws {
        var content = Controls.content()
        content.requestedCents = 60_000_000
        let result = try #require(try Controls.estimate(content).result)
        #expect(result.grantedCents == 60_000_000 && result.bindingRule == .requestedAmount)
        #expect(try Controls.estimate(content).capCents == 75_000_000)
    }

    @Test func rulesCountFromTheirFirstDay() throws {
        let ruleSet = try Controls.ruleSet()
        let before = GrantEstimate(
            Controls.content(), ruleSets: [ruleSet], at: ruleSet.validFrom.addingTimeInterval(-0.001))
        #expect(before == .ruleSetUnknown)
        #expect(GrantEstimate(Controls.content(), ruleSets: [ruleSet], at: ruleSet.validFrom).result != nil)
    }

    @Test(
        arguments: [
            ("/partners", { @Sendable in $0.partners = Array(repeating: $0.partners[0], count: 51) }),
            ("/experiments", { $0.experiments = Array(repeating: $0.experiments[0], count: 51) }),
            ("/requestedCents", { $0.requestedCents = -1 }),
            ("/animationBudgetCents", { $0.animationBudgetCents = ContentLimits.centsMax + 1 }),
            ("/lead/siren", { $0.lead?.siren = String(repeating: "1", count: 21) }),
            ("/partners/0/name", { $0.partners[0].name = "a\u{7}" }),
            ("/contact/email", { $0.contact?.email = String(repeating: "a", count: 255) }),
        ] as [(String, @Sendable (inout ApplicationContent) -> Void)])
    func evenADraftHasLimits(_ field: String, _ change: @Sendable (inout ApplicationContent) -> Void) throws {
        var content = Controls.content()
        change(&content)
        #expect(throws: ApplicationsError.self) { try ContentLimits.check(content) }
        #expect(refusal { try ContentLimits.check(content) }?.field == field)
    }
}
