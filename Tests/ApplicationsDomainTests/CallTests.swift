import Testing

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

@testable import ApplicationsDomain

struct CallTests {
    @Test func aCallIsPublishedAsGiven() throws {
        let call = try Controls.call()
        #expect(call.version == 1 && call.wave == 1 && call.placesTarget == 30)
        #expect(call.graceUntil == Controls.graceUntil)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let field: String
        let change: @Sendable (inout PublishCall) -> Void
        var testDescription: String { field }
    }

    @Test(arguments: [
        Wrong(field: "/wave") { $0.wave = 0 },
        Wrong(field: "/wave") { $0.wave = 100 },
        Wrong(field: "/title") { $0.title = "  " },
        Wrong(field: "/title") { $0.title = String(repeating: "x", count: 201) },
        Wrong(field: "/title") { $0.title = "a\u{0}b" },
        Wrong(field: "/deadline") { $0.deadline = $0.opensAt },
        Wrong(field: "/graceUntil") { $0.graceUntil = $0.deadline.addingTimeInterval(-1) },
        Wrong(field: "/placesTarget") { $0.placesTarget = 0 },
        Wrong(field: "/animationEnvelopeCents") { $0.animationEnvelopeCents = 0 },
        Wrong(field: "/experimentsEnvelopeCents") { $0.experimentsEnvelopeCents = -1 },
        Wrong(field: "/experimentsEnvelopeCents") { $0.experimentsEnvelopeCents = .max },
    ])
    func aWrongCallNamesItsField(_ wrong: Wrong) {
        var command = Controls.publish()
        wrong.change(&command)
        let explanation = refusal { _ = try Call.publish(command, id: UUID()) }
        #expect(explanation?.slug == "invalid-field")
        #expect(explanation?.field == wrong.field)
        #expect(explanation?.kind == .invalid)
    }

    @Test func graceMayEndWithTheDeadline() throws {
        var command = Controls.publish()
        command.graceUntil = command.deadline
        let call = try Call.publish(command, id: UUID())
        #expect(call.state(at: command.deadline) == .closed)
    }

    @Test(arguments: [
        (Controls.opensAt.addingTimeInterval(-0.001), CallState.announced), (Controls.opensAt, .open),
        (Controls.deadline.addingTimeInterval(-0.001), .open), (Controls.deadline, .grace),
        (Controls.graceUntil.addingTimeInterval(-0.001), .grace), (Controls.graceUntil, .closed),
    ])
    func boundariesAreHalfOpen(_ instant: Date, _ state: CallState) throws {
        #expect(try Controls.call().state(at: instant) == state)
    }
}
