package import HTTPDefaults
package import HTTPTypes
package import Hummingbird
package import Identity
import Logging
import NIOCore

/// Sends requests to a router without a socket.
package struct RouterClient: Sendable {
    private let responder: RouterResponder<MaillageContext>

    package init(_ router: Router<MaillageContext>) {
        responder = router.buildResponder()
    }

    /// Who sends a request, and with which headers.
    package struct Caller: Sendable {
        package let roles: [Role]
        package let subject: String
        package let organisation: String?

        package init(_ roles: [Role], subject: String = "test-user", organisation: String? = nil) {
            self.roles = roles
            self.subject = subject
            self.organisation = organisation
        }
    }

    /// - Parameter caller: nil sends no token.
    package func request(
        _ method: HTTPRequest.Method, _ path: String, by caller: Caller? = nil, body: [UInt8]? = nil,
        headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        if let caller {
            let token = try await Tokens.bearer(
                caller.roles, subject: caller.subject, organisation: caller.organisation)
            headers[.authorization] = "Bearer \(token)"
        }
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "service.test", path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body ?? [])))
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let context = MaillageContext(logger: logger, remoteAddress: "192.0.2.1")
        return try await TestAnswer(try await responder.respond(to: request, context: context))
    }
}
