import Foundation
import Postgres

/// How fast, and for how much processor time.
struct Pace: Sendable, CustomStringConvertible {
    /// Per second.
    var rate: Double
    var cost: ProcessorCost

    var description: String { "\(Int(rate))/s; \(cost)" }
}

/// Microseconds of processor time per event, by who spent them.
struct ProcessorCost: Sendable, Codable, CustomStringConvertible {
    var groups: [String: Double] = [:]

    var total: Double { groups.values.reduce(0, +) }

    /// `broker 6.2, client 10.6, database 10.8 = 27.6 µs`
    var description: String {
        let parts = groups.sorted { $0.key < $1.key }.map { "\($0.key) \(Self.rounded($0.value))" }
        return "\(parts.joined(separator: ", ")) = \(Self.rounded(total)) µs"
    }

    static func median(_ costs: [ProcessorCost]) -> ProcessorCost {
        let names = Set(costs.flatMap(\.groups.keys))
        return ProcessorCost(
            groups: Dictionary(
                uniqueKeysWithValues: names.map { name in
                    (name, rounded(BenchmarkResult.median(costs.map { $0.groups[name, default: 0] })))
                }))
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

    func encode(to encoder: any Encoder) throws { try groups.encode(to: encoder) }
    init(from decoder: any Decoder) throws { groups = try [String: Double](from: decoder) }
    init(groups: [String: Double] = [:]) { self.groups = groups }
}

/// Seconds of processor time that groups of processes have spent so far.
struct ProcessorTimes: Sendable {
    var seconds: [String: Double] = [:]

    func since(_ earlier: ProcessorTimes) -> ProcessorTimes {
        ProcessorTimes(seconds: seconds.merging(earlier.seconds) { $0 - $1 })
    }

    func cost(per count: Int) -> ProcessorCost {
        ProcessorCost(groups: seconds.mapValues { $0 * 1_000_000 / Double(count) })
    }
}

/// The processes of the two servers and of what is measured on them, as /proc knows them.
struct Machine: Sendable {
    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    let broker: Int32
    /// Backends are its children, and count with it also after their end.
    let postmaster: Int32
    /// By group. Without any, the programs that we run and wait for are the group `client`.
    var services: [String: [Int32]] = [:]

    /// - Throws: where `MAILLAGE_BENCH_INSTANCE` does not name the folder in which the broker's process is noted.
    init(of servers: Servers) async throws {
        let instance = ProcessInfo.processInfo.environment["MAILLAGE_BENCH_INSTANCE"] ?? ""
        let note = (try? String(contentsOfFile: "\(instance)/run/rabbitmq.pid", encoding: .utf8)) ?? ""
        guard let broker = note.split(separator: " ").first.flatMap({ Int32($0) }) else {
            throw Unreadable(description: "the broker's process is not known: use `make bench`")
        }
        self.broker = broker
        postmaster = try await servers.withAdministrator { lease in
            guard let row = try await lease.query("select pg_backend_pid() as pid").first else {
                throw Unreadable(description: "the database has no process")
            }
            return try Self.parent(of: try row.get("pid"))
        }
    }

    func times() throws -> ProcessorTimes {
        var seconds = ["broker": try Self.stat(broker).seconds, "database": try databaseSeconds()]
        for (group, processes) in services {
            seconds[group] = try processes.reduce(0) { try $0 + Self.stat($1).seconds }
        }
        if services.isEmpty { seconds["client"] = Self.endedChildrenSeconds() }
        return ProcessorTimes(seconds: seconds)
    }

    /// What a process holds in memory now, in MiB.
    static func residentMiB(of process: Int32) throws -> Double {
        guard let kibibytes = kibibytes("VmRSS:", of: "\(process)") else {
            throw Unreadable(description: "process \(process) is gone")
        }
        return kibibytes / 1024
    }

    /// The most memory that this process had at one time, in MiB.
    static func peakMiB() -> Double? { kibibytes("VmHWM:", of: "self").map { ($0 / 1024 * 10).rounded() / 10 } }

    private static func kibibytes(_ key: String, of process: String) -> Double? {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    }

    static func parent(of process: Int32) throws -> Int32 { try stat(process).parent }

    /// In clock ticks since the machine's start: with the number, what names a process for good.
    static func startTicks(of process: Int32) throws -> Int { try stat(process).startTicks }

    private func databaseSeconds() throws -> Double {
        var seconds = try Self.stat(postmaster).secondsWithEndedChildren
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            // One that ends while we look is found with its parent the next time.
            guard let process = Int32(name), let child = try? Self.stat(process), child.parent == postmaster else {
                continue
            }
            seconds += child.seconds
        }
        return seconds
    }

    private static func endedChildrenSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000 }
    }

    private struct Stat {
        let parent: Int32
        let seconds: Double
        let secondsWithEndedChildren: Double
        let startTicks: Int
    }

    /// The fields are numbered as in proc(5); the second, the program's name, may hold spaces and parentheses.
    private static func stat(_ process: Int32) throws -> Stat {
        let line = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 20 else { throw Unreadable(description: "process \(process) is gone") }
        func number(_ field: Int) -> Int { Int(fields[field - 3]) ?? 0 }
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        return Stat(
            parent: Int32(number(4)), seconds: Double(number(14) + number(15)) / ticksPerSecond,
            secondsWithEndedChildren: Double((14...17).reduce(0) { $0 + number($1) }) / ticksPerSecond,
            startTicks: number(22))
    }
}
