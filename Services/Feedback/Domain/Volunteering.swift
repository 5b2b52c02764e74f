package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What a site asks people to volunteer for.
package struct VolunteerOpening: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case experiment, codesign
    }

    package static let titleCharacterCountMax = 200

    package var id: UUID
    package var experiment: UUID
    package var kind: Kind
    package var french: String
    package var english: String

    package init(id: UUID, experiment: UUID, kind: Kind, french: String, english: String) {
        self.id = id
        self.experiment = experiment
        self.kind = kind
        self.french = french
        self.english = english
    }
}

/// How somebody may be reached: one e-mail address or one telephone number.
package struct VolunteerContact: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case email, phone
    }

    /// Kept no longer than this.
    package static let retentionDays = 180
    private static let bytesMax = 254

    package let kind: Kind
    package let text: String

    /// nil for what is neither. Whether it reaches anybody only a message can tell.
    package init?(_ typed: String) {
        let trimmed = typed.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
        let text = String(trimmed)
        guard (1...Self.bytesMax).contains(text.utf8.count) else { return nil }
        if text.contains("@") {
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !text.contains(where: \.isWhitespace),
                parts[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }),
                parts[1].contains(".")
            else { return nil }
            self.kind = .email
            self.text = text
            return
        }
        let number = text.filter { !" .-()\u{A0}\u{202F}".contains($0) }
        let digits = number.hasPrefix("+") ? number.dropFirst() : number[...]
        guard (8...15).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        self.kind = .phone
        self.text = number
    }
}
