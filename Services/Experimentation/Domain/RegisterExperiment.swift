package import struct FoundationEssentials.UUID

/// A site means to try a solution.
package struct RegisterExperiment: Sendable, Equatable {
    package let site: UUID
    package let title: String
    package let solution: Solution
    package let budgetCents: Int64
    /// 0 when the site pays for everything.
    package let requestedCents: Int64
    package let participantsTarget: Int
    package let by: String

    /// What is tried, and whose it is. Names stay in this service.
    package struct Solution: Sendable, Equatable {
        package let name: String
        package let supplier: String

        package init(name: String, supplier: String) {
            self.name = name
            self.supplier = supplier
        }
    }

    package init(
        site: UUID, title: String, solution: Solution, money: (budgetCents: Int64, requestedCents: Int64),
        people: (participantsTarget: Int, by: String)
    ) {
        self.site = site
        self.title = title
        self.solution = solution
        budgetCents = money.budgetCents
        requestedCents = money.requestedCents
        participantsTarget = people.participantsTarget
        by = people.by
    }
}

extension Experiment {
    package static func register(
        _ command: RegisterExperiment, id: UUID, solution: UUID
    ) throws(ExperimentationError) -> Experiment {
        try TextLimits.require(command.title, "/title", lengthMax: TextLimits.titleLengthMax)
        try TextLimits.require(command.solution.name, "/solution/name", lengthMax: TextLimits.nameLengthMax)
        try TextLimits.require(command.solution.supplier, "/solution/supplier", lengthMax: TextLimits.nameLengthMax)
        guard (1...TextLimits.centsMax).contains(command.budgetCents) else {
            throw .invalidField("/budgetCents", expected: "cents from 1 to \(TextLimits.centsMax)")
        }
        guard (0...command.budgetCents).contains(command.requestedCents) else {
            throw .invalidField("/requestedCents", expected: "cents from 0 to the budget")
        }
        guard (1...TextLimits.participantsTargetMax).contains(command.participantsTarget) else {
            throw .invalidField(
                "/participantsTarget", expected: "a number from 1 to \(TextLimits.participantsTargetMax)")
        }
        return Experiment(command, id: id, solution: solution)
    }
}
