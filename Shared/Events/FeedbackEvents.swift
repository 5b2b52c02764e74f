package import FoundationEssentials

/// Whether a response counts in figures and milestones.
package enum ResponseState: String, Codable, Sendable, CaseIterable {
    case valid
    case retracted
    case excluded
}

/// One response without its values. Listeners upsert it where their version is lower and need no predecessor.
package struct ResponseItem: Codable, Sendable, Equatable {
    package var response: UUID
    /// From 1; a correction is the next version.
    package var version: Int
    package var state: ResponseState
    package var instrument: String
    package var instrumentVersion: String
    package var occasion: String
    /// The internal id of `participant.enrolled`.
    package var participant: UUID
    /// As the publisher says; never our clock.
    package var answeredAt: Date
    /// SHA-256 (hex) over salt and values: proves the values without holding them. nil for a version without values:
    /// one that was retracted or excluded.
    package var digest: String?
    /// The value set that the score was computed with, such as `FR-5L-Andrade2020`; nil for instruments without one.
    package var valueSet: String?

    package init(
        response: UUID, version: Int, state: ResponseState, instrument: String, instrumentVersion: String,
        occasion: String, participant: UUID, answeredAt: Date, digest: String?,
        valueSet: String? = nil
    ) {
        self.response = response
        self.version = version
        self.state = state
        self.instrument = instrument
        self.instrumentVersion = instrumentVersion
        self.occasion = occasion
        self.participant = participant
        self.answeredAt = answeredAt
        self.digest = digest
        self.valueSet = valueSet
    }
}

/// The values of one response: personal data.
package struct ResponseValues: Codable, Sendable, Equatable {
    package var response: UUID
    package var version: Int
    package var salt: String
    /// In the unit of the instrument's main scale: SUS tenths of a point, NPS the answer, EQ-5D-5L millionths. nil
    /// where the instrument's rules give none, such as a dimension left out.
    package var score: Int?
    /// The instrument's further scales that have a score, each in its own unit; nil when there is none.
    package var scales: [String: Int64]?
    /// As answered; null where an item was left out.
    package var answers: [Int?]

    package init(
        response: UUID, version: Int, salt: String, score: Int?, answers: [Int?], scales: [String: Int64]? = nil
    ) {
        self.response = response
        self.version = version
        self.salt = salt
        self.score = score
        self.scales = scales
        self.answers = answers
    }
}

/// An outside system may send feedback from now on. The subject is its name.
package struct PublisherRegistered: EventPayload {
    package static let type = EventType(.feedback, "publisher", "registered")
    package var publisher: String
    package var organisation: String
    /// nil for all.
    package var experiments: [UUID]?
    package var registeredAt: Date

    package init(publisher: String, organisation: String, experiments: [UUID]? = nil, registeredAt: Date) {
        self.publisher = publisher
        self.organisation = organisation
        self.experiments = experiments
        self.registeredAt = registeredAt
    }
}

/// An outside system may send nothing for now. The subject is its name.
package struct PublisherSuspended: EventPayload {
    package static let type = EventType(.feedback, "publisher", "suspended")
    package var publisher: String
    package var reason: String
    package var suspendedAt: Date

    package init(publisher: String, reason: String, suspendedAt: Date) {
        self.publisher = publisher
        self.reason = reason
        self.suspendedAt = suspendedAt
    }
}

/// An outside system may send again. The subject is its name.
package struct PublisherResumed: EventPayload {
    package static let type = EventType(.feedback, "publisher", "resumed")
    package var publisher: String
    package var reason: String
    package var resumedAt: Date

    package init(publisher: String, reason: String, resumedAt: Date) {
        self.publisher = publisher
        self.reason = reason
        self.resumedAt = resumedAt
    }
}

/// Valid responses of one experiment, at most 200 items and 48 KiB. The subject is the experiment.
package struct ResponsesRecorded: PersonalEventPayload {
    package static let type = EventType(.feedback, "responses", "recorded")
    package var experiment: UUID
    package var items: [ResponseItem]
    /// In the order of `items`, without those that were erased; nil when all were.
    package var personal: [ResponseValues]?

    package init(experiment: UUID, items: [ResponseItem], personal: [ResponseValues]? = nil) {
        self.experiment = experiment
        self.items = items
        self.personal = personal
    }
}

