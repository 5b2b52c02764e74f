import Events
import FeedbackDomain
import FoundationEssentials

/// A submission that counts from now on, or one that takes a response back. An object, since it goes through several
/// lists.
final class PlannedResponse: Sendable {
    enum Origin: Sendable {
        /// A publisher's event.
        case event(key: UUID, contentHash: [UInt8])
        /// A fact that came late; the reason is why what was in force does not count.
        case fact(reason: String)
    }

    let submission: Submission
    let accepted: AcceptedResponse
    let origin: Origin
    /// nil when it does not count: then there are no values.
    let seal: ValueSeal?

    init(submission: Submission, accepted: AcceptedResponse, origin: Origin, seal: ValueSeal?) {
        self.submission = submission
        self.accepted = accepted
        self.origin = origin
        self.seal = seal
    }

    /// The key of the event that made this version; nil where a late fact did.
    var event: UUID? {
        if case .event(let key, _) = origin { key } else { nil }
    }
}

extension PlannedResponse {
    /// What goes with it; nil unless it takes the response back.
    var erasure: PlannedErasure? {
        guard accepted.standing == .retracted else { return nil }
        return PlannedErasure(
            response: accepted.response, version: accepted.version, event: submission.identity)
    }
}

/// What proves values without telling them.
struct ValueSeal: Sendable {
    /// 32 hexadecimal digits.
    let salt: String
    /// SHA-256 over salt and values, in hexadecimal.
    let digest: String
}

struct PlannedRefusal: Sendable {
    let message: InboundMessage
    let refusal: Refusal
    /// Whether the event's identity is used up. An identity that belongs to another event is not this one's to use.
    let isRemembered: Bool
    /// Of a refused correction, the response that it was about; of a second answer, the one that stands.
    var response: UUID?
    /// Whether that response was taken back: then nothing of the message is kept.
    var isErased = false
}

/// Values that go because they were taken back: those of a publisher, of one response, below a version.
struct PlannedErasure: Sendable {
    let response: UUID
    let version: Int
    /// That takes them back. It says nothing of them and may be judged again: its own copy stays.
    let event: EventIdentity
}

struct PlannedWait: Sendable {
    let message: InboundMessage
    let dependency: Dependency
}

/// What the intake has to know of a publisher.
struct PublisherFacts: Sendable {
    /// Events of it that wait, counted no further than ``IntakePlan/waitingCountMax``.
    var waitingCount = 0
    /// nil for all.
    var experiments: Set<UUID>?

    func mayTell(of experiment: UUID) -> Bool { experiments?.contains(experiment) ?? true }
}

/// What a batch of messages comes to: built in memory, in the order of arrival, and then written by a few statements.
struct IntakePlan: Sendable {
    /// Beyond this a publisher's early events are refused for now.
    static let waitingCountMax = 10_000

    private(set) var responses: [PlannedResponse] = []
    private(set) var refusals: [PlannedRefusal] = []
    private(set) var waits: [PlannedWait] = []
    /// To be sent.
    private(set) var receipts: [(publisher: String, receipt: FeedbackSubmission.Receipt)] = []
    /// For those who wait for them, by their places.
    private(set) var answers: [Int: FeedbackSubmission.Receipt] = [:]
    private(set) var duplicateCount = 0
    /// Positions that messages leave because they were settled.
    private(set) var settledPositions: [Int64] = []
    /// Messages that waited, by the identity under which they are stored already.
    private(set) var recalled: Set<EventIdentity> = []
    /// Of those, the ones that could not be read before: what they say is known only now.
    private(set) var rehashed: Set<EventIdentity> = []
    /// Messages that came before, by publisher.
    private(set) var repeatedCounts: [String: Int] = [:]
    /// Positions in the quarantine that messages leave because they are no longer refused, or for another reason.
    private(set) var releasedPositions: [Int64] = []

    /// Of responses that were taken back and did not count before.
    private var withdrawn: [PlannedErasure] = []
    var erasures: [PlannedErasure] { withdrawn + responses.compactMap(\.erasure) }

