import FeedbackDomain

/// Why an answer is not counted, for the person who gave it.
enum RefusalWords {
    /// - Parameter reason: the slug of the intake's reason.
    static func text(_ reason: String, in say: PageLanguage) -> String {
        switch Refusal.Reason(rawValue: reason) {
        case .experimentCompleted:
            say(
                "L’expérimentation est terminée : elle ne prend plus de réponses.",
                "The experiment has ended: it takes no more answers.")
        case .beforeStart, .outsideWindow:
            say(
                "Ce n’est pas, ou plus, le moment prévu pour ces questions.",
                "This is not, or no longer, the time planned for these questions.")
        case .notInProtocol:
            say(
                "L’expérimentation ne pose plus ces questions.", "The experiment does not ask these questions any more."
            )
        case .consentMissing:
            say(
                "Nous n’avons pas, ou plus, votre accord pour ces questions. Parlez-en à votre équipe.",
                "We do not have, or no longer have, your consent to these questions. Please talk to your team.")
        case .alreadyAnswered:
            say(
                "Vous avez déjà répondu. Votre première réponse est gardée ; votre code de reçu permet de la corriger.",
                "You have answered already. Your first answer is kept; your receipt code lets you correct it.")
        case .amendsOutdated, .amendsOtherResponse, .amendsRefused, .identityConflict:
            say(
                "Votre réponse a été modifiée entre-temps. Ouvrez-la de nouveau avec votre code.",
                "Your answer was changed meanwhile. Open it again with your code.")
        default:
            say(
                "La faute vient de nous, et l’équipe en est informée. Réessayez plus tard.",
                "The fault is ours, and the team was told. Please try again later.")
        }
    }
}
