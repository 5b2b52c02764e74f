/// One de minimis regulation as data: how much a single undertaking may get over which window.
package struct DeMinimisRegime: Sendable, Equatable {
    /// First day of grants under it.
    package let from: CalendarDay
    /// Last day, inclusive; nil while no end is known.
    package let until: CalendarDay?
    package let ceilingCents: Int64
    /// For services of general economic interest.
    package let sgeiCeilingCents: Int64
    package let window: DeMinimisWindow
    /// Where it is published.
    package let source: String

    /// - Throws: `CofundingRulesError.invalidStateAidRules` with the field at fault.
    package init(
        from: CalendarDay, until: CalendarDay?, ceilingCents: Int64, sgeiCeilingCents: Int64,
        window: DeMinimisWindow, source: String
    ) throws(CofundingRulesError) {
        if let until, until < from {
            throw .invalidStateAidRules(field: "deMinimis/until", expected: "\(from) or later")
        }
        guard ceilingCents > 0 else {
            throw .invalidStateAidRules(field: "deMinimis/ceilingCents", expected: "more than 0")
        }
        guard sgeiCeilingCents > 0 else {
            throw .invalidStateAidRules(field: "deMinimis/sgeiCeilingCents", expected: "more than 0")
        }
        guard DeMinimisWindow.years.contains(window.years) else {
            throw .invalidStateAidRules(field: "deMinimis/window", expected: "1 to 10 years")
        }
        guard (1...CofundingRuleSet.sourceLengthMax).contains(source.count) else {
            throw .invalidStateAidRules(
                field: "deMinimis/source", expected: "1 to 300 characters: where the regime is published")
        }
        self.from = from
        self.until = until
        self.ceilingCents = ceilingCents
        self.sgeiCeilingCents = sgeiCeilingCents
        self.window = window
        self.source = source
    }
}

/// The time before a grant in which de minimis aid counts against the ceiling. Both end with the day of the grant.
package enum DeMinimisWindow: Sendable, Hashable {
    /// The undertaking's fiscal year of the grant and so many less one before it.
    case fiscalYears(Int)
    /// So many years back from the day of the grant. Texts differ on the day they begin with, so it is a choice here:
    /// of three years before 2024-01-30, it is 2021-01-30 that counts or does not.
    case rollingYears(Int, countsBoundaryDay: Bool)

    package static let years = 1...10

    package var years: Int {
        switch self {
        case .fiscalYears(let years), .rollingYears(let years, _): years
        }
    }
}

extension DeMinimisRegime {
    package func isInForce(on day: CalendarDay) -> Bool { from <= day && until.map { day <= $0 } ?? true }
}

extension DeMinimisWindow {
    /// Whether aid of one day counts against a grant of another.
    func holds(_ aid: CalendarDay, before grant: CalendarDay, _ fiscalYearStart: FiscalYearStart) -> Bool {
        let start = start(before: grant, fiscalYearStart)
        switch self {
        case .fiscalYears, .rollingYears(_, countsBoundaryDay: true): return start <= aid && aid <= grant
        case .rollingYears(_, countsBoundaryDay: false): return start < aid && aid <= grant
        }
    }

    /// The day the window begins with; whether it counts itself is the case's matter.
    func start(before grant: CalendarDay, _ fiscalYearStart: FiscalYearStart) -> CalendarDay {
        switch self {
        case .fiscalYears(let count): fiscalYearStart.beginning(of: grant).adding(years: 1 - count)
        case .rollingYears(let count, _): grant.adding(years: -count)
        }
    }
}
