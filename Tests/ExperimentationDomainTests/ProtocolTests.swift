import Testing

@testable import ExperimentationDomain

struct ProtocolTests {
    private func explanation(_ command: ApproveProtocol) throws -> ExperimentationError.Explanation? {
        let experiment = try Controls.experiment()
        return refusal { _ = try experiment.decide(.approveProtocol(command), at: Controls.now) }
    }

    @Test func versionsAreCountedFromOne() throws {
        var experiment = try Controls.experiment()
        #expect(
            refusal { try experiment.obey(.approveProtocol(Controls.approve(version: 2))) }?.slug
                == "protocol-version-taken")
        try experiment.obey(.approveProtocol(Controls.approve()))
        let again = refusal { try experiment.obey(.approveProtocol(Controls.approve())) }
        #expect(again?.slug == "protocol-version-taken" && again?.field == "/protocolVersion")
        #expect(again?.mend.contains("2") == true)
        try experiment.obey(.approveProtocol(Controls.approve(version: 2)))
        #expect(experiment.approvedProtocol?.version == 2 && experiment.version == 3)
    }

    @Test(arguments: LegalQualification.allCases)
    func researchOnPersonsNeedsEvidence(_ qualification: LegalQualification) throws {
        let without = try explanation(Controls.approve(qualification: qualification))
        #expect((without == nil) == !qualification.needsEvidence)
        if let without { #expect(without.slug == "evidence-required" && without.field == "/evidenceReference") }
        #expect(try explanation(Controls.approve(qualification: qualification, evidence: "CPP 2023-A00012-43")) == nil)
        #expect(try explanation(Controls.approve(qualification: qualification, evidence: " ")) != nil)
    }

    @Test func theQualificationsAreTheOnesOfTheLaw() {
        #expect(
            LegalQualification.allCases.map(\.rawValue) == [
                "non_RIPH_satisfaction", "non_RIPH_MR004", "RIPH1", "RIPH2", "RIPH3_MR003",
                "clinical_investigation_MDR",
            ])
        #expect(LegalQualification.allCases.map(\.needsEvidence) == [false, false, true, true, true, true])
    }

    @Test func whoRegisteredDoesNotApprove() throws {
        let explanation = try explanation(Controls.approve(by: "site-1"))
        #expect(explanation?.slug == "separation-of-duties" && explanation?.kind == .forbidden)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let slug: String
        let field: String
        var windows = Controls.windows
        var milestones = Controls.milestones
        var testDescription: String { "\(slug) \(field)" }
    }

    private static func window(
        _ occasion: String = "M6", instrument: Instrument = .systemUsabilityScale, version: String = "F-SUS-2021",
        days: (Int, Int) = (0, 10)
    ) -> MeasureWindow {
        MeasureWindow(instrument: instrument, instrumentVersion: version, occasion: occasion, days: days)
    }

    static let wrong: [Wrong] = [
        Wrong(slug: "invalid-field", field: "/windows", windows: []),
        Wrong(slug: "invalid-field", field: "/windows", windows: (0...200).map { window("D\($0)") }),
        Wrong(slug: "invalid-field", field: "/windows/0/occasion", windows: [window("M 3")]),
        Wrong(slug: "invalid-field", field: "/windows/0/occasion", windows: [window("")]),
        Wrong(slug: "invalid-field", field: "/windows/0/instrumentVersion", windows: [window(version: "é")]),
        Wrong(slug: "invalid-field", field: "/windows/0/opensDay", windows: [window(days: (-1, 5))]),
        Wrong(slug: "invalid-field", field: "/windows/0/closesDay", windows: [window(days: (5, 5))]),
        Wrong(slug: "invalid-field", field: "/windows/0/closesDay", windows: [window(days: (5, 3651))]),
        Wrong(slug: "window-repeated", field: "/windows/1/occasion", windows: [window(), window(days: (50, 60))]),
        Wrong(
            slug: "instrument-versions-mixed", field: "/windows/1/instrumentVersion",
            windows: [window(), window("M9", version: "2")]),
        Wrong(
            slug: "invalid-field", field: "/milestones/0/milestone",
            milestones: [.init(milestone: "a b", responsesCountMin: 1)]),
        Wrong(
            slug: "invalid-field", field: "/milestones/0/responsesCountMin",
            milestones: [.init(milestone: "a", responsesCountMin: 0)]),
        Wrong(
            slug: "milestone-repeated", field: "/milestones/1",
            milestones: [.init(milestone: "a", responsesCountMin: 1), .init(milestone: "a", responsesCountMin: 2)]),
        Wrong(
            slug: "milestone-repeated", field: "/milestones/1",
            milestones: [.init(milestone: "a", responsesCountMin: 1), .init(milestone: "b", responsesCountMin: 1)]),
        Wrong(
            slug: "invalid-field", field: "/milestones",
            milestones: (1...21).map { .init(milestone: "m\($0)", responsesCountMin: $0) }),
    ]

    @Test(arguments: wrong)
    func aWrongProtocolNamesItsField(_ wrong: Wrong) throws {
        let explanation = try explanation(Controls.approve(measures: (wrong.windows, wrong.milestones)))
        #expect(explanation?.slug == wrong.slug && explanation?.field == wrong.field)
    }

    @Test func twoInstrumentsMayShareAnOccasion() throws {
        #expect(try explanation(Controls.approve(measures: (Controls.windows, []))) == nil)
    }

    @Test(arguments: ["", " ", "usability  interviews", "usability ", "a/b", String(repeating: "x", count: 65)])
    func aConsentScopeIsAListOfCodes(_ scope: String) throws {
        #expect(try explanation(Controls.approve(scope: scope))?.field == "/consentScope")
    }

    @Test func aRunningExperimentKeepsItsProtocol() throws {
        let experiment = try Controls.started()
        #expect(
            refusal { _ = try experiment.decide(.approveProtocol(Controls.approve(version: 2)), at: Controls.now) }?
                .slug
                == "wrong-state")
    }
}
