/// How patient an inbox is. Batch size and wait are the consumer's.
package struct InboxSettings: Sendable {
    /// Runs of a transaction that loses to others or to its timeout, each with the pool's own attempts inside.
    package var conflictAttemptCountMax = 6
    /// How long a batch waits for a database that is not there, before it goes back to the queue. Long, because every
    /// return counts against the queue's delivery limit; shorter than RabbitMQ's consumer timeout of 30 min.
    package var outagePatience = Duration.seconds(300)
    /// A message that was in conflict in this many deliveries lies among the dead letters.
    package var conflictDeliveryCountMax = 5
    /// How often parked events that are due are looked for.
    package var sweepInterval = Duration.milliseconds(500)
    /// How often what was received is compared with what the owners say.
    package var reportInterval = Duration.seconds(10)
    /// How long an event may be on its way behind one that is here, before its subject counts as a hole.
    package var holeAge = Duration.seconds(60)

    package init() {}
}
