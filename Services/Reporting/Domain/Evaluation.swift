package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What an evaluation comes to.
package enum EvaluationConclusion: String, Sendable, CaseIterable {
    case favourable
    case favourableWithReservations = "favourable-with-reservations"
    case unfavourable
    case inconclusive
}

/// What an evaluation says.
package struct EvaluationContent: Sendable, Equatable {
    package static let referenceLengthMax = 256
    package static let summaryLengthMax = 10_000

    /// Where the full document lies.
    package let documentReference: String
    package let conclusion: EvaluationConclusion
    package let summary: String

    package init(documentReference: String, conclusion: EvaluationConclusion, summary: String) {
        self.documentReference = documentReference
        self.conclusion = conclusion
        self.summary = summary
    }

    /// Nothing blank, nothing too long; line breaks in the summary alone.
    func check() throws(EvaluationError) {
        guard fits(documentReference, lengthMax: Self.referenceLengthMax, allowing: "") else {
            throw .invalidField(
                "/documentReference", expected: "1 to \(Self.referenceLengthMax) characters on one line")
        }
        guard fits(summary, lengthMax: Self.summaryLengthMax, allowing: "\n\r") else {
            throw .invalidField(
                "/summary",
                expected: "1 to \(Self.summaryLengthMax) characters without control characters but line breaks")
        }
    }

    private func fits(_ text: String, lengthMax: Int, allowing breaks: String) -> Bool {
        let scalars = text.unicodeScalars
        return scalars.count <= lengthMax && !text.allSatisfy(\.isWhitespace)
            && !scalars.contains { isControl($0) && !breaks.unicodeScalars.contains($0) }
    }

    private func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
    }
}

/// One publication of an evaluation.
package struct EvaluationPublication: Sendable, Equatable {
    package let content: EvaluationContent
    package let publishedBy: String
    package let publishedAt: Date

    package init(_ content: EvaluationContent, by: String, at: Date) {
        self.content = content
        publishedBy = by
        publishedAt = at
    }
}

/// The evaluation of an experiment, with what was published last.
package struct Evaluation: Sendable, Equatable {
    package let id: UUID
    package let experiment: UUID
    package let agreement: UUID
    /// From 1; each publication makes one.
    package let version: Int64
    package let publication: EvaluationPublication

    package init(
        id: UUID, experiment: UUID, agreement: UUID, version: Int64, publication: EvaluationPublication
    ) {
        self.id = id
        self.experiment = experiment
        self.agreement = agreement
        self.version = version
        self.publication = publication
    }
}
