import CofundingRules
import Testing

/// A line of Tests/Resources/cofunding/cases-2026.txt, whose words reference.py explains.
struct ReferenceCase {
    let kind: Substring
    let inputs: [Substring]
    let expected: [Substring]

    init(line: Substring) throws {
        let halves = line.split(separator: " = ", maxSplits: 1)
        try #require(halves.count == 2, "\(line)")
        let words = halves[0].split(separator: " ")
        kind = words[0]
        inputs = Array(words.dropFirst())
        expected = halves[1].split(separator: " ")
    }

    /// `yyyymmdd`
    static func day(_ digits: Substring) throws -> CalendarDay {
        try Controls.day("\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.dropFirst(6))")
    }

    static func number<Number: FixedWidthInteger>(_ digits: Substring) throws -> Number {
        try #require(Number(digits), "\(digits) is no number")
    }

    static func rule(_ rule: CofundingRule) -> String {
        switch rule {
        case .animationRate, .experimentRate: "r"
        case .animationCeiling, .experimentCeiling: "c"
        case .gberIntensity, .deMinimisRoom: "s"
        case .requestedAmount: "q"
        case .partnerBudget: "b"
        case .partnerSum: "p"
        case .projectShare: "j"
        case .nonEconomic: "none"
        }
    }

    static func size(_ letter: Character?) -> EnterpriseSize? {
        EnterpriseSize.allCases.first { $0.rawValue.first == letter }
    }
}

/// A basis with the policies of the rules under which it was computed; nil where it does not tell.
struct ReferenceBasis {
    let basis: AidBasis
    var bonusesCumulate: Bool?
    var countsBoundaryDay: Bool?

    init(_ word: Substring) throws {
        switch word.first {
        case "g":
            let letters = Array(word.dropFirst())
            let works: [Character: KindOfWork] = [
                "f": .fundamentalResearch, "i": .industrialResearch, "e": .experimentalDevelopment,
                "s": .feasibilityStudy,
            ]
            basis = .gber(
                work: try #require(works[letters[0]]), size: try #require(ReferenceCase.size(letters[1])),
                isCollaboration: letters[2] == "1")
            bonusesCumulate = letters[3] == "1"
        case "d":
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            let start = FiscalYearStart(
                month: try ReferenceCase.number(parts[1].prefix(2)), day: try ReferenceCase.number(parts[1].suffix(2)))
            basis = .deMinimis(
                DeMinimisDeclaration(
                    previous: try parts[4].split(separator: "+").map(Self.aid),
                    members: parts[3] == "*" ? nil : Set(parts[3].map(Self.siren)),
                    fiscalYearStart: try #require(start), isSGEI: parts[2].first == "1"))
            countsBoundaryDay = parts[2].last == "1"
        default:
            basis = .nonEconomic
        }
    }

    private static func aid(_ word: Substring) throws -> DeMinimisAid {
        let parts = word.split(separator: "/")
        return DeMinimisAid(
            grantedOn: try ReferenceCase.day(parts[0]), cents: try ReferenceCase.number(parts[1]),
            siren: siren(try #require(parts[2].first)))
    }

    private static func siren(_ letter: Character) -> String {
        ["a": "552100554", "b": "542065479"][letter] ?? "732829320"
    }
}

extension Collection<ReferenceBasis> {
    /// The rules that all of them were computed under.
    func stateAid(among variants: [[StateAidRules]]) -> StateAidRules {
        let cumulate = lazy.compactMap(\.bonusesCumulate).first ?? true
        let boundary = lazy.compactMap(\.countsBoundaryDay).first ?? true
        return variants[cumulate ? 1 : 0][boundary ? 1 : 0]
    }
}
