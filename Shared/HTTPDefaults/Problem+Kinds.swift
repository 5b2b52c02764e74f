import HTTPTypes

/// The problems that every service has.
extension Problem {
    /// 404. `noun` as in a sentence: "envelope".
    package static func notFound(_ noun: String) -> Problem {
        Problem(.notFound, "not-found", "There is no such \(noun), or you may not see it")
    }

    /// 422 for one field of the body.
    /// - Parameters:
    ///   - field: JSON pointer, `/partners/0/siren`.
    ///   - expected: completes "expected …".
    package static func invalid(_ field: String, expected: String) -> Problem {
        Problem(.unprocessableContent, "invalid-field", "A field is not as it must be", detail: "expected \(expected)")
            .at(field)
    }

    /// 409: the state of the thing does not allow it.
    package static func conflict(_ slug: String, _ title: String, detail: String? = nil) -> Problem {
        Problem(.conflict, slug, title, detail: detail)
    }

    /// 412: somebody changed the thing since the caller read it.
    package static func versionMismatch(current: Int64) -> Problem {
        Problem(
            .preconditionFailed, "version-mismatch", "It was changed since you read it",
            detail: "the current version is \(EntityTag.text(current))"
        )
        .mending("Read it again, look at the change, and send your request with the new ETag in If-Match.")
        .with(.eTag, EntityTag.text(current))
    }

    /// 401 with the challenge of RFC 6750.
    package static let unauthenticated = Problem(
        .unauthorized, "unauthenticated", "This needs a valid bearer token"
    )
    .mending("Sign in again and send the token in the Authorization header.")
    .with(.wwwAuthenticate, #"Bearer realm="maillage""#)

    /// 403.
    package static let forbidden = Problem(.forbidden, "forbidden", "Your roles do not allow this")

    static let outcomeUnknown = Problem(
        .serviceUnavailable, "outcome-unknown", "It is not known whether your request took effect"
    )
    .mending("Repeat it with the same Idempotency-Key: if it took effect you get its answer, else it runs now.")
    .retrying(after: 2)

    static let unavailable = Problem(
        .serviceUnavailable, "temporarily-unavailable", "The service cannot answer at the moment"
    )
    .mending("Repeat the request after the time in Retry-After; nothing was changed.")
    .retrying(after: 2)

    static let internalError = Problem(
        .internalServerError, "internal-error", "The service failed to answer"
    )
    .mending("Tell the operator the trace_id; a repeat with the same Idempotency-Key is safe.")

    static func tooLarge(limitBytes: Int) -> Problem {
        Problem(.contentTooLarge, "body-too-large", "The body is too large", detail: "at most \(limitBytes) bytes")
    }

    static func tooSlow(_ time: Duration) -> Problem {
        Problem(
            .requestTimeout, "body-too-slow", "The body takes too long",
            detail: "\(time.components.seconds) s for all of it; nothing of it was taken")
    }

    static func malformedJSON(_ detail: String) -> Problem {
        Problem(.badRequest, "malformed-json", "The body is not JSON", detail: detail)
    }
}
