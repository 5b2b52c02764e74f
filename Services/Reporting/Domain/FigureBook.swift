package import struct FoundationEssentials.UUID

/// The name of a number, such as `paid:total` or `applications:ineligible`: what a reader opens to see the events
/// behind it.
package struct FigureID: Hashable, Sendable {
    package let text: String

    package init(text: String) { self.text = text }

    package init(_ measure: String, _ parts: String...) { text = ([measure] + parts).joined(separator: ":") }

    package init(_ measure: String, _ id: UUID, _ parts: String...) {
        text = ([measure, id.figureText] + parts).joined(separator: ":")
    }
}

extension UUID {
    /// 36 characters in lower case.
    package var figureText: String { uuidString.lowercased() }
}

/// What one event adds to a figure.
package struct Contribution: Sendable, Equatable {
    package let event: UUID
    package let value: Int64

    package init(event: UUID, value: Int64) {
        self.event = event
        self.value = value
    }
}

/// Every figure as the sum of what single events add to it: a number cannot exist without its events.
package struct FigureBook: Sendable, Equatable {
    private var contributions: [FigureID: [Contribution]] = [:]

    package init() {}

    package mutating func add(_ value: Int64 = 1, to figures: FigureID..., because fact: ProgrammeFact) {
        for figure in figures {
            contributions[figure, default: []].append(Contribution(event: fact.event, value: value))
        }
    }

    package func total(_ figure: FigureID) -> Int64 { contributions[figure, default: []].reduce(0) { $0 + $1.value } }

    /// In the order of the event ids, which is about the order of time. nil when no such figure has any event.
    package func contributions(to text: String) -> [Contribution]? {
        contributions[FigureID(text: text)]?.sorted { $0.event.uuidString < $1.event.uuidString }
    }

    package func count(_ figure: FigureID) -> CountFigure { CountFigure(count: total(figure), figure: figure.text) }

    package func amount(_ figure: FigureID) -> AmountFigure { AmountFigure(cents: total(figure), figure: figure.text) }
}

package struct CountFigure: Sendable, Equatable, Encodable {
    package let count: Int64
    package let figure: String

    package init(count: Int64, figure: String) {
        self.count = count
        self.figure = figure
    }
}

package struct AmountFigure: Sendable, Equatable, Encodable {
    package let cents: Int64
    package let figure: String
}
