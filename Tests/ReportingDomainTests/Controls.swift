import FoundationEssentials
import ReportingDomain

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

/// A small programme: one call, three applications (contracted, reserve, ineligible), two tranches, one experiment.
enum Controls {
    static let call = id(1)
    static let contracted = id(2)
    static let reserve = id(3)
    static let ineligible = id(4)
    static let agreement = id(5)
    static let experiment = id(6)
    static let tranches = [id(7), id(8)]
    static let start = Date(timeIntervalSince1970: 1_800_000_000)

    static func id(_ number: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAB, number))
    }

    /// A fact with an event id of its own.
    static func fact(
        _ kind: FactKind, _ key: UUID, sequence: Int64 = 1, with set: (inout ProgrammeFact) -> Void = { _ in }
    ) -> ProgrammeFact {
        let kindNumber = UInt8(FactKind.allCases.firstIndex(of: kind) ?? 0)
        let event = UUID(
            uuid: (kindNumber, UInt8(sequence), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, key.uuid.15))
        var fact = ProgrammeFact(kind, key: key.figureText, sequence: sequence, event: event, time: start)
        set(&fact)
        return fact
    }

    static var facts: [ProgrammeFact] { selection + money + experimentation }

    private static var selection: [ProgrammeFact] {
        var facts = [
            fact(.callPublished, call) {
                $0.ordinal = 1
                $0.target = 30
                $0.word = "Wave 1"
            }
        ]
        for application in [contracted, reserve, ineligible] {
            // Deposited twice: the second deposit replaces the first.
            for sequence in [Int64(1), 2] {
                facts.append(
                    fact(.applicationSubmitted, application, sequence: sequence) {
                        $0.application = application
                        $0.call = call
                        $0.siren = sequence == 1 ? "000000000" : "732829320"
                    })
            }
            facts.append(
                fact(.eligibilityDecided, application, sequence: 3) {
                    $0.application = application
                    $0.call = call
                    $0.reasons = application == ineligible ? ["lead-not-a-health-structure"] : []
                })
        }
        for (application, outcome, rank) in [(contracted, "funded", 1), (reserve, "reserve", 2)] {
            facts.append(
                fact(.applicationDecided, application, sequence: 4) {
                    $0.application = application
                    $0.call = call
                    $0.word = outcome
                    $0.ordinal = rank
                    $0.siren = "732829320"
                })
        }
        return facts
    }

    private static var money: [ProgrammeFact] {
        var facts: [ProgrammeFact] = []
        for (number, kind) in [(UInt8(20), MoneyKind.animation), (21, .experiments)] {
            facts.append(
                fact(.envelopeOpened, id(number)) {
                    $0.moneyKind = kind
                    $0.amountCents = 100_000_000
                })
        }
        facts.append(
            fact(.grantReserved, id(22)) {
                $0.moneyKind = .animation
                $0.amountCents = 30_000_000
            })
        facts.append(
            fact(.grantReserved, id(23)) {
                $0.moneyKind = .experiments
                $0.amountCents = 10_000_000
            })
        facts.append(
            fact(.agreementSigned, agreement) {
                $0.agreement = agreement
                $0.application = contracted
                $0.call = call
                $0.amountCents = 30_000_000
            })
        for (index, tranche) in tranches.enumerated() {
            let steps: [FactKind] =
                index == 0 ? [.trancheOpened, .trancheReleased, .paymentOrdered, .paymentExecuted] : [.trancheOpened]
            for kind in steps {
                facts.append(
                    fact(kind, tranche) {
                        $0.agreement = agreement
                        $0.tranche = tranche
                        $0.ordinal = index + 1
                        $0.amountCents = 15_000_000
                    })
            }
        }
        return facts
    }

    private static var experimentation: [ProgrammeFact] {
        var facts: [ProgrammeFact] = []
        for kind in [FactKind.experimentRegistered, .protocolApproved, .experimentStarted, .cofundingApproved] {
            facts.append(
                fact(kind, experiment) {
                    $0.experiment = experiment
                    $0.agreement = agreement
                    $0.target = 400
                    $0.amountCents = 10_000_000
                })
        }
        facts.append(fact(.siteOpened, id(24)) { $0.agreement = agreement })
        return facts
    }

    /// Responses with corrections, exclusions and erased values, in the order in which they happened.
    static func versions(seed: UInt64, count: Int) -> [ResponseVersion] {
        var generator = SeededGenerator(seed: seed)
        var versions: [ResponseVersion] = []
        for number in 0..<count {
            let response = UUID(
                uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(number / 256), UInt8(number % 256)))
            let instrument = Bool.random(using: &generator) ? Scores.systemUsability : Scores.netPromoter
            for version in 1...Int.random(in: 1...4, using: &generator) {
                let occasion = ["M0", "M3"].randomElement(using: &generator) ?? "M0"
                let score =
                    instrument == Scores.netPromoter
                    ? Int.random(in: 0...10, using: &generator) : 25 * Int.random(in: 0...40, using: &generator)
                versions.append(
                    ResponseVersion(
                        response: response, version: version,
                        cell: ResponseCell(experiment: experiment, instrument: instrument, occasion: occasion),
                        isCounted: Int.random(in: 0..<10, using: &generator) > 0,
                        score: Int.random(in: 0..<10, using: &generator) > 0 ? score : nil))
            }
        }
        return versions
    }
}
