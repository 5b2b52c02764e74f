import FoundationEssentials

/// Why an event is parked.
enum ParkingCause: String, Sendable {
    case predecessor
    case deadPredecessor = "dead-predecessor"
    case readiness
}

/// What a transaction of the inbox comes to; counted after its commit only.
struct InboxEffects {
    struct Parking {
        let message: InboundMessage
        let cause: ParkingCause
        let reason: String
    }

    /// Of event types.
    var applied: [String: Int] = [:]
    var ignoredCount = 0
    /// Ids that were in the inbox already, and events below their subject's last sequence.
    var duplicateCount = 0
    var parkings: [Parking] = []
    /// Parked events that were applied or turned out to be old.
    var unparked: [UUID] = []
    /// Parked events that are still not ready, with the reason.
    var postponed: [(id: UUID, reason: String)] = []

    mutating func count(_ outcome: HandlerOutcome, of type: String) {
        if outcome == .applied { applied[type, default: 0] += 1 } else { ignoredCount += 1 }
    }
}
