/// What would mend a line that the intake refuses. English has the receipt's own words, which know the details.
extension ImportWords {
    package init(_ refusal: Refusal) { self.init(Self.french(refusal.reason), refusal.mend) }

    /// Of a line that came before and was refused then.
    /// - Parameter reason: its slug.
    package static func refusedBefore(_ reason: String) -> ImportWords {
        ImportWords(
            "cette ligne est déjà venue et a été refusée (\(reason)) ; si elle est juste, importez-la avec une édition "
                + "plus haute, edition=2",
            "this line came before and was refused (\(reason)); if it is right, import it with a higher edition, "
                + "edition=2")
    }

    private static func french(_ reason: Refusal.Reason) -> String {
        switch reason {
        case .malformedHeaders, .malformedBody, .malformedLine, .unsupportedType, .invalidField:
            "la valeur n’a pas la forme attendue"
        case .tooLarge: "la ligne est trop longue"
        case .commentTooLong: "le commentaire a au plus 4 000 caractères"
        case .notCompleted: "le questionnaire n’est pas terminé"
        case .timeInFuture: "la date est à venir"
        case .unknownInstrument: "ce questionnaire n’est pas publié dans cette version"
        case .answersCount: "le nombre de réponses n’est pas celui du questionnaire"
        case .levelOutOfRange: "la réponse n’est pas parmi les niveaux de la question"
        case .nothingAnswered: "aucune question n’a de réponse"
        case .answerMissing: "cette question doit avoir une réponse"
        case .forbiddenIdentifier:
            "c’est un identifiant national, dont rien n’est gardé ; mettez le code remis par le site"
        case .experimentCompleted: "l’expérimentation était terminée à cette date"
        case .beforeStart: "l’expérimentation n’avait pas commencé à cette date"
        case .experimentNotAllowed: "votre inscription ne comprend pas cette expérimentation ; demandez à l’opérateur"
        case .notInProtocol: "le protocole ne prévoit pas ce questionnaire, cette version ou ce temps de mesure"
        case .outsideWindow: "la date est hors de la période prévue par le protocole"
        case .consentMissing: "à cette date, aucun consentement ne couvrait cette réponse"
        case .alreadyAnswered:
            "ce participant a déjà répondu ; une correction passe par l’API (maillage.response.amended.v1)"
        case .amendsItself, .amendsRefused, .amendsOtherResponse, .amendsOutdated, .unknownOriginal:
            "la réponse à corriger n’est pas celle-là"
        case .identityConflict: "cet identifiant de réponse a déjà servi pour un autre contenu"
        case .unknownExperiment: "aucune expérimentation commencée n’a cet identifiant"
        case .unknownParticipant: "aucun participant n’a ce code ; vérifiez-le avec le site"
        case .unknownEstablishment: "la correspondance ne connaît pas cet établissement"
        case .tooManyWaiting: "trop de réponses attendent leur participant ; réimportez ce fichier plus tard"
        case .internalError: "la faute est de notre côté, et nous en sommes informés"
        }
    }
}
