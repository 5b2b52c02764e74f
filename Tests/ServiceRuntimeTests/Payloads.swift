import Events
import FoundationEssentials

extension CallPublished {
    /// A call as far as a probe needs one.
    static var probe: CallPublished {
        let day = Date(timeIntervalSince1970: 1_772_442_000)
        return CallPublished(
            call: UUID(), wave: 1, title: "Vague 1", opensAt: day, deadline: day + 86_400, graceUntil: day + 90_000,
            placesTarget: 30, animationEnvelopeCents: 1, experimentsEnvelopeCents: 1)
    }
}

extension GrantReserved {
    static var probe: GrantReserved {
        GrantReserved(
            grant: UUID(), envelope: UUID(), call: UUID(), kind: .animation, application: UUID(), experiment: nil,
            beneficiarySiren: "123456789", reservedCents: 100, ruleSet: "2026", bindingRule: "none")
    }
}
