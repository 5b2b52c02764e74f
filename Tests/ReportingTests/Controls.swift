import Events
import Foundation
import TestSupport

@testable import Reporting

/// The same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea & Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// An event with its place, so that it can be delivered at any time and any number of times.
struct Told: Sendable {
    let payload: any EventPayload
    let subject: String
    let sequence: Int64
    let id: UUID
}

/// A small programme as its services would tell it: one place contracted and paid once, one on the reserve list, one
/// ineligible; one experiment with forty participants who answered two instruments, some of them corrected.
struct Story {
    static let participantCount = 40

    private(set) var events: [Told] = []
    private var sequences: [String: Int64] = [:]
    private var number: UInt8 = 0
    let start = Date(timeIntervalSince1970: 1_772_442_000)
    let call = Story.id(1, 0)
    let contracted = Story.id(1, 1)
    let agreement = Story.id(1, 5)
    let experiment = Story.id(1, 6)
    let site = Story.id(1, 7)
    let tranches = [Story.id(1, 11), Story.id(1, 12)]
    private let care = ConsortiumMember(siren: "732829320", structureType: "etablissement_sante", sector: "sanitaire")

    static func id(_ kind: UInt8, _ number: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, kind, number))
    }

    init() {
        select()
        fund()
        experimentOnSite()
        answer()
    }

    func deliver(_ told: [Told], to service: ServiceHarness) async throws {
        for event in told {
            try await service.deliver(
                event.payload, subject: event.subject, sequence: event.sequence, id: event.id, time: start)
        }
    }

    private mutating func tell(_ payload: some EventPayload, _ subject: UUID) {
        let type = type(of: payload).type
        let key = "\(type.owner) \(type.noun) \(subject)"
        sequences[key, default: 0] += 1
        number += 1
        events.append(
            Told(
                payload: payload, subject: subject.lowercase, sequence: sequences[key] ?? 1, id: Self.id(200, number)))
    }

    private mutating func select() {
        tell(
            CallPublished(
                call: call, wave: 1, title: "Wave 1", opensAt: start, deadline: start, graceUntil: start,
                placesTarget: 30, animationEnvelopeCents: 100_000_000, experimentsEnvelopeCents: 50_000_000), call)
        for number in UInt8(1)...3 {
            let application = Self.id(1, number)
            // Deposited twice, first under another lead: the last deposit holds.
            for siren in ["552100554", care.siren] {
                var lead = care
                lead.siren = siren
                tell(
                    ApplicationSubmitted(
                        application: application, call: call, lead: lead, partners: [],
                        animationBudgetCents: 30_000_000, requestedCents: 30_000_000, receipt: "", submittedAt: start),
                    application)
            }
            let reasons = number == 3 ? ["lead-not-a-health-structure"] : []
            tell(
                ApplicationEligibilityDecided(
                    application: application, call: call, isEligible: number < 3, reasons: reasons), application)
            guard number < 3 else { continue }
            let outcome: SelectionOutcome = number == 1 ? .funded : .reserve
            tell(
                ApplicationRecommended(
                    application: application, call: call, recommendation: outcome, rank: Int(number), reviewCount: 2,
                    meanScoreHundredths: 8000), application)
            tell(
                ApplicationDecided(
                    application: application, call: call, outcome: outcome, rank: Int(number), lead: care, partners: [],
                    animationBudgetCents: 30_000_000, requestedCents: 30_000_000, decidedAt: start), application)
        }
    }

    private mutating func fund() {
        for (number, kind, cents) in [
            (UInt8(20), EnvelopeKind.animation, Int64(100_000_000)), (21, .experiments, 50_000_000),
        ] {
            let envelope = Self.id(1, number)
            tell(EnvelopeOpened(envelope: envelope, call: call, kind: kind, amountCents: cents), envelope)
        }
        let grant = Self.id(1, 22)
        tell(
            GrantReserved(
                grant: grant, envelope: Self.id(1, 20), call: call, kind: .animation, application: contracted,
                experiment: nil, beneficiarySiren: care.siren, reservedCents: 30_000_000, ruleSet: "r",
                bindingRule: "ceiling"), grant)
        tell(
            AgreementSigned(
                agreement: agreement, grant: grant, application: contracted, call: call, lead: care, partners: [],
                grantedCents: 30_000_000, tranches: [], signedAt: start), agreement)
        for (index, tranche) in tranches.enumerated() {
            tell(
                TrancheOpened(
                    tranche: tranche, agreement: agreement, number: index + 1, amountCents: 15_000_000,
                    conditions: [.agreementSigned]), tranche)
        }
        tell(
            TrancheReleased(
                tranche: tranches[0], agreement: agreement, number: 1, amountCents: 15_000_000, evidence: [],
                releasedAt: start), tranches[0])
        let payment = Self.id(1, 23)
        tell(
            PaymentOrdered(
                payment: payment, tranche: tranches[0], agreement: agreement, amountCents: 15_000_000,
                orderedAt: start), payment)
        tell(
            PaymentExecuted(
                payment: payment, tranche: tranches[0], agreement: agreement, amountCents: 15_000_000,
                bankReference: "b", executedAt: start), payment)
    }

    private mutating func experimentOnSite() {
        tell(
            SiteOpened(
                site: site, agreement: agreement, application: contracted, call: call, siren: care.siren,
                openedAt: start), site)
        tell(
            ExperimentRegistered(
                experiment: experiment, site: site, agreement: agreement, solution: Self.id(1, 30),
                budgetCents: 20_000_000, participantsTarget: 50), experiment)
        tell(
            CofundingApproved(
                experiment: experiment, grant: Self.id(1, 31), agreement: agreement, budgetCents: 20_000_000,
                approvedCents: 10_000_000, ruleSet: "r", derivation: []), experiment)
        tell(
            ProtocolApproved(
                experiment: experiment, protocolVersion: 1, legalQualification: "non_RIPH_satisfaction",
                consentScope: "usability", windows: [], milestones: []), experiment)
        tell(
            ExperimentStarted(
                experiment: experiment, site: site, agreement: agreement, protocolVersion: 1, startedAt: start),
            experiment)
        for number in 0..<UInt8(Self.participantCount) {
            let participant = Self.id(2, number)
            tell(
                ParticipantEnrolled(
                    participant: participant, experiment: experiment, arm: "a", pseudonym: "SECRET\(number)",
                    consentScope: "usability", consentVersion: 1, consentedAt: start), participant)
        }
    }

    private func item(_ number: UInt8, _ instrument: String, version: Int) -> ResponseItem {
        ResponseItem(
            response: Self.id(instrument == "SUS" ? 3 : 4, number), version: version, state: .valid,
            instrument: instrument, instrumentVersion: "1", occasion: "M3", participant: Self.id(2, number),
            answeredAt: start, digest: "")
    }

    private func values(_ number: UInt8, _ instrument: String, version: Int, score: Int) -> ResponseValues {
        ResponseValues(
            response: Self.id(instrument == "SUS" ? 3 : 4, number), version: version, salt: "", score: score,
            answers: [])
    }

    /// SUS 50 points for all, then 75 for the first eight; NPS 9, 7 and 0 in turn.
    private mutating func answer() {
        for (instrument, scores) in [("SUS", [500]), ("NPS", [9, 7, 0])] {
            for part in stride(from: UInt8(0), to: UInt8(Self.participantCount), by: 10) {
                let numbers = Array(part..<part + 10)
                tell(
                    ResponsesRecorded(
                        experiment: experiment, items: numbers.map { item($0, instrument, version: 1) },
                        personal: numbers.map {
                            values($0, instrument, version: 1, score: scores[Int($0) % scores.count])
                        }), experiment)
            }
        }
        for number in UInt8(0)..<8 {
            for (version, score) in [(2, 0), (3, 750)] {
                tell(
                    ResponseAmended(
                        experiment: experiment, item: item(number, "SUS", version: version),
                        personal: values(number, "SUS", version: version, score: score)), experiment)
            }
        }
        tell(
            MilestoneReached(
                experiment: experiment, milestone: "forty", responsesCountMin: 40, responsesCount: 40,
                reachedAt: start),
            experiment)
    }
}
