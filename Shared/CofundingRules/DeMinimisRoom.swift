/// De minimis aid that an undertaking has declared.
package struct DeMinimisAid: Sendable, Hashable {
    /// The day on which the right to it was conferred, whatever the day of payment.
    package var grantedOn: CalendarDay
    package var cents: Int64
    /// Nine digits: the member of the single undertaking that got it.
    package var siren: String

    package init(grantedOn: CalendarDay, cents: Int64, siren: String) {
        self.grantedOn = grantedOn
        self.cents = cents
        self.siren = siren
    }
}

/// What de minimis aid a single undertaking may still be granted on a day, with the aid that was counted.
package struct DeMinimisRoom: Sendable, Equatable {
    package let regime: DeMinimisRegime
    package let isSGEI: Bool
    /// The day the window begins with; the regime's window says whether it counts itself. It ends with the grant's day.
    package let windowStart: CalendarDay
    package let day: CalendarDay
    /// Aid to members inside the window, in the order of the declaration, as the two below.
    package let counted: [DeMinimisAid]
    /// Aid to members outside the window: before it, or after the day of the grant.
    package let outsideWindow: [DeMinimisAid]
    /// Aid to those who are no members of the single undertaking.
    package let ofOthers: [DeMinimisAid]
    /// Sum of the counted aid; held at `Int64.max`.
    package let countedCents: Int64

    package var ceilingCents: Int64 { isSGEI ? regime.sgeiCeilingCents : regime.ceilingCents }

    /// What the ceiling leaves, from 0.
    package var roomCents: Int64 { max(0, ceilingCents - countedCents) }

    /// What the room follows from, for people.
    package var inputs: [String] {
        ["window \(windowStart) to \(day)", "ceiling \(ceilingCents)"]
            + counted.map { "counted \($0.grantedOn) \($0.siren) \($0.cents)" }
            + outsideWindow.map { "outside \($0.grantedOn) \($0.siren) \($0.cents)" }
            + ofOthers.map { "of others \($0.grantedOn) \($0.siren) \($0.cents)" }
    }
}

/// A single undertaking's declaration of the de minimis aid it has had.
package struct DeMinimisDeclaration: Sendable, Equatable {
    package var previous: [DeMinimisAid]
    /// SIRENs of the members of the single undertaking. nil takes every declared aid as one of theirs: forgetting to
    /// name the members never makes room.
    package var members: Set<String>?
    package var fiscalYearStart: FiscalYearStart
    /// Whether the grant is for a service of general economic interest.
    package var isSGEI: Bool

    package init(
        previous: [DeMinimisAid], members: Set<String>? = nil, fiscalYearStart: FiscalYearStart, isSGEI: Bool
    ) {
        self.previous = previous
        self.members = members
        self.fiscalYearStart = fiscalYearStart
        self.isSGEI = isSGEI
    }
}

extension StateAidRules {
    /// The room for de minimis aid of a single undertaking on the day the right is conferred, whatever the payment
    /// date.
    ///
    /// All counted aid stands against either ceiling: the texts allow general and SGEI aid to be told apart, a
    /// declaration that does not tell them leaves less room and never more.
    ///
    /// - Throws: `noStateAidRules` without a regime on that day; `negativeAmount`, `invalidInput` and `emptyInput` with
    ///   the place in the declaration, such as `previous/2/cents`.
    package func deMinimisRoom(
        on day: CalendarDay, _ declaration: DeMinimisDeclaration
    ) throws(CofundingRulesError) -> DeMinimisRoom {
        guard validFrom <= day, let regime = deMinimis.first(where: { $0.isInForce(on: day) }) else {
            throw .noStateAidRules(basis: AidBasis.deMinimisName, day: day)
        }
        try declaration.check()
        var counted: [DeMinimisAid] = []
        var outsideWindow: [DeMinimisAid] = []
        var ofOthers: [DeMinimisAid] = []
        for aid in declaration.previous {
            if let members = declaration.members, !members.contains(aid.siren) {
                ofOthers.append(aid)
            } else if regime.window.holds(aid.grantedOn, before: day, declaration.fiscalYearStart) {
                counted.append(aid)
            } else {
                outsideWindow.append(aid)
            }
        }
        return DeMinimisRoom(
            regime: regime, isSGEI: declaration.isSGEI,
            windowStart: regime.window.start(before: day, declaration.fiscalYearStart), day: day, counted: counted,
            outsideWindow: outsideWindow, ofOthers: ofOthers,
            countedCents: Int64(clamping: counted.reduce(into: Int128(0)) { $0 += Int128($1.cents) }))
    }
}

extension DeMinimisDeclaration {
    fileprivate func check() throws(CofundingRulesError) {
        for (index, aid) in previous.enumerated() {
            guard aid.cents >= 0 else { throw .negativeAmount(field: "previous/\(index)/cents") }
            guard isSIREN(aid.siren) else {
                throw .invalidInput(field: "previous/\(index)/siren", expected: "9 digits")
            }
        }
        guard let members else { return }
        if members.isEmpty { throw .emptyInput(field: "members") }
        guard members.allSatisfy(isSIREN) else { throw .invalidInput(field: "members", expected: "9 digits each") }
    }
}

private func isSIREN(_ text: String) -> Bool {
    text.utf8.count == 9 && text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
}
