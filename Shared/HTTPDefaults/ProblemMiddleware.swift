import HTTPTypes
package import Hummingbird
import Logging
import Observability
import Postgres

/// Turns every error into a problem. What nobody foresaw becomes a 500 that says nothing of the inside; the log has it.
package struct ProblemMiddleware: RouterMiddleware {
    package typealias Context = MaillageContext

    package init() {}

    @concurrent package func handle(
        _ request: Request, context: MaillageContext,
        next: @concurrent (Request, MaillageContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = Self.problem(for: error)
            log(error, as: problem, context)
            return try problem.response(from: request, context: context)
        }
    }

    /// What an error is told as, whoever tells it.
    package static func problem(for error: any Error) -> Problem {
        switch error {
        case let error as Problem: error
        case let error as any ProblemConvertible: error.problem
        case let error as DecodingError: DecodingProblem.problem(error)
        case let error as PostgresError: problem(for: error)
        case let error as any HTTPResponseError: problem(for: error)
        case is CancellationError: .unavailable
        default: .internalError
        }
    }

    private static func problem(for error: PostgresError) -> Problem {
        if error.code == .commitUnknown { return .outcomeUnknown }
        switch error.code {
        case .poolExhausted, .poolClosed, .connectionLost, .connectionRefused, .deadlineExceeded, .cancelled:
            return .unavailable
        default:
            return error.isRetriable ? .unavailable : .internalError
        }
    }

    /// What Hummingbird itself refuses: no such route, a body over its limit.
    private static func problem(for error: any HTTPResponseError) -> Problem {
        switch error.status {
        case .notFound: Problem(.notFound, "not-found", "There is nothing at this address")
        case .contentTooLarge: .tooLarge(limitBytes: 1_048_576)
        case .badRequest: Problem(.badRequest, "bad-request", "The request cannot be read")
        case .internalServerError: .internalError
        default: Problem(error.status, "http-\(error.status.code)", error.status.reasonPhrase)
        }
    }

    /// 5xx is ours and an error; the rest is the caller's and only of interest to whoever looks for it.
    private func log(_ error: any Error, as problem: Problem, _ context: MaillageContext) {
        let metadata: Logger.Metadata = [
            LogKeys.slug: .string(problem.slug), LogKeys.status: .stringConvertible(problem.status.code),
            LogKeys.route: .string(context.endpointPath ?? "unmatched"),
        ]
        if problem.status.code >= 500 {
            context.logger.error("request failed", error: error, metadata: metadata)
        } else {
            context.logger.debug("request refused", metadata: metadata)
        }
    }
}
