import FeedbackDomain
import HTTPDefaults
import Hummingbird
import Identity
import Postgres

/// Lets a publisher in by its own credential: the one that it has at the broker.
struct PublisherAccess: Sendable {
    let publishers: PublisherStore
    let pool: PostgresPool

    /// - Returns: the publisher's name.
    /// - Throws: 401, which does not tell an unknown name from a wrong password, an ended credential or a suspension.
    func require(_ context: MaillageContext) async throws -> String {
        guard let basic = context.basic, let credential = PublisherCredential(user: basic.user),
            let hash = try await publishers.hash(of: credential, in: pool), hash.matches(basic.password)
        else { throw Self.refused }
        return credential.publisher
    }

    /// The publisher that the caller is, or for an operator the one that is asked for.
    func publisher(_ request: Request, _ context: MaillageContext, orRoles roles: Role...) async throws -> String {
        if context.basic != nil { return try await require(context) }
        guard let principal = context.principal else { throw Problem.unauthenticated }
        guard principal.hasAny(of: roles) else { throw Problem.forbidden }
        guard let name = request.uri.queryParameters["publisher"].map(String.init), !name.isEmpty else {
            throw Problem.invalid("publisher", expected: "the name of a publisher, such as ?publisher=telehealth")
        }
        return name
    }

    private static let refused = Problem(
        .unauthorized, "unauthenticated", "This needs a publisher's name and password"
    )
    .mending(
        "Send the credential that you were given by HTTP Basic, such as telesuivi.1; the operator can make a new one."
    )
    .with(.wwwAuthenticate, #"Basic realm="maillage-publishers""#)
}

extension PublisherError: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .field(let field, let expected): .invalid(field, expected: expected)
        case .nameTaken(let name):
            Problem.conflict("publisher-exists", "There is a publisher of this name", detail: name)
                .at("/publisher").mending("Names are never given out twice: choose another.")
        case .unknown: .notFound("publisher")
        case .credentialUnknown: .notFound("credential")
        case .versionMismatch(let current): .versionMismatch(current: current)
        case .suspended(let name):
            Problem.conflict("publisher-suspended", "The publisher is suspended", detail: name)
                .mending("Resume it first.")
        case .tooManyCredentials(let count):
            Problem.conflict(
                "too-many-credentials", "The publisher has as many live credentials as it may have",
                detail: "\(count) of at most \(PublisherCredential.liveCountMax)"
            ).mending("Retire one that is no longer used, or rotate with overlapHours 0, which ends all before it.")
        }
    }
}
