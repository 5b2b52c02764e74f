import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import ServiceRuntime

/// `/participer` and `/take-part`: whoever wants to help leaves one way to be reached, and takes it back with a code.
struct VolunteerPages: Sendable {
    private static let paths: [PageLanguage: String] = [.french: "/participer", .english: "/take-part"]

    let volunteers: VolunteerStore
    let guesses: GuessGuard
    let clock: ProgrammeClock
    /// Of forms that are sent, by address.
    private let limiter = RateLimiter(ratePerSecond: 1, burst: 10)

    init(volunteers: VolunteerStore, guesses: GuessGuard, clock: ProgrammeClock) {
        self.volunteers = volunteers
        self.guesses = guesses
        self.clock = clock
    }

    static func path(_ language: PageLanguage) -> String { language("/participer", "/take-part") }
    static func leavingPath(_ language: PageLanguage) -> String { language("/participer/retrait", "/take-part/leave") }

    func add(to pages: RouterGroup<MaillageContext>) {
        for (language, path) in Self.paths {
            pages.get("\(path)") { request, _ in
                let openings = try await volunteers.openings()
                return VolunteerPage(openings: openings, secret: Secrets.word())
                    .response(Visit(request, given: language))
            }
            pages.post("\(path)") { request, context in
                try await send(request, context, Visit(request, given: language))
            }
            pages.get("\(path)/merci/{form}") { request, context in
                try await thanks(context, Visit(request, given: language))
            }
            pages.get("\(Self.leavingPath(language))") { request, _ in
                LeavingPage(typed: "", fault: nil).response(Visit(request, given: language))
            }
            pages.post("\(Self.leavingPath(language))") { request, context in
                try await leave(request, context, Visit(request, given: language))
            }
        }
    }

    private func send(_ request: Request, _ context: MaillageContext, _ visit: Visit) async throws -> Response {
        if let seconds = limiter.take(context.remoteAddress) {
            throw Problem(.tooManyRequests, "too-many-requests", "Too many attempts").retrying(after: seconds)
        }
        let body = try await FormBody(request)
        let secret = SecretWord(body["form"]) ?? Secrets.word()
        let path = Self.path(visit.language)
        // A field that nobody sees and only programs fill in: they are thanked and forgotten.
        guard body["website"].isEmpty else { return .seeOther(visit.link("\(path)/merci/\(secret.text)")) }
        let openings = try await volunteers.openings()
        var page = VolunteerPage(openings: openings, secret: secret)
        page.chosen = UUID(uuidString: body["opening"])
        page.contact = body["contact"]
        page.consents = body["consent"] == "yes"
        let contact = VolunteerContact(page.contact)
        page.check(contact)
        guard page.faults.isEmpty, let contact, let opening = page.chosen else { return page.response(visit) }
        let isAdded = try await volunteers.add(
            contact, to: opening, form: secret, language: visit.language, now: clock.now())
        guard isAdded else {
            page.faults = [.opening]
            return page.response(visit)
        }
        return .seeOther(visit.link("\(path)/merci/\(secret.text)"))
    }

    private func thanks(_ context: MaillageContext, _ visit: Visit) async throws -> Response {
        let path = Self.path(visit.language)
        guard let secret = SecretWord(try context.parameter("form")) else { return .seeOther(visit.link(path)) }
        let addedAt = try await volunteers.addedAt(secret)
        let isFresh = addedAt.map { clock.now().timeIntervalSince($0) < GiverPages.codeSeconds } ?? false
        return VolunteerThanksPage(code: isFresh ? Secrets.code(of: secret) : nil).response(visit)
    }

    private func leave(_ request: Request, _ context: MaillageContext, _ visit: Visit) async throws -> Response {
        let body = try await FormBody(request)
        let code: ReceiptCode
        do throws(ReceiptCode.Fault) {
            code = try ReceiptCode(parsing: body["code"])
        } catch {
            return LeavingPage(typed: body["code"], fault: error == .mistyped ? .mistyped : .malformed).response(visit)
        }
        // Whether it was there or had gone before, nothing is kept now: a repeat says the same.
        _ = try await guesses.look(context) { try await volunteers.remove(code) ? true : nil }
        let say = visit.language
        return NoticePage(
            title: say("Plus rien n’est gardé", "Nothing is kept any more"),
            text: [
                say(
                    "Sous ce code, nous n’avons plus aucune coordonnée. Merci d’avoir voulu aider.",
                    "Under this code we no longer keep any contact. Thank you for wanting to help.")
            ],
            path: Self.leavingPath(say), otherPath: Self.leavingPath(say.other)
        ).response(visit)
    }
}
