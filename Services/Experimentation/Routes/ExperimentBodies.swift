import ExperimentationDomain
import FoundationEssentials
import HTTPDefaults

/// A registration as it is sent.
struct RegistrationBody: Decodable {
    struct Solution: Decodable {
        let name: String
        let supplier: String
    }

    let site: UUID
    let title: String
    let solution: Solution
    let budgetCents: Int64
    /// 0 or nothing: the site pays for everything.
    let requestedCents: Int64?
    let participantsTarget: Int

    func command(by subject: String) -> RegisterExperiment {
        RegisterExperiment(
            site: site, title: title, solution: .init(name: solution.name, supplier: solution.supplier),
            money: (budgetCents, requestedCents ?? 0), people: (participantsTarget, subject))
    }
}

/// A protocol as it is sent.
struct ProtocolBody: Decodable {
    struct Window: Decodable {
        let instrument: String
        let instrumentVersion: String
        let occasion: String
        let opensDay: Int
        let closesDay: Int
    }

    struct Milestone: Decodable {
        let milestone: String
        let responsesCountMin: Int
    }

    let protocolVersion: Int
    let legalQualification: String
    let evidenceReference: String?
    let consentScope: String
    let windows: [Window]
    let milestones: [Milestone]?

    func command(by subject: String) throws(Problem) -> ApproveProtocol {
        var windows: [MeasureWindow] = []
        for window in self.windows {
            windows.append(
                MeasureWindow(
                    instrument: Instrument(rawValue: window.instrument),
                    instrumentVersion: window.instrumentVersion, occasion: window.occasion,
                    days: (window.opensDay, window.closesDay)))
        }
        return ApproveProtocol(
            by: subject, version: protocolVersion,
            legal: (try LegalQualification(legalQualification, at: "/legalQualification"), evidenceReference),
            consentScope: consentScope,
            measures: (
                windows,
                (milestones ?? []).map { .init(milestone: $0.milestone, responsesCountMin: $0.responsesCountMin) }
            ))
    }
}

/// Why something is done, as it is sent.
struct ReasonBody: Decodable {
    let reason: String
}

/// An enrolment as it is sent.
struct EnrolmentBody: Decodable {
    struct GivenConsent: Decodable {
        let scope: String
        let version: Int
        let givenAt: Date
    }

    let externalCode: String?
    let arm: String?
    let consent: GivenConsent

    func command() throws(Problem) -> EnrolParticipant {
        EnrolParticipant(
            externalCode: externalCode, arm: try Arm.optional(arm, at: "/arm"),
            consent: Consent(scope: consent.scope, version: consent.version, givenAt: consent.givenAt))
    }
}
