/// Why funding refuses a command. The slug is stable: callers and stored refusals name it.
package enum FundingError: Error, Equatable {
    /// A value outside its limits; `field` is a JSON pointer into the command.
    case invalid(field: String, expected: String)
    case invalidIBAN(reason: String)
    case ruleSetExists
    case ruleSetBackdated
    case stateAidRulesExist
    case stateAidRulesBackdated
    case memberElsewhere(siren: String)
    case ruleSetNotInForce
    case programmeExists
    case programmeNotOpen
    case programmeExhausted(availableCents: Int64)
    case callNotKnown
    case aboveCall(limitCents: Int64)
    case envelopeExists
    case envelopeExhausted(availableCents: Int64)
    case reservationLetGo
    case grantNotReserved
    case grantTooSmall
    case agreementExists
    case agreementSigned
    case agreementNotSigned(AgreementState)
    case agreementNotSuspended(AgreementState)
    case agreementHalted(AgreementState)
    case agreementSettled
    case amendmentNotDraft
    case amendmentOpen
    case amendmentOutdated
    case amendLines
    case statementNotOpen(StatementState)
    case statementNotSubmitted(StatementState)
    case submitterMayNotAccept
    case statementsMissing(count: Int)
    case noTerms
    case recoveryUndecided
    case noPart
    case trancheInPart
    case paymentPending
    case sideMissing(SignatorySide)
    case trancheNotReleased(TrancheState)
    case evidenceLost(ReleaseCondition)
    case paymentExists
    case separationOfDuties
    case paymentNotOrdered(PaymentState)
    case paymentNotApproved(PaymentState)
    case paymentExecuted
    case paymentNotPending(PaymentState)
    case paymentWithBank
    case paymentNotExecuted(PaymentState)
    case recoveryNotProposed(RecoveryState)
    case recoveryNotOrdered(RecoveryState)
    case aboveRecoverable(leftCents: Int64)
    case proposerMayNotOrder
    case bankReferenceUsed
    case referenceUsed

    /// How the caller is at fault.
    package enum Category: Sendable {
        /// The command itself is wrong; it will never be accepted.
        case invalid
        /// The command does not fit the present state.
        case conflict
        /// Another person has to do it.
        case forbidden
    }

    package var category: Category {
        switch self {
        case .invalid, .invalidIBAN, .sideMissing: .invalid
        case .separationOfDuties, .proposerMayNotOrder, .submitterMayNotAccept: .forbidden
        default: .conflict
        }
    }

    package var slug: String {
        switch self {
        case .invalid: "invalid-field"
        case .invalidIBAN: "invalid-iban"
        case .ruleSetExists: "rule-set-exists"
        case .ruleSetBackdated: "rule-set-backdated"
        case .stateAidRulesExist: "state-aid-rules-exist"
        case .stateAidRulesBackdated: "state-aid-rules-backdated"
        case .memberElsewhere: "member-of-another-undertaking"
        case .ruleSetNotInForce: "no-rule-set"
        case .programmeExists: "programme-exists"
        case .programmeNotOpen: "programme-not-open"
        case .programmeExhausted: "programme-exhausted"
        case .callNotKnown: "call-not-known"
        case .aboveCall: "above-call"
        case .envelopeExists: "envelope-exists"
        case .envelopeExhausted: "envelope-exhausted"
        case .reservationLetGo: "reservation-let-go"
        case .grantNotReserved: "grant-not-reserved"
        case .grantTooSmall: "grant-too-small"
        case .agreementExists: "agreement-exists"
        case .agreementSigned: "agreement-signed"
        case .agreementNotSigned: "agreement-not-signed"
        case .agreementNotSuspended: "agreement-not-suspended"
        case .agreementHalted: "agreement-halted"
        case .agreementSettled: "agreement-settled"
        case .amendmentNotDraft: "amendment-not-draft"
        case .amendmentOpen: "amendment-open"
        case .amendmentOutdated: "amendment-outdated"
        case .amendLines: "amendment-needed"
        case .statementNotOpen: "statement-not-open"
        case .statementNotSubmitted: "statement-not-submitted"
        case .submitterMayNotAccept: "submitter-may-not-accept"
        case .statementsMissing: "statements-missing"
        case .noTerms: "no-terms"
        case .recoveryUndecided: "recovery-undecided"
        case .noPart: "no-part-of-tranche"
        case .trancheInPart: "tranche-paid-in-part"
        case .paymentPending: "payment-pending"
        case .sideMissing: "side-missing"
        case .trancheNotReleased: "tranche-not-released"
        case .evidenceLost: "evidence-lost"
        case .paymentExists: "payment-exists"
        case .separationOfDuties: "separation-of-duties"
        case .paymentNotOrdered: "payment-not-ordered"
        case .paymentNotApproved: "payment-not-approved"
        case .paymentExecuted: "payment-executed"
        case .paymentNotPending: "payment-not-pending"
        case .paymentWithBank: "payment-with-bank"
        case .paymentNotExecuted: "payment-not-executed"
        case .recoveryNotProposed: "recovery-not-proposed"
        case .recoveryNotOrdered: "recovery-not-ordered"
        case .aboveRecoverable: "above-recoverable"
        case .proposerMayNotOrder: "proposer-may-not-order"
        case .bankReferenceUsed: "bank-reference-used"
        case .referenceUsed: "reference-used"
        }
    }

    /// Where in the command, as a JSON pointer; nil when it is not one field's fault.
    package var field: String? {
        switch self {
        case .invalid(let field, _): field
        case .invalidIBAN: "/iban"
        case .ruleSetExists: "/ruleSet"
        case .ruleSetBackdated: "/validFrom"
        case .stateAidRulesExist: "/stateAidRules"
        case .stateAidRulesBackdated: "/validFromDay"
        case .memberElsewhere: "/members"
        case .ruleSetNotInForce: "/grantDay"
        case .callNotKnown: "/call"
        case .aboveCall, .envelopeExhausted, .aboveRecoverable: "/amountCents"
        case .grantNotReserved, .grantTooSmall, .agreementExists: "/grant"
        case .sideMissing: "/signatories"
        case .paymentExecuted, .bankReferenceUsed: "/bankReference"
        case .referenceUsed: "/reference"
        case .amendLines: "/lines"
        case .noPart: "/siren"
        default: nil
        }
    }
}

