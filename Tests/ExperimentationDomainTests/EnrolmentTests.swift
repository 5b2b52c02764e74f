import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

struct EnrolmentTests {
    @Test func armsAlternateAndComeBackToBalance() throws {
        var experiment = try Controls.started()
        let alternating = try (0..<6).map { _ in try experiment.take(Controls.enrol()).arm }
        #expect(alternating == [.intervention, .control, .intervention, .control, .intervention, .control])
        for _ in 0..<2 { try experiment.take(Controls.enrol(arm: .intervention)) }
        #expect(try experiment.take(Controls.enrol()).arm == .control)
        #expect(try experiment.take(Controls.enrol()).arm == .control)
        #expect(try experiment.take(Controls.enrol()).arm == .intervention)
        #expect(experiment.arms == ArmCounts(intervention: 6, control: 5) && experiment.arms.total == 11)
    }

    @Test func enrollingDoesNotChangeTheVersion() throws {
        var experiment = try Controls.started()
        let version = experiment.version
        try experiment.take(Controls.enrol())
        #expect(experiment.version == version)
    }

    @Test(
        arguments: [
            ("usability", "usability", nil), ("usability interviews", "usability", nil),
            ("interviews usability", "usability interviews", nil),
            ("usability", "usability interviews", "consent-scope"),
            ("interviews", "usability", "consent-scope"), ("Usability", "usability", "consent-scope"),
            ("", "usability", "invalid-field"),
        ] as [(String, String, String?)])
    func aConsentHasToCoverTheProtocol(_ given: String, _ needed: String, _ slug: String?) throws {
        let experiment = try Controls.started(scope: needed)
        let explanation = refusal {
            _ = try experiment.enrol(
                Controls.enrol(scope: given), id: UUID(), pseudonym: Controls.pseudonym, at: Controls.now)
        }
        #expect(explanation?.slug == slug)
        if slug != nil { #expect(explanation?.field == "/consent/scope") }
    }

    @Test(
        arguments: [
            (0, nil), (-1, nil), (0.001, "consent-in-future"), (86_400, "consent-in-future"),
            (-3650 * 86_400, nil), (-3650 * 86_400 - 0.001, "consent-too-old"),
        ] as [(Double, String?)])
    func aConsentIsGivenBeforeButNotForEver(_ offsetSeconds: Double, _ slug: String?) throws {
        let experiment = try Controls.started()
        let command = Controls.enrol(givenAt: Controls.now.addingTimeInterval(offsetSeconds))
        let explanation = refusal {
            _ = try experiment.enrol(command, id: UUID(), pseudonym: Controls.pseudonym, at: Controls.now)
        }
        #expect(explanation?.slug == slug)
        if slug != nil { #expect(explanation?.field == "/consent/givenAt") }
    }

    @Test(arguments: [0, -1, 10_001])
    func formsAreCountedFromOne(_ version: Int) throws {
        var experiment = try Controls.started()
        #expect(refusal { try experiment.take(Controls.enrol(version: version)) }?.field == "/consent/version")
    }

    @Test func onlyARunningExperimentEnrols() throws {
        var registered = try Controls.experiment()
        #expect(refusal { try registered.take(Controls.enrol()) }?.slug == "wrong-state")
        var completed = try Controls.started()
        try completed.obey(.complete)
        #expect(refusal { try completed.take(Controls.enrol()) }?.slug == "wrong-state")
    }

    @Test(arguments: [
        "1840375123456", "184037512345678", "2840399123456", "184032A123456", "184032b123456", "1-84-03-75-123-456",
        "7840375123456", "18403751234567/8",
    ])
    func nationalIdentifiersAreRefused(_ code: String) throws {
        let explanation = refusal { _ = try ExternalCode(code) }
        #expect(explanation?.slug == "national-identifier" && explanation?.field == "/externalCode")
    }

    @Test(arguments: ["P-001", "184037512345", "9840375123456", "18403751234567", "184032C123456", "NANCY/2023/17"])
    func theSitesOwnCodesPass(_ code: String) throws {
        #expect(try ExternalCode(code).code == code)
    }

    @Test(arguments: ["", "a b", "é", "a\u{0}", String(repeating: "x", count: 65)])
    func otherTextIsNoCode(_ code: String) {
        #expect(refusal { _ = try ExternalCode(code) }?.slug == "invalid-field")
    }
}

struct PseudonymTests {
    @Test(
        arguments: [
            ([0, 0, 0, 0, 0, 0, 0, 0], "000000000000"), ([255, 255, 255, 255, 255, 255, 255, 255], "ZZZZZZZZZZZZ"),
            ([0x08, 0x42, 0x10, 0x84, 0x21, 0x08, 0x42, 0x10], "111111111111"),
            ([0, 0, 0, 0, 0, 0, 0, 0x10], "000000000001"), ([0, 0, 0, 0, 0, 0, 0, 0x0F], "000000000000"),
            ([0x08, 0, 0, 0, 0, 0, 0, 0], "100000000000"),
        ] as [([UInt8], String)])
    func sixtyBitsBecomeTwelveCharacters(_ bytes: [UInt8], _ code: String) {
        #expect(Pseudonym(randomBytes: bytes).code == code)
    }

    @Test func everyCharacterCanBeReadAloud() {
        var random = SplitMix64(state: 7)
        var seen: Set<Character> = []
        var codes: Set<String> = []
        for _ in 0..<2000 {
            let code = Pseudonym(randomBytes: (0..<8).map { _ in .random(in: 0...255, using: &random) }).code
            #expect(code.count == 12)
            seen.formUnion(code)
            codes.insert(code)
        }
        #expect(seen == Set("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
        #expect(codes.count == 2000)
    }
}
