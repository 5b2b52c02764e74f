import FoundationEssentials

/// Applies the events of one subject in their sequence, while its row is locked.
struct SubjectRun<Session: InboxSession> {
    private let key: OrderKey
    private let dead: Int64?
    private let session: Session
    private(set) var last: Int64

    init(_ key: OrderKey, _ place: InboxStore.Place, _ session: Session) {
        self.key = key
        self.session = session
        (last, dead) = (place.last, place.dead)
    }

    /// Goes on as far as there is no gap, from what has just come and what is parked, and parks the rest.
    /// - Parameters:
    ///   - fresh: sorted by sequence.
    ///   - firstParked: the lowest parked sequence behind the last applied one.
    mutating func go(
        _ fresh: [InboundMessage], firstParked: Int64?, effects: inout InboxEffects
    ) async throws {
        var waiting = fresh[...]
        var firstParked = firstParked
        var stop: String?
        while stop == nil {
            if let message = waiting.first, message.event.sequence <= last {
                // The same sequence under another id: an owner that published twice, or a replay.
                waiting.removeFirst()
                effects.duplicateCount += 1
            } else if let message = waiting.first, message.event.sequence == last + 1 {
                waiting.removeFirst()
                stop = try await apply(message, &effects)
            } else if firstParked == last + 1 {
                (stop, firstParked) = try await applyParked(&effects)
            } else {
                break
            }
        }
        for message in waiting { effects.parkings.append(parking(message, behind: stop)) }
    }

    /// - Returns: why the run must stop here; nil when the event was applied.
    private mutating func apply(_ message: InboundMessage, _ effects: inout InboxEffects) async throws -> String? {
        let outcome = try await session.apply(message.event)
        if case .notReady(let reason) = outcome {
            effects.parkings.append(InboxEffects.Parking(message: message, cause: .readiness, reason: reason))
            return reason
        }
        effects.count(outcome, of: message.event.type)
        last = message.event.sequence
        return nil
    }

    /// Applies the parked events that follow.
    /// - Returns: why the run must stop here, and otherwise the next parked sequence.
    private mutating func applyParked(_ effects: inout InboxEffects) async throws -> (stop: String?, next: Int64?) {
        for parked in try await session.run(of: key, behind: last) {
            let event = parked.message.event
            guard parked.isDue else { return ("waits for \(event.sequence), which is not ready", nil) }
            let outcome = try await session.apply(event)
            if case .notReady(let reason) = outcome {
                effects.postponed.append((event.id, reason))
                return (reason, nil)
            }
            effects.count(outcome, of: event.type)
            effects.unparked.append(event.id)
            last = event.sequence
        }
        return (nil, try await session.firstSequences(behind: [(key, last)])[key])
    }

    private func parking(_ message: InboundMessage, behind stop: String?) -> InboxEffects.Parking {
        guard stop == nil, let dead, dead == last + 1 else {
            return InboxEffects.Parking(
                message: message, cause: .predecessor, reason: "predecessor \(last + 1) is not applied")
        }
        return InboxEffects.Parking(
            message: message, cause: .deadPredecessor, reason: "predecessor dead-lettered: \(dead)")
    }
}
