/// How a relay works. The window of unconfirmed messages is the publisher's.
package struct RelaySettings: Sendable {
    /// Rows behind the cursor per look at the outbox and per publish call, which late rows come on top of.
    package var batchCountMax = 500
    /// Publish calls at once: with 2 the next rows are read while the confirms of the last are awaited.
    package var flightCountMax = 2
    /// How long an idle relay waits when nobody signals: other replicas' commits are found by this.
    package var pollInterval = Duration.milliseconds(50)
    /// At most so long until a row that was committed late is found.
    package var rescanInterval = Duration.milliseconds(100)
    /// For one publish call, reconnecting included.
    package var publishDeadline = Duration.seconds(15)
    /// How often, in the mean, a standby tries to become the leader.
    package var standbyInterval = Duration.milliseconds(750)
    /// A leader that the database has not heard for so long loses its place: its process is stopped or its machine is
    /// cut off, and nothing else would tell.
    package var silenceMax = Duration.milliseconds(2_500)
    /// How often a leader says that it is there, whatever else it waits for.
    package var heartbeatInterval = Duration.milliseconds(600)
    /// With more subjects held back nothing new is claimed: then the broker is at fault, not a message.
    package var holdCountMax = 5_000

    package init() {}
}
