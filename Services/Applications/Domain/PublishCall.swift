package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// The operator opens a wave.
package struct PublishCall: Sendable, Equatable {
    package var wave: Int
    package var title: String
    package var opensAt: Date
    package var deadline: Date
    package var graceUntil: Date
    package var placesTarget: Int
    package var animationEnvelopeCents: Int64
    package var experimentsEnvelopeCents: Int64

    package init(
        wave: Int, title: String, window: (opensAt: Date, deadline: Date, graceUntil: Date), placesTarget: Int,
        envelopeCents: (animation: Int64, experiments: Int64)
    ) {
        self.wave = wave
        self.title = title
        opensAt = window.opensAt
        deadline = window.deadline
        graceUntil = window.graceUntil
        self.placesTarget = placesTarget
        animationEnvelopeCents = envelopeCents.animation
        experimentsEnvelopeCents = envelopeCents.experiments
    }
}

extension Call {
    package static func publish(_ command: PublishCall, id: UUID) throws(ApplicationsError) -> Call {
        guard (1...99).contains(command.wave) else { throw .invalidField("/wave", expected: "a number from 1 to 99") }
        try ContentLimits.requireText(command.title, "/title", lengthMax: ContentLimits.titleLengthMax)
        guard command.opensAt < command.deadline else {
            throw .invalidField("/deadline", expected: "an instant after opensAt")
        }
        guard command.deadline <= command.graceUntil else {
            throw .invalidField("/graceUntil", expected: "the deadline or an instant after it")
        }
        guard (1...10_000).contains(command.placesTarget) else {
            throw .invalidField("/placesTarget", expected: "a number of places from 1 to 10000")
        }
        try ContentLimits.requireMoney(command.animationEnvelopeCents, "/animationEnvelopeCents")
        try ContentLimits.requireMoney(command.experimentsEnvelopeCents, "/experimentsEnvelopeCents")
        return Call(command, id: id)
    }
}