    /// Corrections of events that are not settled yet; one of this batch may still settle them.
    private var deferred: [PlannedWait] = []
    private var judge: IntakeJudge
    private var known: [EventIdentity: KnownIdentity]
    private var publishers: [String: PublisherFacts]

    init(judge: IntakeJudge, known: [EventIdentity: KnownIdentity], publishers: [String: PublisherFacts]) {
        self.judge = judge
        self.known = known
        self.publishers = publishers
    }

    /// Makes room for so many messages.
    mutating func reserve(_ count: Int) {
        responses.reserveCapacity(count)
        receipts.reserveCapacity(count)
        known.reserveCapacity(known.count + count)
        judge.events.reserveCapacity(judge.events.count + count)
        judge.responses.reserveCapacity(judge.responses.count + count)
    }

    mutating func add(_ message: InboundMessage) {
        if message.waiting != nil {
            recalled.insert(message.identity)
        } else if let earlier = known[message.identity] {
            guard let place = message.quarantined, place.holdsIdentity else { return repeated(message, earlier) }
            recalled.insert(message.identity)
            if place.bodyHash == earlier.contentHash { rehashed.insert(message.identity) }
        }
        switch message.content {
        case .failure(let refusal): refuse(message, refusal)
        case .success(let submission): settle(message, submission)
        }
    }

    /// Adds facts about messages that are to be added. What this plan decided is newer than what the tables say.
    mutating func learn(_ facts: IntakeJudge) {
        judge.experiments.merge(facts.experiments) { mine, _ in mine }
        judge.participants.merge(facts.participants) { mine, _ in mine }
        judge.responses.merge(facts.responses) { mine, _ in mine }
    }

    /// Ends the plan: corrections that came before what they correct, in one batch, are settled; the others wait.
    mutating func finish() {
        var isChanged = true
        while isChanged {
            isChanged = false
            let round = deferred
            deferred = []
            for wait in round {
                guard case .event(let amended) = wait.dependency, let submission = wait.message.submission,
                    let event = judge.events[amended], event != .waiting
                else {
                    deferred.append(wait)
                    continue
                }
                isChanged = true
                settle(wait.message, submission)
            }
        }
        for wait in deferred { keepWaiting(wait.message, for: wait.dependency) }
        deferred = []
    }

    private mutating func repeated(_ message: InboundMessage, _ earlier: KnownIdentity) {
        guard earlier.contentHash == message.contentHash else {
            let refusal = Refusal(
                .identityConflict, at: "/id", mend: "this id was used for another event; send this one under a new id")
            return refuse(message, refusal, isRemembered: false)
        }
        duplicateCount += 1
        repeatedCounts[message.publisher, default: 0] += 1
        leave(message)
        receipt(message, .duplicate, reason: earlier.reason)
    }

    private mutating func settle(_ message: InboundMessage, _ submission: Submission) {
        guard publishers[message.publisher]?.mayTell(of: submission.experiment) ?? true else {
            return refuse(message, .experimentNotAllowed)
        }
        switch judge.judge(submission, candidate: EventID.next(), now: message.clockAt) {
        case .accepted(let accepted):
            var submission = submission
            if let ordered = accepted.ordered { submission.answers = ordered }
            responses.append(
                PlannedResponse(
                    submission, accepted, origin: .event(key: message.key, contentHash: message.contentHash)))
            remember(message, .accepted, response: accepted.response)
            leave(message)
            receipt(message, .accepted)
        case .refused(let refusal): refuse(message, refusal)
        case .waiting(let dependency): wait(message, for: dependency)
        }
    }

    private mutating func wait(_ message: InboundMessage, for dependency: Dependency) {
        guard case .event = dependency else { return keepWaiting(message, for: dependency) }
        deferred.append(PlannedWait(message: message, dependency: dependency))
        remember(message, .waiting)
    }