extension FundingError {
    /// One sentence for a person.
    package var title: String {
        switch self {
        case .invalid(let field, let expected): "\(field.dropFirst()): \(expected) is expected."
        case .invalidIBAN(let reason): "The IBAN is not valid: \(reason)."
        case .ruleSetExists: "A rule set of this name is published; published rules never change."
        case .ruleSetBackdated: "Rules may not change for the past, nor before those that are already published."
        case .stateAidRulesExist: "State-aid rules of this name are published; published rules never change."
        case .stateAidRulesBackdated:
            "State-aid rules may not change for the past, nor before those that are already published."
        case .memberElsewhere(let siren): "The SIREN \(siren) belongs to another undertaking."
        case .ruleSetNotInForce: "No co-funding rules are in force on that day."
        case .programmeExists: "The programme is open."
        case .programmeNotOpen: "No programme is open yet; envelopes are opened from one."
        case .programmeExhausted(let available): "There is no more than \(available) cents to take it from."
        case .callNotKnown: "The call has not been published, or its publication has not arrived yet."
        case .aboveCall(let limit): "The envelope is above what the call published: \(limit) cents."
        case .envelopeExists: "The call has an envelope of this kind."
        case .envelopeExhausted(let available): "The envelope holds \(available) cents, less than is asked for."
        case .reservationLetGo: "The reservation was let go; its money is the envelope's again."
        case .grantNotReserved: "The grant was refused or released; there is no money to agree on."
        case .grantTooSmall: "The grant is too small to be paid in the tranches of the schedule."
        case .agreementExists: "The grant has an agreement."
        case .agreementSigned: "The agreement is signed."
        case .agreementNotSigned(let state): "The agreement is \(state.rawValue), not signed."
        case .agreementNotSuspended(let state): "The agreement is \(state.rawValue), not suspended."
        case .agreementHalted(let state): "The agreement is \(state.rawValue): nothing of it is paid."
        case .agreementSettled: "The agreement is settled."
        case .amendmentNotDraft: "The amendment is signed or discarded."
        case .amendmentOpen: "The agreement has an amendment that is neither signed nor discarded."
        case .amendmentOutdated: "The agreement has changed since the amendment was drafted."
        case .amendLines: "Who gets what stands in the agreement, and these lines say something else."
        case .statementNotOpen(let state): "The statement is \(state.rawValue): nothing is to be submitted."
        case .statementNotSubmitted(let state): "The statement is \(state.rawValue), not submitted."
        case .submitterMayNotAccept: "Who submitted a statement may not accept it."
        case .statementsMissing(let count): "\(count) statements of the agreement are not accepted yet."
        case .noTerms: "The agreement has no terms: neither a rate nor statements."
        case .recoveryUndecided: "A recovery of the agreement is proposed and not decided."
        case .noPart: "The beneficiary has no part of this tranche."
        case .trancheInPart: "A tranche is paid to some of its beneficiaries and not to all."
        case .paymentPending: "A payment of the agreement is on its way."
        case .sideMissing(let side): "Nobody signs for the \(side.rawValue)."
        case .trancheNotReleased(let state): "The tranche is \(state.rawValue), not released."
        case .evidenceLost(let condition): "The tranche is held: \(condition.text) is met no more."
        case .paymentExists: "The tranche has a payment."
        case .separationOfDuties: "Who ordered a payment may not approve it, and nobody approves it twice."
        case .paymentNotOrdered(let state): "The payment is \(state.rawValue); only an ordered one can be approved."
        case .paymentNotApproved(let state): "The payment is \(state.rawValue); only an approved one can be executed."
        case .paymentExecuted: "The payment was executed under another bank reference."
        case .bankReferenceUsed: "The bank reference belongs to another payment."
        case .paymentWithBank: "The payment went to the bank, which may have executed it."
        case .referenceUsed: "Another agreement has this reference."
        case .paymentNotPending(let state): "The payment is \(state.rawValue); it cannot be taken back any more."
        case .paymentNotExecuted(let state): "The payment is \(state.rawValue); only what was paid comes back."
        case .recoveryNotProposed(let state): "The recovery is \(state.rawValue), not proposed."
        case .recoveryNotOrdered(let state): "The recovery is \(state.rawValue), not ordered."
        case .aboveRecoverable(let left): "There is no more than \(left) cents to come back."
        case .proposerMayNotOrder: "Who proposed a recovery may not order it, and who ordered it may not give it up."
        }
    }

