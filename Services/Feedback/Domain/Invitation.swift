package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// A secret link to one participant, instrument and occasion.
package struct Invitation: Sendable, Equatable {
    package var id: UUID
    package var experiment: UUID
    /// The internal id.
    package var participant: UUID
    package var instrument: String
    package var occasion: String
    /// nil leaves it to the giver's browser.
    package var language: PageLanguage?
    package var createdAt: Date
    package var expiresAt: Date
    package var withdrawnAt: Date?
    /// Whether an answer of this participant, instrument and occasion counts, whichever door it came through.
    package var isAnswered: Bool

    package init(
        id: UUID, experiment: UUID, participant: UUID, instrument: String, occasion: String, language: PageLanguage?,
        createdAt: Date, expiresAt: Date, withdrawnAt: Date? = nil, isAnswered: Bool = false
    ) {
        self.id = id
        self.experiment = experiment
        self.participant = participant
        self.instrument = instrument
        self.occasion = occasion
        self.language = language
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.withdrawnAt = withdrawnAt
        self.isAnswered = isAnswered
    }

    /// What a site sees in its list.
    package enum State: String, Sendable {
        case open, answered, expired, withdrawn
    }

    package func state(at now: Date) -> State {
        if isAnswered { return .answered }
        if withdrawnAt != nil { return .withdrawn }
        return expiresAt <= now ? .expired : .open
    }
}

/// When the experiment takes the answer.
package struct AnswerCalendar: Sendable, Equatable {
    /// Whole days since the start; the end is exclusive.
    package struct Window: Sendable, Equatable {
        package let opensDay: Int
        package let closesDay: Int

        package init(opensDay: Int, closesDay: Int) {
            self.opensDay = opensDay
            self.closesDay = closesDay
        }
    }

    package var startedAt: Date?
    package var completedAt: Date?
    /// Of the instrument and occasion; none where the protocol does not plan them.
    package var windows: [Window]

    package init(startedAt: Date?, completedAt: Date?, windows: [Window]) {
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.windows = windows
    }

    private static let secondsPerDay = 86_400.0

    package enum Place: Sendable, Equatable {
        case open(until: Date)
        /// nil while the experiment has not started.
        case early(opensAt: Date?)
        case over
    }

    package func place(at now: Date) -> Place {
        if let completedAt, completedAt <= now { return .over }
        guard let startedAt else { return .early(opensAt: nil) }
        let spans = windows.map { window -> (opens: Date, closes: Date) in
            (
                startedAt.addingTimeInterval(Double(window.opensDay) * Self.secondsPerDay),
                startedAt.addingTimeInterval(Double(window.closesDay) * Self.secondsPerDay)
            )
        }
        if let span = spans.first(where: { $0.opens <= now && now < $0.closes }) { return .open(until: span.closes) }
        let next = spans.map(\.opens).filter { $0 > now }.min()
        return next.map { .early(opensAt: $0) } ?? .over
    }
}

/// What a site asks for.
package struct InvitationRequest: Sendable, Equatable {
    package static let daysMax = 90
    package static let daysDefault = 30

    package var experiment: UUID
    package var instrument: String
    package var occasion: String
    package var language: PageLanguage?
    package var expiresAt: Date?

    package init(experiment: UUID, instrument: String, occasion: String, language: PageLanguage?, expiresAt: Date?) {
        self.experiment = experiment
        self.instrument = instrument
        self.occasion = occasion
        self.language = language
        self.expiresAt = expiresAt
    }

    /// - Parameters:
    ///   - calendar: of the instrument and occasion.
    ///   - covers: whether the participant's consent covers the protocol.
    /// - Returns: when the link ends.
    package func check(_ calendar: AnswerCalendar, covers: Bool, now: Date) throws(InvitationRefusal) -> Date {
        guard GiverForm.hasWords(for: instrument) else { throw .noPage }
        guard !calendar.windows.isEmpty else { throw .notInProtocol }
        guard calendar.place(at: now) != .over else { throw .windowOver }
        guard covers else { throw .consentMissing }
        let latest = now.addingTimeInterval(Double(Self.daysMax) * 86_400)
        let ends = expiresAt ?? now.addingTimeInterval(Double(Self.daysDefault) * 86_400)
        guard ends > now, ends <= latest else { throw .expiryOutOfRange }
        return ends
    }
}

/// Why no link is made.
package enum InvitationRefusal: Error, Sendable, Equatable, CaseIterable {
    case noPage, notInProtocol, windowOver, consentMissing, unknownParticipant, expiryOutOfRange
    case alreadyAnswered, alreadyInvited
}

/// What a giver can do with a link now.
package enum GiverStanding: Sendable, Equatable {
    case open(until: Date)
    case early(opensAt: Date?)
    /// The experiment takes no answer any more.
    case over
    case answered, expired, withdrawn

    package init(_ invitation: Invitation, _ calendar: AnswerCalendar, now: Date) {
        switch invitation.state(at: now) {
        case .answered: self = .answered
        case .expired: self = .expired
        case .withdrawn: self = .withdrawn
        case .open:
            self =
                switch calendar.place(at: now) {
                case .open(let until): .open(until: min(until, invitation.expiresAt))
                case .early(let opensAt): .early(opensAt: opensAt)
                case .over: .over
                }
        }
    }
}
