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
    }

    struct PaymentSummary: Encodable, Sendable {
        let id: String
        let version: Int64
        let state: String
        let tranche: String
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
        self.tranches = tranches.map { TrancheView($0) }
        self.payments = payments.map { stored in
            let payment = stored.value.payment
            return PaymentSummary(
                id: payment.id.lowercase, version: stored.version, state: payment.state.rawValue,
                tranche: payment.tranche.lowercase,
                amountCents: payment.amountCents, executedAt: stored.value.executedAt)
        }
        signatories = agreement.signatories.map {
            SignatoryView(side: $0.side.rawValue, name: $0.name, role: $0.role)
        }
        signedOn = summary.signedOn
        signedAt = agreement.signedAt
    }
}
