import CofundingRules
import HTTPDefaults
import Hummingbird

extension Request {
    private enum Kind: String, CaseIterable {
        case nonEconomic = "non-economic"
        case gber
        case deMinimis = "de-minimis"
    }

    /// The basis of aid that the query supposes, `?aidBasis=gber&work=industrial-research&size=small`; nil without one.
    /// De minimis aid is supposed to be the undertaking's first: funding alone knows what it has had.
    /// - Throws: 400 `bad-parameter` with the parameter at fault.
    func supposedBasis() throws(Problem) -> AidBasis? {
        guard let kind: Kind = try choice("aidBasis") else { return nil }
        switch kind {
        case .nonEconomic: return .nonEconomic
        case .gber:
            return .gber(
                work: try needed("work"), size: try needed("size"), isCollaboration: try flag("isCollaboration"))
        case .deMinimis:
            return .deMinimis(previous: [], fiscalYearStart: .january, isSGEI: try flag("isSGEI"))
        }
    }

    private func needed<Value: RawRepresentable & CaseIterable>(_ name: String) throws(Problem) -> Value
    where Value.RawValue == String {
        guard let value: Value = try choice(name) else { throw Self.bad(name, of: Value.self) }
        return value
    }

    private func choice<Value: RawRepresentable & CaseIterable>(_ name: String) throws(Problem) -> Value?
    where Value.RawValue == String {
        guard let text = uri.queryParameters[Substring(name)] else { return nil }
        guard let value = Value(rawValue: String(text)) else { throw Self.bad(name, of: Value.self) }
        return value
    }

    private enum Flag: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    private func flag(_ name: String) throws(Problem) -> Bool {
        let flag: Flag? = try choice(name)
        return flag == .yes
    }

    private static func bad<Value: RawRepresentable & CaseIterable>(_ name: String, of type: Value.Type) -> Problem
    where Value.RawValue == String {
        let list = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return Problem(
            .badRequest, "bad-parameter", "A parameter is not as it must be", detail: "expected one of: \(list)"
        ).at("?\(name)")
    }
}
