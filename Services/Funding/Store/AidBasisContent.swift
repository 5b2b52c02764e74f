import CofundingRules
import FundingDomain

/// A basis as it is sent, stored and shown.
struct AidBasisContent: Codable, Sendable {
    struct Aid: Codable, Sendable {
        let grantedOn: String
        let amountCents: Int64
        let siren: String
        let authority: String
    }

    let kind: String
    /// Of `gber`.
    var work: String?
    var size: String?
    var isCollaboration: Bool?
    /// Of `de-minimis`.
    var isSGEI: Bool?
    /// `MM-dd`.
    var fiscalYearStart: String?
    var previousAids: [Aid]?
}

extension AidBasisContent {
    init(_ basis: DeclaredBasis) {
        self.init(kind: basis.kind.rawValue)
        switch basis {
        case .nonEconomic: break
        case .gber(let work, let size, let isCollaboration):
            self.work = work.rawValue
            self.size = size.rawValue
            self.isCollaboration = isCollaboration
        case .deMinimis(let earlier, let fiscalYearStart, let isSGEI):
            self.isSGEI = isSGEI
            // A year that has not 29 February, with which no fiscal year begins.
            let day = CalendarDay(year: 2023, month: fiscalYearStart.month, day: fiscalYearStart.day)
            self.fiscalYearStart = day.map { String($0.description.dropFirst("2023-".count)) }
            previousAids = earlier.map {
                Aid(
                    grantedOn: $0.aid.grantedOn.description, amountCents: $0.aid.cents, siren: $0.aid.siren,
                    authority: $0.authority)
            }
        }
    }

    /// - Parameter place: JSON pointer of this.
    /// - Throws: `FundingError.invalid` with the field at fault.
    func read(at place: String) throws(FundingError) -> DeclaredBasis {
        let basis: DeclaredBasis
        switch try Self.oneOf(kind, DeclaredBasis.Kind.self, at: "\(place)/kind") {
        case .nonEconomic: basis = .nonEconomic
        case .gber:
            basis = .gber(
                work: try Self.oneOf(work, at: "\(place)/work"), size: try Self.oneOf(size, at: "\(place)/size"),
                isCollaboration: try Self.known(isCollaboration, "true or false", at: "\(place)/isCollaboration"))
        case .deMinimis:
            basis = .deMinimis(
                earlier: try aids(at: place), fiscalYearStart: try fiscalYear(at: place),
                isSGEI: try Self.known(isSGEI, "true or false", at: "\(place)/isSGEI"))
        }
        try basis.check(at: place)
        return basis
    }

    private func aids(at place: String) throws(FundingError) -> [EarlierAid] {
        let sent = try Self.known(previousAids, "an array, empty where there was none", at: "\(place)/previousAids")
        var aids: [EarlierAid] = []
        for (index, aid) in sent.enumerated() {
            let day = try CalendarDay.read(aid.grantedOn, at: "\(place)/previousAids/\(index)/grantedOn")
            aids.append(
                EarlierAid(
                    aid: DeMinimisAid(grantedOn: day, cents: aid.amountCents, siren: aid.siren),
                    authority: aid.authority))
        }
        return aids
    }

    private func fiscalYear(at place: String) throws(FundingError) -> FiscalYearStart {
        let expected = "a month and day of every year such as 01-01"
        let text = try Self.known(fiscalYearStart, expected, at: "\(place)/fiscalYearStart")
        guard let day = CalendarDay("2023-\(text)"), let start = FiscalYearStart(month: day.month, day: day.day) else {
            throw .invalid(field: "\(place)/fiscalYearStart", expected: expected)
        }
        return start
    }

    private static func known<Value>(
        _ value: Value?, _ expected: String, at field: String
    ) throws(FundingError) -> Value {
        guard let value else { throw .invalid(field: field, expected: expected) }
        return value
    }

    private static func oneOf<Value: RawRepresentable & CaseIterable>(
        _ text: String?, _ type: Value.Type = Value.self, at field: String
    ) throws(FundingError) -> Value where Value.RawValue == String {
        guard let value = text.flatMap(Value.init(rawValue:)) else {
            throw .invalid(field: field, expected: Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }
}

extension CalendarDay {
    /// - Throws: `FundingError.invalid` at the field.
    static func read(_ text: String, at field: String) throws(FundingError) -> CalendarDay {
        guard let day = CalendarDay(text) else { throw .invalid(field: field, expected: "a day such as 2026-01-31") }
        return day
    }
}
