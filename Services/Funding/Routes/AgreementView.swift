import Events
import FundingDomain

import struct FoundationEssentials.Date

/// An agreement as lists show it.
struct AgreementSummary: Encodable, Sendable {
    let id: String
    let version: Int64
    let state: String
    let grant: String
    let call: String
    let application: String
    let leadSiren: String
    let grantedCents: Int64
    let signedOn: String?

    init(_ stored: Versioned<Agreement>) {
        let agreement = stored.value
        id = agreement.id.lowercase
        version = stored.version
        state = agreement.state.rawValue
        grant = agreement.grant.lowercase
        call = agreement.call.lowercase
        application = agreement.application.lowercase
        leadSiren = agreement.consortium.lead.siren
        grantedCents = agreement.grantedCents
        signedOn = agreement.signedOn.map { String(WireInstant.format($0).prefix(10)) }
    }
}

/// An agreement with its tranches, their evidence, and its payments.
struct AgreementView: Encodable, Sendable {
    struct SignatoryView: Encodable, Sendable {
        let side: String
        let name: String
        let role: String

        init(_ signatory: Signatory) {
            side = signatory.side.rawValue
            name = signatory.name
            role = signatory.role
        }
    }

    /// What one beneficiary gets.
    struct LineView: Encodable, Sendable {
        let siren: String
        let budgetCents: Int64?
        let grantedCents: Int64
        let hasLeft: Bool
    }

    struct PaymentSummary: Encodable, Sendable {
        let id: String
        let version: Int64
        let state: String
        let tranche: String
        let siren: String
        let amountCents: Int64
        let executedAt: Date?
    }

    let id: String
    let version: Int64
    let state: String
    let grant: String
    let call: String
    let application: String
    let lead: ConsortiumMember
    let partners: [ConsortiumMember]
    let grantedCents: Int64
    let lines: [LineView]
    /// Absent where no statements are asked for.
    let terms: AmendmentContent.Terms?
    let tranches: [TrancheView]
    let payments: [PaymentSummary]
    let signatories: [SignatoryView]
    let signedOn: String?
    let signedAt: Date?

    init(
        _ stored: Versioned<Agreement>, tranches: [TrancheStore.Standing],
        payments: [Versioned<PaymentStore.Standing>]
    ) {
        let agreement = stored.value
        let summary = AgreementSummary(stored)
        id = summary.id
        version = summary.version
        state = summary.state
        grant = summary.grant
        call = summary.call
        application = summary.application
        lead = ConsortiumMember(agreement.consortium.lead)
        partners = agreement.consortium.partners.map { ConsortiumMember($0) }
        grantedCents = summary.grantedCents
        lines = agreement.lines.map {
            LineView(
                siren: $0.siren, budgetCents: $0.budgetCents, grantedCents: $0.grantedCents, hasLeft: $0.hasLeft)
        }
        terms = agreement.terms.map { .init($0) }
        let sirens = Dictionary(uniqueKeysWithValues: agreement.lines.map { ($0.id, $0.siren) })
        self.tranches = tranches.map { TrancheView($0, sirens: sirens) }
        self.payments = payments.map { stored in
            let payment = stored.value.payment
            return PaymentSummary(
                id: payment.id.lowercase, version: stored.version, state: payment.state.rawValue,
                tranche: payment.tranche.lowercase, siren: stored.value.siren,
                amountCents: payment.amountCents, executedAt: stored.value.executedAt)
        }
        signatories = agreement.signatories.map { SignatoryView($0) }
        signedOn = summary.signedOn
        signedAt = agreement.signedAt
    }
}
