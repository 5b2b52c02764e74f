import HTTPDefaults
import HTTPTypes
import Hummingbird
import Outbox

/// Wakes the relay after every request that may have committed events, so that no route has to remember to.
struct WakeUpMiddleware: RouterMiddleware {
    typealias Context = MaillageContext

    let wakeUp: RelayWakeUp

    @concurrent func handle(
        _ request: Request, context: MaillageContext,
        next: @concurrent (Request, MaillageContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        // A refused command has thrown; a needless signal costs one look into an empty table.
        if request.method != .get && request.method != .head { wakeUp.signal() }
        return response
    }
}