    /// What the caller can do about it.
    package var advice: String? {
        switch self {
        case .invalid, .grantNotReserved, .grantTooSmall, .agreementSigned, .agreementNotSuspended: nil
        case .agreementNotSigned: "Have it signed first, or see what became of it."
        case .agreementHalted: "Have it resumed first, or cancel the payment."
        case .agreementSettled: "Read it again; what is due of it is its last tranche."
        case .amendmentNotDraft: "Draft another one."
        case .amendmentOpen: "Have it signed, or discard it: POST /v1/amendments/{id}/discard."
        case .amendmentOutdated: "Discard it and draft it anew, so that both sides see what they sign."
        case .amendLines: "Send the agreement's lines; they change by an amendment, or of a draft by another one."
        case .statementNotOpen, .statementNotSubmitted: "Read the statement again."
        case .submitterMayNotAccept: "Have somebody else accept it."
        case .statementsMissing:
            "See which under /v1/agreements/{id}/expense-statements; one without costs is submitted empty."
        case .noTerms: "Give it terms by an amendment."
        case .recoveryUndecided: "Order it or withdraw it; see /v1/agreements/{id}/recoveries."
        case .noPart: "See who has a part with the tranche."
        case .trancheInPart: "Have the other parts paid first."
        case .paymentPending: "Have the bank execute or reject it, or cancel it."
        case .invalidIBAN: "Check the IBAN against the beneficiary's bank details."
        case .ruleSetExists: "Publish the changed rules under a new name."
        case .ruleSetBackdated: "Choose a validFrom that is not in the past and later than the last rule set's."
        case .stateAidRulesExist: "Publish the changed rules under a new name."
        case .stateAidRulesBackdated: "Choose a validFromDay from today on and later than that of the last rules."
        case .memberElsewhere: "Have the other undertaking declare itself without it first."
        case .ruleSetNotInForce: "Choose a later day, or publish a rule set: POST /v1/rule-sets."
        case .programmeExists: "Read it under /v1/budget; move money between its parts by an allotment."
        case .programmeNotOpen: "Open it first: POST /v1/budget."
        case .programmeExhausted: "Lower the amount, or move money between the parts: POST /v1/budget/allotments."
        case .callNotKnown: "Repeat the request in a few seconds; if it persists, check the call's id."
        case .aboveCall: "Lower the amount, or have the call amended."
        case .envelopeExists: "Read it under /v1/envelopes."
        case .envelopeExhausted: "Ask for less, let a reservation go, or have the envelope raised."
        case .reservationLetGo: "Make a new reservation."
        case .agreementExists: "Read it under /v1/agreements."
        case .sideMissing: "Name at least one signatory of each side: funder and beneficiary."
        case .trancheNotReleased: "See what is missing under /v1/tranches/{id}/why."
        case .evidenceLost: "Repeat it once the evidence is back, or cancel it; see /v1/tranches/{id}/why."
        case .paymentExists: "Read it with the tranche."
        case .separationOfDuties: "Have another paying officer approve it."
        case .paymentNotOrdered, .paymentExecuted, .paymentNotPending, .paymentNotExecuted: "Read the payment again."
        case .paymentWithBank: "Wait for the bank's answer; what it has paid can be recovered."
        case .recoveryNotProposed, .recoveryNotOrdered: "Read the recovery again."
        case .aboveRecoverable: "Lower the amount."
        case .proposerMayNotOrder: "Have another paying officer do it."
        case .paymentNotApproved: "Have it approved first."
        case .referenceUsed: "Give each agreement a reference of its own."
        case .bankReferenceUsed: "Check which payment the bank's reference belongs to."
        }
    }
}
