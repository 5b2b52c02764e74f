package import struct FoundationEssentials.Date
package import struct FoundationEssentials.UUID

/// What a site answers to what was said: "you said, we did".
package struct SiteAnswer: Sendable, Equatable {
    package static let textCharacterCountMax = 2000
    package static let themeBytes = 2...40

    package var id: UUID
    package var experiment: UUID
    /// A slug of the site's own, such as `readability`; never a sentence.
    package var theme: String?
    package var french: String?
    package var english: String?
    package var publishedAt: Date
    package var withdrawnAt: Date?

    package init(
        id: UUID, experiment: UUID, theme: String?, french: String?, english: String?, publishedAt: Date,
        withdrawnAt: Date? = nil
    ) {
        self.id = id
        self.experiment = experiment
        self.theme = theme
        self.french = french
        self.english = english
        self.publishedAt = publishedAt
        self.withdrawnAt = withdrawnAt
    }

    package var languages: [PageLanguage] {
        [(PageLanguage.french, french), (.english, english)].compactMap { $1 == nil ? nil : $0 }
    }

    /// The text that a reader of a language gets: the other one rather than none.
    package func text(for language: PageLanguage) -> (text: String, language: PageLanguage)? {
        let texts = [(PageLanguage.french, french), (.english, english)]
        let ordered = texts.filter { $0.0 == language } + texts.filter { $0.0 != language }
        for (language, text) in ordered {
            if let text { return (text, language) }
        }
        return nil
    }

    package static func isTheme(_ text: String) -> Bool {
        themeBytes.contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
    }
}
