/// The group of an experiment that a participant belongs to.
package enum Arm: String, Sendable, CaseIterable, Codable {
    case intervention
    case control
}

/// How many participants each arm has.
package struct ArmCounts: Sendable, Equatable {
    package var intervention: Int
    package var control: Int

    package init(intervention: Int = 0, control: Int = 0) {
        self.intervention = intervention
        self.control = control
    }

    package var total: Int { intervention + control }

    /// The smaller arm, intervention first: strict alternation as long as nobody chooses, and back to balance
    /// afterwards.
    package var next: Arm { control < intervention ? .control : .intervention }

    package mutating func add(_ arm: Arm) {
        switch arm {
        case .intervention: intervention += 1
        case .control: control += 1
        }
    }
}
