package import CofundingRules

package import struct FoundationEssentials.UUID

/// A legal entity as funding knows it.
package struct Member: Sendable, Equatable {
    package let siren: String
    package let structureType: String
    package let sector: String?

    package init(siren: String, structureType: String, sector: String?) {
        self.siren = siren
        self.structureType = structureType
        self.sector = sector
    }
}

/// The consortium that receives money: its lead signs and is paid.
package struct Consortium: Sendable, Equatable {
    package let lead: Member
    package let partners: [Member]

    package init(lead: Member, partners: [Member]) {
        self.lead = lead
        self.partners = partners
    }
}

/// What a grant is asked for: the animation of a third place, or one of its experiments.
package struct GrantSubject: Sendable, Equatable {
    package let grant: UUID
    package let purpose: EnvelopePurpose
    package let call: UUID
    package let application: UUID
    /// Set for the co-funding of an experiment.
    package let experiment: UUID?
    package let consortium: Consortium
    package let requestedCents: Int64
}

/// Money that the rules allow and that is to be set aside if the envelope still holds it.
package struct GrantClaim: Sendable, Equatable {
    package let subject: GrantSubject
    package let envelope: UUID
    /// Above 0.
    package let result: CofundingResult
    /// Of a beneficiary that has declared itself.
    package let aid: BeneficiaryAid?
    package var transfer: Transfer {
        .reserve(grant: subject.grant, of: envelope, result.grantedCents)
    }
}

/// Why no money is set aside.
package struct GrantRefusal: Sendable, Equatable {
    package let subject: GrantSubject
    /// `envelope-exhausted`, or the slug of the rule that refused.
    package let reason: String

    package static let exhausted = "envelope-exhausted"
    package static let nothingToGrant = "nothing-to-grant"
    /// The undertaking has had all the de minimis aid that it may get.
    package static let deMinimisExhausted = "de-minimis-exhausted"
    package static let notTheBeneficiary = "not-the-beneficiary"
    package static let agreementTerminated = "agreement-terminated"

    package init(subject: GrantSubject, reason: String) {
        self.subject = subject
        self.reason = reason
    }

    /// The envelope does not hold the claim's amount any more.
    package static func exhausted(_ claim: GrantClaim) -> GrantRefusal {
        GrantRefusal(subject: claim.subject, reason: exhausted)
    }
}

/// What an allotment cannot go on without.
package enum AllotmentGap: String, Sendable {
    case ruleSet = "rule-set"
    case envelope
    case rank
}

/// What the store has to do next for a grant.
package enum GrantStep: Sendable, Equatable {
    case wait(AllotmentGap)
    case refuse(GrantRefusal)
    /// Set the money aside in one conditional step; without the money it is a refusal, `envelope-exhausted`.
    case reserve(GrantClaim)
}

extension GrantStep {
    /// The step that follows from what the rules allow. Without State-aid rules for the basis of a beneficiary on its
    /// day it waits, as it waits for the call's rules: money without its rule could not be taken back.
    static func from(
        _ subject: GrantSubject, envelope: UUID?, aid: BeneficiaryAid?,
        _ allowed: () throws(CofundingRulesError) -> CofundingResult?
    ) -> GrantStep {
        do throws(CofundingRulesError) {
            guard let result = try allowed() else { return .wait(.ruleSet) }
            guard result.grantedCents > 0 else {
                let isExhausted = result.bindingRule == .deMinimisRoom
                return .refuse(
                    GrantRefusal(
                        subject: subject,
                        reason: isExhausted ? GrantRefusal.deMinimisExhausted : GrantRefusal.nothingToGrant))
            }
            guard let envelope else { return .wait(.envelope) }
            return .reserve(GrantClaim(subject: subject, envelope: envelope, result: result, aid: aid))
        } catch .noStateAidRules {
            return .wait(.ruleSet)
        } catch {
            return .refuse(GrantRefusal(subject: subject, reason: error.slug))
        }
    }
}

package enum GrantState: String, Sendable {
    case reserved
    case refused
    /// Set aside once, and the envelope's again.
    case released
}

/// A grant as the store keeps it.
package struct Grant: Sendable, Equatable {
    package let id: UUID
    package let purpose: EnvelopePurpose
    package let state: GrantState
    package let call: UUID
    package let application: UUID
    /// Set for the co-funding of an experiment.
    package let experiment: UUID?
    package let consortium: Consortium
    /// 0 when refused.
    package let reservedCents: Int64

    package init(
        id: UUID, purpose: EnvelopePurpose, state: GrantState, of place: (call: UUID, application: UUID),
        experiment: UUID? = nil, consortium: Consortium, reservedCents: Int64
    ) {
        let (call, application) = place
        self.id = id
        self.purpose = purpose
        self.experiment = experiment
        self.state = state
        self.call = call
        self.application = application
        self.consortium = consortium
        self.reservedCents = reservedCents
    }

    /// Gives back what was set aside and is not agreed on.
    /// - Parameter envelope: that it came from.
    package func release(to envelope: UUID, because reason: String) throws(FundingError) -> Transfer {
        guard state == .reserved else { throw .grantNotReserved }
        try Agreement.check(reason: reason)
        return .giveBack(grant: id, to: envelope, reservedCents)
    }
}
