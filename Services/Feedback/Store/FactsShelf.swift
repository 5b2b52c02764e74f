import FeedbackDomain
import FoundationEssentials
import Synchronization

/// Facts that never change once they are committed: windows of an approved protocol version, and who is behind a code.
/// Kept between batches, since most of what comes is about the same few experiments and from people who answer time
/// after time.
///
/// Only for transactions that read what others committed: one that tells a fact itself may yet be rolled back.
final class FactsShelf: Sendable {
    struct Version: Hashable {
        let experiment: UUID
        let number: Int
    }

    /// Some 5 MiB. Full shelves are emptied: what is in use is back with the next batches.
    private static let participantCountMax = 20_000
    private static let versionCountMax = 4_000

    private struct Contents {
        var participants: [ParticipantKey: ParticipantFacts] = [:]
        var windows: [Version: [MeasureWindow]] = [:]
    }

    private let contents = Mutex(Contents())

    /// Those of the submissions' participants that are known.
    func participants(of submissions: [Submission]) -> [ParticipantKey: ParticipantFacts] {
        contents.withLock { contents in
            var known: [ParticipantKey: ParticipantFacts] = [:]
            known.reserveCapacity(submissions.count)
            for submission in submissions {
                let key = submission.participantKey
                if let facts = contents.participants[key] { known[key] = facts }
            }
            return known
        }
    }

    func keep(_ participants: [ParticipantKey: ParticipantFacts]) {
        guard !participants.isEmpty else { return }
        contents.withLock { contents in
            if contents.participants.count + participants.count > Self.participantCountMax {
                contents.participants = [:]
            }
            contents.participants.merge(participants) { _, new in new }
        }
    }

    func windows(of versions: [Version]) -> [Version: [MeasureWindow]] {
        contents.withLock { contents in
            var known: [Version: [MeasureWindow]] = [:]
            for version in versions {
                if let windows = contents.windows[version] { known[version] = windows }
            }
            return known
        }
    }

    func keep(_ windows: [Version: [MeasureWindow]]) {
        guard !windows.isEmpty else { return }
        contents.withLock { contents in
            if contents.windows.count + windows.count > Self.versionCountMax { contents.windows = [:] }
            contents.windows.merge(windows) { _, new in new }
        }
    }
}
