package import struct FoundationEssentials.Date

/// A questionnaire by the name under which feedback knows it: built in, or published there.
package struct Instrument: RawRepresentable, Hashable, Sendable, Codable {
    package static let nameLengthMax = 64
    package static let systemUsabilityScale = Instrument(rawValue: "SUS")
    package static let netPromoterScore = Instrument(rawValue: "NPS")

    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
}

/// When an instrument may be answered, in whole days after the experiment's start; `closesDay` is exclusive.
package struct MeasureWindow: Sendable, Equatable {
    package let instrument: Instrument
    package let instrumentVersion: String
    package let occasion: String
    package let opensDay: Int
    package let closesDay: Int

    package static let dayMax = 3650

    package init(instrument: Instrument, instrumentVersion: String, occasion: String, days: (opens: Int, closes: Int)) {
        self.instrument = instrument
        self.instrumentVersion = instrumentVersion
        self.occasion = occasion
        opensDay = days.opens
        closesDay = days.closes
    }
}

/// A number of valid responses that counts as evidence for funding.
package struct CollectionMilestone: Sendable, Equatable {
    package let milestone: String
    package let responsesCountMin: Int

    package static let responsesCountMax = 100_000_000

    package init(milestone: String, responsesCountMin: Int) {
        self.milestone = milestone
        self.responsesCountMin = responsesCountMin
    }
}

/// What is measured, when, and what a participant has to consent to.
package struct StudyProtocol: Sendable, Equatable {
    package static let windowsCountMax = 200
    package static let milestonesCountMax = 20

    /// From 1 without gaps.
    package let version: Int
    package let qualification: LegalQualification
    package let evidenceReference: String?
    package let consentScope: String
    package let windows: [MeasureWindow]
    package let milestones: [CollectionMilestone]
    package let approvedBy: String
    package let approvedAt: Date

    package init(_ command: ApproveProtocol, approvedAt: Date) {
        version = command.version
        qualification = command.qualification
        evidenceReference = command.evidenceReference
        consentScope = command.consentScope
        windows = command.windows
        milestones = command.milestones
        approvedBy = command.by
        self.approvedAt = approvedAt
    }
}