    private mutating func keepWaiting(_ message: InboundMessage, for dependency: Dependency) {
        if let waiting = message.waiting {
            if waiting.isExpired { return refuse(message, dependency.refusalAfterWaiting) }
            // Its publisher was told already.
            waits.append(PlannedWait(message: message, dependency: dependency))
            return remember(message, .waiting)
        }
        let count = publishers[message.publisher]?.waitingCount ?? 0
        guard count < Self.waitingCountMax else {
            let refusal = Refusal(
                .tooManyWaiting, mend: "too many events wait for what they refer to; send this one again later")
            return refuse(message, refusal, isRemembered: false)
        }
        leave(message)
        publishers[message.publisher, default: PublisherFacts()].waitingCount = count + 1
        waits.append(PlannedWait(message: message, dependency: dependency))
        remember(message, .waiting)
        receipt(message, .waiting)
    }

    private mutating func refuse(_ message: InboundMessage, _ refusal: Refusal, isRemembered: Bool = true) {
        // Judged again and refused for the same reason: its publisher knows.
        if let place = message.quarantined,
            (known[message.identity]?.reason ?? place.reason) == refusal.reason.rawValue
        {
            return
        }
        let response = message.submission.flatMap { self.response(meantBy: $0, refusal) }
        var planned = PlannedRefusal(
            message: message, refusal: refusal, isRemembered: isRemembered, response: response)
        if let response, let submission = message.submission { erase(response, submission, &planned) }
        refusals.append(planned)
        if isRemembered { remember(message, .refused, reason: refusal.reason.rawValue, response: response) }
        leave(message)
        receipt(message, .refused, reason: refusal.reason.rawValue, field: refusal.field, mend: refusal.mend)
    }

    /// The one that a correction was about, or beside which a second answer of the same publisher found no place: when
    /// that is taken back, copies of these go too.
    private func response(meantBy submission: Submission, _ refusal: Refusal) -> UUID? {
        guard refusal.reason == .alreadyAnswered, let current = judge.current(for: submission) else {
            return judge.responseCorrected(by: submission)
        }
        return current.publisher == submission.identity.publisher ? current.response : nil
    }

    /// What a person takes back goes, also where it did not count any more; and what is older than its end is not kept,
    /// nor a second answer beside one that was taken back.
    private mutating func erase(_ response: UUID, _ submission: Submission, _ refusal: inout PlannedRefusal) {
        guard let current = judge.current(for: submission), current.response == response else { return }
        switch refusal.refusal.reason {
        case .amendsRefused where submission.isRetraction:
            guard current.standing == .excluded || current.publisher != submission.identity.publisher else { return }
            withdrawn.append(PlannedErasure(response: response, version: .max, event: submission.identity))
        case .amendsOutdated, .alreadyAnswered: refusal.isErased = current.standing == .retracted
        default: return
        }
    }

    private mutating func remember(
        _ message: InboundMessage, _ outcome: KnownIdentity.Outcome, reason: String? = nil, response: UUID? = nil
    ) {
        known[message.identity] = KnownIdentity(
            contentHash: message.contentHash, outcome: outcome, reason: reason, response: response)
    }

    private mutating func leave(_ message: InboundMessage) {
        if let waiting = message.waiting { settledPositions.append(waiting.position) }
        if let place = message.quarantined { releasedPositions.append(place.position) }
    }

    private mutating func receipt(
        _ message: InboundMessage, _ outcome: FeedbackSubmission.ReceiptOutcome, reason: String? = nil,
        field: String? = nil, mend: String? = nil
    ) {
        let receipt = FeedbackSubmission.Receipt(
            source: message.isIdentified ? message.identity.source : "",
            id: message.isIdentified ? message.identity.id : "", outcome: outcome, reason: reason, field: field,
            mend: mend)
        if let place = message.answerPlace { answers[place] = receipt }
        if message.answerPlace == nil || message.isAnsweredTwice { receipts.append((message.publisher, receipt)) }
    }
}
