package import struct FoundationEssentials.UUID

/// What an outside system may do, as the operator agreed it with the organisation behind it.
package struct PublisherTerms: Sendable, Equatable {
    package static let queueBytesRange = 65_536...1_073_741_824
    package static let queueBytesDefault = 67_108_864
    package static let experimentCountMax = 200
    private static let textBytesMax = 200

    package var organisation: String
    /// Somebody who answers: an e-mail address or a telephone number. None but an operator sees it.
    package var contact: String
    /// The experiments whose feedback it may send; nil for all.
    package var experiments: [UUID]?
    /// What may wait in its queue before the broker refuses more.
    package var queueBytes: Int

    package init(organisation: String, contact: String, experiments: [UUID]? = nil, queueBytes: Int) {
        self.organisation = organisation
        self.contact = contact
        self.experiments = experiments
        self.queueBytes = queueBytes
    }

    package func check() throws(PublisherError) {
        for (field, text) in [("/organisation", organisation), ("/contact", contact)] {
            guard !text.isEmpty, text.utf8.count <= Self.textBytesMax,
                text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
            else { throw .field(field, expected: "1 to \(Self.textBytesMax) bytes of text in one line") }
        }
        guard Self.queueBytesRange.contains(queueBytes) else {
            throw .field(
                "/queueBytes",
                expected: "\(Self.queueBytesRange.lowerBound) to \(Self.queueBytesRange.upperBound) bytes")
        }
        if let experiments, !(1...Self.experimentCountMax).contains(experiments.count) {
            throw .field("/experiments", expected: "1 to \(Self.experimentCountMax) ids, or null for all")
        }
    }
}

package enum PublisherName {
    /// Kept for what people write on the service's own pages.
    package static let pages = "pages"

    /// Names become parts of queue names, of users and of broker permissions, so nothing else may be in them.
    package static func check(_ name: String) throws(PublisherError) {
        let isAllowed = name.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
        }
        guard isAllowed, (2...40).contains(name.utf8.count), name != pages else {
            throw .field("/publisher", expected: "2 to 40 of a-z, 0-9 and -, and not \(pages)")
        }
    }
}

package enum PublisherError: Error, Sendable, Equatable {
    /// - Parameters:
    ///   - field: JSON pointer.
    ///   - expected: completes "expected …".
    case field(String, expected: String)
    case nameTaken(String)
    case unknown(String)
    case credentialUnknown(Int)
    case versionMismatch(current: Int64)
    case suspended(String)
    /// So many are live.
    case tooManyCredentials(Int)
}

/// One way for a publisher to prove itself, at the broker and over HTTP alike.
package struct PublisherCredential: Sendable, Equatable {
    /// How long the credential before goes on, unless told otherwise.
    package static let overlapHoursDefault = 24
    package static let overlapHoursRange = 0...720
    /// Each is a broker user with connections of its own.
    package static let liveCountMax = 5

    package let publisher: String
    package let number: Int

    package init(publisher: String, number: Int) {
        self.publisher = publisher
        self.number = number
    }

    /// `telesuivi.2`: what it logs in as.
    package var user: String { "\(publisher).\(number)" }

    /// nil for a name that is no credential's.
    package init?(user: String) {
        let parts = user.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = Int(parts[1]), number > 0, String(number) == parts[1],
            (try? PublisherName.check(String(parts[0]))) != nil
        else { return nil }
        self.init(publisher: String(parts[0]), number: number)
    }
}
