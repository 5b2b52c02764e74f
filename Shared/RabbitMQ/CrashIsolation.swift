/// How many deliveries may be out together, so that a message that kills the process takes few others with it.
///
/// Whatever is out when a process dies comes again with a raised count, and at the queue's delivery limit it is dead:
/// with a plain prefetch of 1,000, a hundred deaths over one poisonous message bury its 999 neighbours as well. So
/// whatever was delivered before is suspected. Suspects are handled one batch at a time, with nothing else out: first
/// one message, then as many more as were settled since, so the share doubles. A backlog that was merely delivered
/// before is therefore back at full speed after some ten small batches; and however many deaths a killer causes, nobody
/// beside it is counted more than some fourteen times, because what comes before it is settled when it is reached
/// (docs/decisions/0012).
///
/// `basic.qos` reaches new subscriptions only, so each step cancels the subscription and makes another. A subscription
/// is cancelled when its window is full and never before: what is on its way to one that is cancelled the broker takes
/// back, counts once more and puts behind what it sent after it, in any order (measured). A window that does not fill
/// holds nothing up. Every channel begins with one message: the first that the broker sends may be the killer.
struct CrashIsolation {
    enum Step: Equatable {
        case cancel
        case subscribe(prefetch: UInt16)
    }

    private enum Subscription {
        case standing(prefetch: Int)
        case cancelling
        case none
    }

    /// What a new channel's first subscription asks for.
    static let firstPrefetch: UInt16 = 1

    private let batchCountMax: Int
    private let prefetchMax: Int
    private var subscription = Subscription.standing(prefetch: Int(firstPrefetch))
    private var share = 1
    /// The first suspect since the share began to grow.
    private var firstSuspect: UInt64 = 0
    private var lastSuspect: UInt64 = 0
    private var lastDelivered: UInt64 = 0
    private var settledUpTo: UInt64 = 0

    init(batchCountMax: Int, prefetchMax: Int) {
        self.batchCountMax = batchCountMax
        self.prefetchMax = max(prefetchMax, batchCountMax)
    }

    /// Whether a suspect is out: batches go one by one, and hold at most ``batchCount``.
    var isCautious: Bool { lastSuspect > settledUpTo && share < batchCountMax }

    var batchCount: Int { isCautious ? share : batchCountMax }

    /// A new channel: tags count from 1.
    mutating func begin() { self = CrashIsolation(batchCountMax: batchCountMax, prefetchMax: prefetchMax) }

    mutating func deliver(tag: UInt64, isSuspect: Bool) {
        if isSuspect {
            let isNewEpisode = lastSuspect <= settledUpTo && lastSuspect != lastDelivered
            if isNewEpisode || lastSuspect == 0 { (share, firstSuspect) = (1, tag) }
            lastSuspect = tag
        }
        lastDelivered = tag
    }

    mutating func settle(upTo tag: UInt64) {
        if isCautious {
            // What came before the first suspect proves nothing about it.
            let provenBefore = max(settledUpTo, firstSuspect - 1)
            share = min(batchCountMax, share + (tag > provenBefore ? Int(tag - provenBefore) : 0))
        }
        settledUpTo = max(settledUpTo, tag)
    }

    /// The broker has ended the subscription at our wish: nothing more comes through it.
    mutating func cancelled() {
        if case .cancelling = subscription { subscription = .none }
    }

    /// What to ask of the broker now; what is answered counts as asked.
    mutating func nextStep() -> Step? {
        switch subscription {
        case .standing(let prefetch):
            // A suspect that comes into a full prefetch, because another process died, leaves it as it is: what is out
            // behind it is out already.
            guard prefetch < prefetchMax, lastDelivered - settledUpTo >= UInt64(prefetch) else { return nil }
            subscription = .cancelling
            return .cancel
        case .cancelling:
            return nil
        case .none:
            guard !isCautious else { return nil }
            let isAmongSuspects = lastDelivered == lastSuspect && share < batchCountMax
            let prefetch = isAmongSuspects ? share : prefetchMax
            subscription = .standing(prefetch: prefetch)
            return .subscribe(prefetch: UInt16(clamping: prefetch))
        }
    }
}
