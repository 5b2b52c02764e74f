import HTTPDefaults
import Hummingbird
import Identity

/// What became of an event: for whoever missed its receipt. A publisher sees its own events alone.
struct ReceiptRoutes: Sendable {
    private struct Receipts: Encodable {
        let items: [IssuedReceipt]
    }

    let readings: FeedbackReadings
    let access: PublisherAccess

    func add(to router: Router<MaillageContext>) {
        router.get("/v1/receipts", use: list)
    }

    @Sendable private func list(_ request: Request, _ context: MaillageContext) async throws -> Response {
        var publisher: String?
        if context.basic != nil {
            publisher = try await access.require(context)
        } else {
            _ = try context.require(.operator, .administrator)
        }
        let parameters = request.uri.queryParameters
        guard let source = parameters["source"].map(String.init), !source.isEmpty, source.utf8.count <= 512 else {
            throw Problem.invalid("source", expected: "the event's source, at most 512 bytes")
        }
        guard let id = parameters["id"].map(String.init), !id.isEmpty, id.utf8.count <= 256 else {
            throw Problem.invalid("id", expected: "the event's id, at most 256 bytes")
        }
        let receipts = try await readings.receipts(source: source, id: id, publisher: publisher)
        guard !receipts.isEmpty else { throw Problem.notFound("event") }
        return try JSONResponse(Receipts(items: receipts)).response()
    }
}
