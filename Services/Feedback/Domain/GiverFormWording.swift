/// The words of the instruments that may be shown: the one place where an instrument becomes a page.
///
/// An instrument whose words are licensed (EQ-5D) has none here, and so no page.
extension GiverForm {
    /// nil where there are no words for the instrument.
    package static func of(_ instrument: String, in language: PageLanguage) -> GiverForm? {
        switch instrument {
        case "SUS": systemUsability(language)
        case "NPS": netPromoter(language)
        default: nil
        }
    }

    package static func hasWords(for instrument: String) -> Bool { of(instrument, in: .french) != nil }

    private static func systemUsability(_ language: PageLanguage) -> GiverForm {
        let ends = (
            low: language("Pas du tout d’accord", "Strongly disagree"),
            high: language("Tout à fait d’accord", "Strongly agree")
        )
        let levels = (1...5).map { value in
            Level(value: value, meaning: value == 1 ? ends.low : value == 5 ? ends.high : nil)
        }
        return GiverForm(
            title: language("Facilité d’utilisation", "Ease of use"),
            instructions: language(
                "Pour chaque phrase, choisissez de 1 à 5 selon votre accord. Si vous ne savez pas, choisissez le "
                    + "milieu, 3.",
                "For each statement choose 1 to 5, by how much you agree. If you cannot say, choose the middle, 3."),
            items: (language == .french ? systemUsabilityFrench : systemUsabilityEnglish).map {
                Item(question: $0, levels: levels, isRequired: true)
            },
            credit: language(
                "Questionnaire F-SUS, Gronier et Baudet (2021), d’après Brooke (1996).",
                "System Usability Scale, Brooke (1996)."))
    }

    private static func netPromoter(_ language: PageLanguage) -> GiverForm {
        let levels = (0...10).map { value in
            Level(
                value: value,
                meaning: value == 0
                    ? language("Pas du tout probable", "Not at all likely")
                    : value == 10 ? language("Extrêmement probable", "Extremely likely") : nil)
        }
        return GiverForm(
            title: language("Recommandation", "Recommendation"),
            instructions: language("Une seule question, de 0 à 10.", "One question, from 0 to 10."),
            items: [
                Item(
                    question: language(
                        "Quelle est la probabilité que vous recommandiez cette solution à un proche ou à un collègue ?",
                        "How likely is it that you would recommend this solution to a friend or colleague?"),
                    levels: levels, isRequired: true)
            ],
            credit: nil)
    }

    /// Gronier & Baudet 2021, doi 10.1080/10447318.2021.1898828: free to use where it is cited.
    private static let systemUsabilityFrench = [
        "Je voudrais utiliser ce système fréquemment.",
        "Ce système est inutilement complexe.",
        "Ce système est facile à utiliser.",
        "J’aurais besoin du soutien d’un technicien pour être capable d’utiliser ce système.",
        "Les différentes fonctionnalités de ce système sont bien intégrées.",
        "Il y a trop d’incohérences dans ce système.",
        "La plupart des gens apprendront à utiliser ce système très rapidement.",
        "Ce système est très lourd à utiliser.",
        "Je me suis senti·e très en confiance en utilisant ce système.",
        "J’ai eu besoin d’apprendre beaucoup de choses avant de pouvoir utiliser ce système.",
    ]

    /// Brooke 1996: free to use where it is credited.
    private static let systemUsabilityEnglish = [
        "I think that I would like to use this system frequently.",
        "I found the system unnecessarily complex.",
        "I thought the system was easy to use.",
        "I think that I would need the support of a technical person to be able to use this system.",
        "I found the various functions in this system were well integrated.",
        "I thought there was too much inconsistency in this system.",
        "I would imagine that most people would learn to use this system very quickly.",
        "I found the system very cumbersome to use.",
        "I felt very confident using the system.",
        "I needed to learn a lot of things before I could get going with this system.",
    ]
}
