/// Why a message is not counted, where it is at fault, and what its publisher can do about it.
package struct Refusal: Error, Sendable, Equatable {
    /// Stable: publishers program against the raw values.
    package enum Reason: String, Sendable, CaseIterable {
        // The message
        case malformedHeaders = "malformed-headers"
        case malformedBody = "malformed-body"
        /// Of a file.
        case malformedLine = "malformed-line"
        case tooLarge = "too-large"
        case unsupportedType = "unsupported-type"
        case invalidField = "invalid-field"
        // What it says by itself
        case notCompleted = "not-completed"
        case timeInFuture = "time-in-future"
        case unknownInstrument = "unknown-instrument"
        case answersCount = "answers-count"
        case levelOutOfRange = "level-out-of-range"
        case nothingAnswered = "nothing-answered"
        case answerMissing = "answer-missing"
        case forbiddenIdentifier = "forbidden-identifier"
        case commentTooLong = "comment-too-long"
        // What it says about the experiment and the participant
        /// The number stands in a line of a file, and the file's mapping does not know it.
        case unknownEstablishment = "unknown-establishment"
        case experimentCompleted = "experiment-completed"
        case beforeStart = "before-start"
        case experimentNotAllowed = "experiment-not-allowed"
        case notInProtocol = "not-in-protocol"
        case outsideWindow = "outside-window"
        case consentMissing = "consent-missing"
        case alreadyAnswered = "already-answered"
        // Corrections, and what is taken back
        case amendsItself = "amends-itself"
        case amendsRefused = "amends-refused"
        case amendsOtherResponse = "amends-other-response"
        case amendsOutdated = "amends-outdated"
        // The intake
        case identityConflict = "identity-conflict"
        case unknownExperiment = "unknown-experiment"
        case unknownParticipant = "unknown-participant"
        case unknownOriginal = "unknown-original"
        case tooManyWaiting = "too-many-waiting"
        case internalError = "internal-error"
    }

    package let reason: Reason
    /// JSON pointer into the message; nil where it is no single field.
    package let field: String?
    package let mend: String

    package init(_ reason: Reason, at field: String? = nil, mend: String) {
        self.reason = reason
        self.field = field
        self.mend = mend
    }
}
