import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import ServiceRuntime

/// `/f/{token}`: the questionnaire behind a secret link.
struct GiverPages: Sendable {
    /// How long the page with the receipt code may be loaded again, to be printed.
    static let codeSeconds = 900.0

    let givers: GiverStore
    let submissions: GiverSubmissionStore
    let guesses: GuessGuard
    let clock: ProgrammeClock

    func add(to pages: RouterGroup<MaillageContext>) {
        pages.get("/f/{token}", use: show).post("/f/{token}", use: send)
        pages.get("/f/{token}/plus-tard", use: saved)
        pages.get("/f/{token}/merci/{form}", use: thanks)
    }

    /// What one request is about.
    private struct Opened {
        let path: String
        let sight: GiverSight
        let standing: GiverStanding
        let visit: Visit
    }

    private func open(_ request: Request, _ context: MaillageContext) async throws -> Opened {
        let typed = try context.parameter("token")
        let found = try await guesses.look(context) { () -> (SecretWord, GiverSight)? in
            guard let link = SecretWord(typed), let sight = try await givers.sight(of: link) else { return nil }
            return (link, sight)
        }
        guard let (link, sight) = found else { throw Problem.notFound("link") }
        return Opened(
            path: "/f/\(link.text)", sight: sight,
            standing: GiverStanding(sight.invitation, sight.calendar, now: clock.now()),
            visit: Visit(request, given: sight.invitation.language))
    }

    @Sendable private func show(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let opened = try await open(request, context)
        let (invitation, visit) = (opened.sight.invitation, opened.visit)
        guard case .open(let until) = opened.standing,
            let form = GiverForm.of(invitation.instrument, in: visit.language)
        else { return StandingPage(opened.standing, path: opened.path).response(visit) }
        let draft = opened.sight.draft
        let entry = draft.map { GiverEntry(choicesText: $0.choicesText, comment: $0.comment, form: form) }
        return QuestionnairePage(
            form: form, entry: entry ?? .blank(for: form), secret: Secrets.word(), path: opened.path, until: until,
            savedAt: draft?.savedAt
        ).response(visit)
    }

    @Sendable private func send(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let body = try await FormBody(request)
        let opened = try await open(request, context)
        let (invitation, visit) = (opened.sight.invitation, opened.visit)
        let secret = SecretWord(body["form"]) ?? Secrets.word()
        guard let form = GiverForm.of(invitation.instrument, in: visit.language) else {
            throw Problem.notFound("page")
        }
        let entry = QuestionnaireView.entry(body, form: form)
        guard case .open(let until) = opened.standing else {
            // The second of two clicks comes when the first one's answer is counted.
            guard opened.standing == .answered, try await submissions.answeredAt(secret, of: invitation.id) != nil
            else { return StandingPage(opened.standing, path: opened.path).response(visit, .conflict) }
            return try await deliver(entry, secret: secret, opened)
        }
        // First of all, so that nothing is lost whatever comes next.
        try await givers.save(entry, of: invitation.id, now: clock.now())
        switch body["action"] {
        case "language": return .seeOther(visit.inOtherLanguage.link(opened.path))
        case "size": return .seeOther(visit.inOtherSize.link(opened.path))
        case "save": return .seeOther(visit.link(opened.path + "/plus-tard"))
        default: break
        }
        let faults = entry.faults(in: form)
        guard faults.isEmpty else {
            return QuestionnairePage(
                form: form, entry: entry, faults: faults, secret: secret, path: opened.path, until: until
            ).response(visit)
        }
        return try await deliver(entry, secret: secret, opened)
    }

    private func deliver(_ entry: GiverEntry, secret: SecretWord, _ opened: Opened) async throws -> Response {
        let submission = GiverSubmission(
            kind: .answer, form: secret, answers: entry.choices, comment: entry.sentComment)
        let invitation = opened.sight.invitation
        switch try await submissions.send(submission, to: .init(invitation: invitation)) {
        case .accepted, .waiting:
            try await givers.deleteDraft(of: invitation.id)
            return .seeOther(opened.visit.link("\(opened.path)/merci/\(secret.text)"))
        case .refused(let reason):
            return NoticePage.refused(reason, opened.visit, path: opened.path).response(opened.visit, .conflict)
        case .changedMeanwhile:
            return NoticePage.refused("already-answered", opened.visit, path: opened.path)
                .response(opened.visit, .conflict)
        case .exhausted: throw Problem(.tooManyRequests, "too-many-requests", "Too many attempts")
        }
    }

    @Sendable private func saved(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let opened = try await open(request, context)
        guard case .open(let until) = opened.standing, opened.sight.draft != nil else {
            return .seeOther(opened.visit.link(opened.path))
        }
        return NoticePage.saved(opened.visit, path: opened.path, until: until).response(opened.visit)
    }

    @Sendable private func thanks(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let opened = try await open(request, context)
        guard let secret = SecretWord(try context.parameter("form")),
            let answeredAt = try await submissions.answeredAt(secret, of: opened.sight.invitation.id)
        else { return .seeOther(opened.visit.link(opened.path)) }
        let isFresh = clock.now().timeIntervalSince(answeredAt) < Self.codeSeconds
        return ThanksPage(
            code: isFresh ? Secrets.code(of: secret) : nil, path: opened.path,
            here: "\(opened.path)/merci/\(secret.text)"
        ).response(opened.visit)
    }
}

extension Response {
    /// After a form was sent: the browser asks for a page of its own, which may be loaded again.
    static func seeOther(_ location: String) -> Response {
        Response(status: .seeOther, headers: [.location: location])
    }
}
