package import struct FoundationEssentials.UUID

/// Where a response counts.
package struct ResponseCell: Hashable, Sendable, Comparable {
    package let experiment: UUID
    package let instrument: String
    package let occasion: String

    package init(experiment: UUID, instrument: String, occasion: String) {
        self.experiment = experiment
        self.instrument = instrument
        self.occasion = occasion
    }

    package var figure: FigureID { FigureID("responses", experiment, instrument, occasion) }

    private var order: (String, String, String) { (experiment.uuidString, instrument, occasion) }

    package static func < (left: ResponseCell, right: ResponseCell) -> Bool { left.order < right.order }
}

/// One version of a response.
package struct ResponseVersion: Sendable, Equatable {
    package var response: UUID
    package var version: Int
    package var cell: ResponseCell
    /// Retracted and excluded responses do not count.
    package var isCounted: Bool
    /// nil once the person's values were erased: the response still counts, its score no longer.
    package var score: Int?

    package init(response: UUID, version: Int, cell: ResponseCell, isCounted: Bool, score: Int?) {
        self.response = response
        self.version = version
        self.cell = cell
        self.isCounted = isCounted
        self.score = score
    }

    /// What this version adds to its cell.
    package var tally: ResponseTally {
        guard isCounted else { return ResponseTally() }
        guard let score else { return ResponseTally(count: 1) }
        var tally = ResponseTally(count: 1, scoredCount: 1, scoreSum: Int64(score))
        if cell.instrument == Scores.netPromoter {
            switch score {
            case 9...: tally.promoterCount = 1
            case 7...8: tally.passiveCount = 1
            default: tally.detractorCount = 1
            }
        }
        return tally
    }
}

/// The responses of a cell as whole numbers, from which every mean is computed exactly.
package struct ResponseTally: Sendable, Equatable {
    package var count: Int64
    package var scoredCount: Int64
    /// SUS: tenths of a point. NPS: answers.
    package var scoreSum: Int64
    package var promoterCount: Int64 = 0
    package var passiveCount: Int64 = 0
    package var detractorCount: Int64 = 0

    package init(count: Int64 = 0, scoredCount: Int64 = 0, scoreSum: Int64 = 0) {
        self.count = count
        self.scoredCount = scoredCount
        self.scoreSum = scoreSum
    }

    package static func + (left: ResponseTally, right: ResponseTally) -> ResponseTally { left.adding(right, sign: 1) }
    package static func - (left: ResponseTally, right: ResponseTally) -> ResponseTally { left.adding(right, sign: -1) }

    private func adding(_ other: ResponseTally, sign: Int64) -> ResponseTally {
        var sum = self
        sum.count += sign * other.count
        sum.scoredCount += sign * other.scoredCount
        sum.scoreSum += sign * other.scoreSum
        sum.promoterCount += sign * other.promoterCount
        sum.passiveCount += sign * other.passiveCount
        sum.detractorCount += sign * other.detractorCount
        return sum
    }
}

/// Responses and their tallies: of two versions of one response the later counts, so order and repetition change
/// nothing.
package struct ResponseBook: Sendable, Equatable {
    private var versions: [UUID: ResponseVersion] = [:]
    package private(set) var tallies: [ResponseCell: ResponseTally] = [:]

    package init() {}

    package mutating func record(_ new: ResponseVersion) {
        let old = versions[new.response]
        if let old, old.version >= new.version { return }
        versions[new.response] = new
        if let old { set(tallies[old.cell, default: ResponseTally()] - old.tally, at: old.cell) }
        set(tallies[new.cell, default: ResponseTally()] + new.tally, at: new.cell)
    }

    /// An empty cell is no cell: otherwise the order of two versions in different cells would show.
    private mutating func set(_ tally: ResponseTally, at cell: ResponseCell) {
        tallies[cell] = tally == ResponseTally() ? nil : tally
    }

    /// What recording these versions changes, given the versions in force.
    ///
    /// - Parameter known: the versions that are stored of the responses in `versions`.
    /// - Returns: the versions to store, one per response, and the change of every cell.
    package static func changes(
        by versions: [ResponseVersion], over known: [ResponseVersion]
    ) -> (stored: [ResponseVersion], tallies: [ResponseCell: ResponseTally]) {
        var book = ResponseBook()
        for version in known { book.record(version) }
        let before = book.tallies
        for version in versions { book.record(version) }
        let old = Dictionary(known.map { ($0.response, $0.version) }) { first, _ in first }
        let stored = book.versions.values.filter { old[$0.response, default: 0] < $0.version }
        var changes: [ResponseCell: ResponseTally] = [:]
        for cell in Set(before.keys).union(book.tallies.keys) {
            let change = book.tallies[cell, default: ResponseTally()] - before[cell, default: ResponseTally()]
            if change != ResponseTally() { changes[cell] = change }
        }
        return (stored.sorted { $0.response.uuidString < $1.response.uuidString }, changes)
    }
}
