import Testing

import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

struct RegistrationTests {
    @Test(arguments: [
        (Controls.register(title: " "), "/title"), (Controls.register(supplier: ""), "/solution/supplier"),
        (Controls.register(budgetCents: 0), "/budgetCents"),
        (Controls.register(budgetCents: TextLimits.centsMax + 1), "/budgetCents"),
        (Controls.register(requestedCents: -1), "/requestedCents"),
        (Controls.register(requestedCents: 60_000_001), "/requestedCents"),
        (Controls.register(participantsTarget: 0), "/participantsTarget"),
        (Controls.register(participantsTarget: 1_000_001), "/participantsTarget"),
    ])
    func aWrongExperimentNamesItsField(_ command: RegisterExperiment, _ field: String) {
        let explanation = refusal { _ = try Experiment.register(command, id: UUID(), solution: UUID()) }
        #expect(explanation?.slug == "invalid-field" && explanation?.field == field)
    }

    @Test func cofundingIsAskedForWithTheRegistration() throws {
        #expect(try Controls.experiment(requestedCents: 1).cofunding == .requested)
        #expect(try Controls.experiment(requestedCents: 0).cofunding == .notRequested)
        #expect(try Controls.experiment().version == 1)
    }
}