/// A later version of one response. The subject is the experiment.
package struct ResponseAmended: PersonalEventPayload {
    package static let type = EventType(.feedback, "response", "amended")
    package var experiment: UUID
    package var item: ResponseItem
    /// nil once erased.
    package var personal: ResponseValues?

    package init(experiment: UUID, item: ResponseItem, personal: ResponseValues? = nil) {
        self.experiment = experiment
        self.item = item
        self.personal = personal
    }
}

/// A response was taken back by whoever gave it; it counts no more. The subject is the experiment.
package struct ResponseRetracted: EventPayload {
    package static let type = EventType(.feedback, "response", "retracted")
    package var experiment: UUID
    package var item: ResponseItem

    package init(experiment: UUID, item: ResponseItem) {
        self.experiment = experiment
        self.item = item
    }
}

/// A response that counted should not have, as a fact told that came late. The subject is the experiment.
package struct ResponseExcluded: EventPayload {
    package static let type = EventType(.feedback, "response", "excluded")
    package var experiment: UUID
    package var item: ResponseItem
    /// A stable slug, the one under which it would have been refused.
    package var reason: String

    package init(experiment: UUID, item: ResponseItem, reason: String) {
        self.experiment = experiment
        self.item = item
        self.reason = reason
    }
}

/// A scale of an instrument.
package struct ScaleTerms: Codable, Sendable, Equatable {
    package var scale: String
    /// What one of a score is, such as `tenths of a point`.
    package var unit: String

    package init(scale: String, unit: String) {
        self.scale = scale
        self.unit = unit
    }
}

/// A version of an instrument may be planned and answered; it never changes. The subject is `name/version`.
package struct InstrumentPublished: EventPayload {
    package static let type = EventType(.feedback, "instrument", "published")
    package var instrument: String
    package var instrumentVersion: String
    package var itemsCount: Int
    /// The first is the main one; none for free text.
    package var scales: [ScaleTerms]
    /// Where its rules come from.
    package var source: String
    package var publishedAt: Date

    package init(
        instrument: String, instrumentVersion: String, itemsCount: Int, scales: [ScaleTerms], source: String,
        publishedAt: Date
    ) {
        self.instrument = instrument
        self.instrumentVersion = instrumentVersion
        self.itemsCount = itemsCount
        self.scales = scales
        self.source = source
        self.publishedAt = publishedAt
    }
}

/// A number of valid responses was reached, or reached again. The subject is the experiment.
package struct MilestoneReached: EventPayload {
    package static let type = EventType(.feedback, "milestone", "reached")
    package var experiment: UUID
    package var milestone: String
    package var responsesCountMin: Int
    package var responsesCount: Int
    package var reachedAt: Date
    /// Number of the milestone's change, from 1: the highest holds.
    package var version: Int

    package init(
        experiment: UUID, milestone: String, responsesCountMin: Int, responsesCount: Int, reachedAt: Date,
        version: Int = 1
    ) {
        self.experiment = experiment
        self.milestone = milestone
        self.responsesCountMin = responsesCountMin
        self.responsesCount = responsesCount
        self.reachedAt = reachedAt
        self.version = version
    }
}

/// The valid responses fell below a number that had been reached, since some were retracted or excluded. The subject is
/// the experiment.
package struct MilestoneLost: EventPayload {
    package static let type = EventType(.feedback, "milestone", "lost")
    package var experiment: UUID
    package var milestone: String
    package var responsesCountMin: Int
    package var responsesCount: Int
    package var lostAt: Date
    /// Number of the milestone's change, as in ``MilestoneReached``.
    package var version: Int

    package init(
        experiment: UUID, milestone: String, responsesCountMin: Int, responsesCount: Int, lostAt: Date, version: Int
    ) {
        self.experiment = experiment
        self.milestone = milestone
        self.responsesCountMin = responsesCountMin
        self.responsesCount = responsesCount
        self.lostAt = lostAt
        self.version = version
    }
}

/// A site answers what was said: "you said, we did". The subject is the answer; its text stays in the feedback service.
package struct AnswerPublished: EventPayload {
    package static let type = EventType(.feedback, "answer", "published")
    package var answer: UUID
    package var experiment: UUID
    /// A slug of the site's own; never a sentence.
    package var theme: String?
    /// `fr`, `en`.
    package var languages: [String]
    package var publishedAt: Date

    package init(answer: UUID, experiment: UUID, theme: String?, languages: [String], publishedAt: Date) {
        self.answer = answer
        self.experiment = experiment
        self.theme = theme
        self.languages = languages
        self.publishedAt = publishedAt
    }
}
