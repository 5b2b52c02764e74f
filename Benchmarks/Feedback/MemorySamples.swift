/// What services hold in memory, looked at from time to time.
struct MemorySamples {
    private let services: [RunningService]
    private let interval: Duration
    private var dueAt = ContinuousClock.now
    /// In MiB, in the order of time; of several replicas the one that holds most.
    private(set) var byService: [String: [Double]] = [:]

    init(services: [RunningService], interval: Duration) {
        self.services = services
        self.interval = interval
    }

    mutating func takeIfDue() throws {
        guard ContinuousClock.now >= dueAt else { return }
        dueAt = .now + interval
        var sample: [String: Double] = [:]
        for service in services {
            sample[service.name] = max(
                sample[service.name, default: 0], try Machine.residentMiB(of: service.identifier))
        }
        for (name, value) in sample { byService[name, default: []].append(value) }
    }
}
