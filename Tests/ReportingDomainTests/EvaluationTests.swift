import FoundationEssentials
import ReportingDomain
import Testing

struct EvaluationTests {
    private static let content = EvaluationContent(
        documentReference: "GED-1", conclusion: .favourable, summary: "412 persons.\r\nNo harm.")

    private func ended(by kind: FactKind?) throws -> EvaluatedExperiment {
        var facts = Controls.facts
        if let kind { facts.append(Controls.fact(kind, Controls.experiment) { $0.experiment = Controls.experiment }) }
        return try #require(EvaluatedExperiment(Controls.experiment, facts: FactBook(facts)))
    }

    private func refusal(_ content: EvaluationContent, of experiment: EvaluatedExperiment) -> EvaluationError? {
        do throws(EvaluationError) {
            _ = try experiment.publish(content, by: "operator-1", at: Controls.start)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [FactKind.experimentCompleted, .experimentTerminated])
    func anExperimentThatEndedIsEvaluated(_ end: FactKind) throws {
        // given
        let experiment = try ended(by: end)
        // when
        let publication = try experiment.publish(Self.content, by: "operator-1", at: Controls.start)
        // then
        #expect(experiment.agreement == Controls.agreement && experiment.experiment == Controls.experiment)
        #expect(publication == EvaluationPublication(Self.content, by: "operator-1", at: Controls.start))
    }

    @Test func anExperimentThatRunsIsNotEvaluated() throws {
        let error = refusal(Self.content, of: try ended(by: nil))
        #expect(error == .experimentNotEnded)
        #expect(error?.explanation.slug == "experiment-not-ended" && error?.explanation.isConflict == true)
    }

    @Test func anotherExperimentsEndIsNotItsOwn() throws {
        let other = Controls.fact(.experimentCompleted, Controls.id(60)) { $0.experiment = Controls.id(60) }
        let experiment = EvaluatedExperiment(Controls.experiment, facts: FactBook(Controls.facts + [other]))
        #expect(experiment?.hasEnded == false)
    }

    @Test func anExperimentWithoutItsRegistrationIsNotKnown() {
        let end = Controls.fact(.experimentCompleted, Controls.experiment) {
            $0.experiment = Controls.experiment
            $0.agreement = Controls.agreement
        }
        #expect(EvaluatedExperiment(Controls.experiment, facts: FactBook([end])) == nil)
        #expect(EvaluatedExperiment(Controls.id(60), facts: FactBook(Controls.facts)) == nil)
    }

    @Test(
        arguments: [
            (("GED-1", "a\r\nb\n\nc"), nil),
            (("", "x"), "/documentReference"), ((" ", "x"), "/documentReference"),
            (("a\nb", "x"), "/documentReference"), (("a\u{85}b", "x"), "/documentReference"),
            ((String(repeating: "é", count: 256), "x"), nil),
            ((String(repeating: "é", count: 257), "x"), "/documentReference"),
            (("r", ""), "/summary"), (("r", " \n"), "/summary"), (("r", "a\tb"), "/summary"),
            (("r", "a\u{0}b"), "/summary"), (("r", "a\u{7F}b"), "/summary"), (("r", "a\u{9F}b"), "/summary"),
            (("r", String(repeating: "é", count: 10_000)), nil),
            (("r", String(repeating: "é", count: 10_001)), "/summary"),
        ] as [((reference: String, summary: String), String?)])
    func anEvaluationNamesItsWrongField(_ sent: (reference: String, summary: String), _ field: String?) throws {
        let content = EvaluationContent(
            documentReference: sent.reference, conclusion: .inconclusive, summary: sent.summary)
        let explanation = refusal(content, of: try ended(by: .experimentCompleted))?.explanation
        #expect(explanation?.field == field && explanation?.isConflict != true)
        // What is wrong in itself is said before what is not to be yet.
        let early = refusal(content, of: try ended(by: nil))
        #expect(early?.explanation.field == field && early != nil)
    }
}
