package import FoundationEssentials
import HTTPTypes
package import Hummingbird
package import Identity
package import Logging
import NIOCore
package import Observability

/// What a request knows besides itself: its trace, who sent it, and from where.
package struct MaillageContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Set by `AuthenticationMiddleware`; nil for a caller without a token.
    package var principal: Principal?
    /// What the caller named itself by HTTP Basic; checked by the route that lets such callers in, by nobody before.
    package var basic: BasicCredentials?
    /// The request's own span; set by `TraceMiddleware`.
    package var trace: TraceContext
    /// Unique per request; in every record of its log and in the answer's `X-Request-Id`.
    package let requestID: String
    /// The caller's IP address, or the nearest proxy's where none is trusted. Personal: never logged.
    package var remoteAddress: String

    package init(source: ApplicationRequestContextSource) {
        self.init(
            core: CoreRequestContextStorage(source: source),
            remoteAddress: source.channel.remoteAddress?.ipAddress ?? "")
    }

    /// A context without a connection, for tests that call the router directly.
    package init(logger: Logger, remoteAddress: String) {
        struct Source: RequestContextSource { let logger: Logger }
        self.init(core: CoreRequestContextStorage(source: Source(logger: logger)), remoteAddress: remoteAddress)
    }

    private init(core: CoreRequestContextStorage, remoteAddress: String) {
        coreContext = core
        trace = .generate()
        requestID = UUID().uuidString.lowercased()
        self.remoteAddress = remoteAddress
    }

    package var requestDecoder: BodyDecoder { BodyDecoder() }
    package var responseEncoder: BodyEncoder { BodyEncoder() }
    /// 1 MiB. A route that takes documents reads the body itself, in pieces, under a limit of its own.
    package var maxUploadSize: Int { 1_048_576 }
}

/// Name and password as they came (RFC 7617). Never logged.
package struct BasicCredentials: Sendable {
    package let user: String
    package let password: String

    /// - Parameter token: what follows `Basic`; nil when it is not such a pair.
    init?(token: String) {
        guard let data = Data(base64Encoded: token), let text = String(bytes: data, encoding: .utf8),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        user = String(text[..<colon])
        password = String(text[text.index(after: colon)...])
    }
}

extension MaillageContext {
    /// The caller, who must have one of `roles`; with none given, any caller with a token will do.
    /// - Throws: 401 without a token, 403 without the role.
    package func require(_ roles: Role...) throws(Problem) -> Principal {
        guard let principal else { throw .unauthenticated }
        guard principal.hasAny(of: roles) else {
            let names = roles.map(\.rawValue).sorted().joined(separator: ", ")
            throw Problem(.forbidden, "forbidden", "Your roles do not allow this", detail: "needs one of: \(names)")
        }
        return principal
    }

    /// Who acts, for the events that the request causes.
    package var actor: String { principal?.subject ?? "anonymous" }

    /// A part of the path, `{id}`.
    package func parameter(_ name: String) throws(Problem) -> String {
        guard let value = parameters.get(name), !value.isEmpty, value.utf8.count <= 200 else {
            throw .notFound("resource")
        }
        return value
    }

    /// A part of the path that is a UUID. What is none names nothing, so it answers 404 as a missing one does.
    package func uuid(_ name: String) throws(Problem) -> UUID {
        guard let id = UUID(uuidString: try parameter(name)) else { throw .notFound("resource") }
        return id
    }
}
