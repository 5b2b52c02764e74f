import CofundingRules
import FundingDomain

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Sensible examples of everything; a test names only what it is about.
enum Controls {
    static let now = Date(timeIntervalSince1970: 1_772_442_000)
    static let iban = "FR14 2004 1010 0505 0001 3M02 606"

    static func ruleSet(name: String = "aap-tle-2022", validFrom: Date = now) throws -> CofundingRuleSet {
        try CofundingRuleSet(
            name: name, validFrom: validFrom,
            animation: RateAndCeilings(
                basisPoints: 5000, ceilingCents: ["etablissement_sante_public": 150_000_000, "esms": 37_500_000]),
            experiment: RateAndCeiling(basisPoints: 5000, ceilingCents: 30_000_000),
            source: "NOR PRMI2204762A")
    }

    static func consortium(structureType: String = "etablissement_sante_public") -> Consortium {
        Consortium(lead: Member(siren: "200034528", structureType: structureType, sector: "sanitaire"), partners: [])
    }

    static func decision(
        rank: Int?, outcome: DecidedOutcome = .funded, call: UUID = UUID(), requestedCents: Int64 = 100_000_000
    ) -> Decision {
        Decision(
            application: UUID(), call: call, outcome: outcome, rank: rank, consortium: consortium(),
            animationBudgetCents: requestedCents * 2, requestedCents: requestedCents, decidedAt: now)
    }

    static func grant(
        _ cents: Int64 = 100_000_000, purpose: EnvelopePurpose = .animation, state: GrantState = .reserved,
        id: UUID = UUID()
    ) -> Grant {
        Grant(
            id: id, purpose: purpose, state: state, of: (call: UUID(), application: UUID()),
            experiment: purpose == .experiments ? UUID() : nil, consortium: consortium(), reservedCents: cents)
    }

    static let signatories = [
        Signatory(side: .funder, name: "Claude Martin", role: "directrice"),
        Signatory(side: .beneficiary, name: "Dominique Petit", role: "directeur général"),
    ]

    static func signedAgreement(_ cents: Int64 = 100_000_000) throws -> Agreement {
        var agreement = try Agreement.draft(id: UUID(), of: grant(cents), nextID: UUID.init)
        _ = try agreement.sign(by: signatories, on: now, at: now)
        return agreement
    }

    static func releasedTranche() throws -> Tranche {
        var tranche = try signedAgreement().tranches[1]
        _ = tranche.release(on: .of(.milestoneReached))
        return tranche
    }
}

extension RecordedEvidence {
    /// One fact of each kind, each about a thing of its own.
    static func of(_ kinds: EvidenceOf...) -> RecordedEvidence {
        RecordedEvidence(
            kinds.map { Fact(kind: $0, subject: UUID().uuidString, event: UUID(), occurredAt: Controls.now) })
    }

    static let none = RecordedEvidence([])

    static func + (left: RecordedEvidence, right: RecordedEvidence) -> RecordedEvidence {
        RecordedEvidence(left.facts + right.facts)
    }
}

/// SplitMix64: the same sequence on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The ledger's rules in a dictionary: what the store's SQL must do alike.
struct ModelLedger {
    /// Where money is before the commands that are tried here.
    private static func isSource(_ account: LedgerAccount) -> Bool {
        switch account {
        case .budget, .part: true
        default: false
        }
    }

    private(set) var debited: [LedgerAccount: Int64] = [:]
    private(set) var credited: [LedgerAccount: Int64] = [:]
    private(set) var booked: Set<String> = []

    func balance(_ account: LedgerAccount) -> Int64 { credited[account, default: 0] - debited[account, default: 0] }

    /// Everything that ever reached the account.
    func total(_ account: LedgerAccount) -> Int64 { credited[account, default: 0] }

    /// False when the money is not there or the command is booked; then nothing changed.
    mutating func book(_ transfer: Transfer) -> Bool {
        guard transfer.cents > 0, !booked.contains(transfer.commandID) else { return false }
        guard Self.isSource(transfer.debit) || balance(transfer.debit) >= transfer.cents else { return false }
        booked.insert(transfer.commandID)
        debited[transfer.debit, default: 0] += transfer.cents
        credited[transfer.credit, default: 0] += transfer.cents
        return true
    }
}
