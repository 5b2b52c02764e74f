import Events
import FeedbackDomain
import FoundationEssentials

/// A submission that counts from now on, or one that takes a response back.
struct PlannedResponse: Sendable {
    let message: InboundMessage
    let submission: Submission
    let accepted: AcceptedResponse
    /// nil when it was taken back: then there are no values.
    let seal: ValueSeal?
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
}

struct PlannedWait: Sendable {
    let message: InboundMessage
    let dependency: Dependency
}

/// What a batch of messages comes to: built in memory, in the order of arrival, and then written by a few statements.
struct IntakePlan: Sendable {
    /// Beyond this a publisher's early events are refused for now.
    static let waitingCountMax = 10_000

    private(set) var responses: [PlannedResponse] = []
    private(set) var refusals: [PlannedRefusal] = []
    private(set) var waits: [PlannedWait] = []
    private(set) var receipts: [(publisher: String, receipt: FeedbackSubmission.Receipt)] = []
    private(set) var duplicateCount = 0
    /// Positions that messages leave because they were settled.
    private(set) var settledPositions: [Int64] = []
    /// Messages that waited, by the identity under which they are stored already.
    private(set) var recalled: Set<EventIdentity> = []

    /// Corrections of events that are not settled yet; one of this batch may still settle them.
    private var deferred: [PlannedWait] = []
    private var judge: IntakeJudge
    private var known: [EventIdentity: KnownIdentity]
    private var waitingCounts: [String: Int]

    init(judge: IntakeJudge, known: [EventIdentity: KnownIdentity], waitingCounts: [String: Int]) {
        self.judge = judge
        self.known = known
        self.waitingCounts = waitingCounts
    }

    mutating func add(_ message: InboundMessage) {
        if message.waiting != nil {
            recalled.insert(message.identity)
        } else if let earlier = known[message.identity] {
            return repeated(message, earlier)
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
        receipt(message, .duplicate, reason: earlier.reason)
    }

    private mutating func settle(_ message: InboundMessage, _ submission: Submission) {
        switch judge.judge(submission, candidate: EventID.next(), now: message.clockAt) {
        case .accepted(let accepted):
            responses.append(PlannedResponse(message, submission, accepted))
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
        let count = waitingCounts[message.publisher, default: 0]
        guard count < Self.waitingCountMax else {
            let refusal = Refusal(
                .tooManyWaiting, mend: "too many events wait for what they refer to; send this one again later")
            return refuse(message, refusal, isRemembered: false)
        }
        waitingCounts[message.publisher] = count + 1
        waits.append(PlannedWait(message: message, dependency: dependency))
        remember(message, .waiting)
        receipt(message, .waiting)
    }

    private mutating func refuse(_ message: InboundMessage, _ refusal: Refusal, isRemembered: Bool = true) {
        refusals.append(PlannedRefusal(message: message, refusal: refusal, isRemembered: isRemembered))
        if isRemembered { remember(message, .refused, reason: refusal.reason.rawValue) }
        leave(message)
        receipt(message, .refused, reason: refusal.reason.rawValue, field: refusal.field, mend: refusal.mend)
    }

    private mutating func remember(
        _ message: InboundMessage, _ outcome: KnownIdentity.Outcome, reason: String? = nil, response: UUID? = nil
    ) {
        known[message.identity] = KnownIdentity(
            contentHash: message.contentHash, outcome: outcome, reason: reason, response: response)
    }

    private mutating func leave(_ message: InboundMessage) {
        if let waiting = message.waiting { settledPositions.append(waiting.position) }
    }

    private mutating func receipt(
        _ message: InboundMessage, _ outcome: FeedbackSubmission.ReceiptOutcome, reason: String? = nil,
        field: String? = nil, mend: String? = nil
    ) {
        let receipt = FeedbackSubmission.Receipt(
            source: message.isIdentified ? message.identity.source : "",
            id: message.isIdentified ? message.identity.id : "", outcome: outcome, reason: reason, field: field,
            mend: mend)
        receipts.append((message.publisher, receipt))
    }
}
