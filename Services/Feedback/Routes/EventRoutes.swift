import Events
import FeedbackDomain
import FoundationEssentials
import HTTPDefaults
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Observability

/// `POST /v1/events`: the door for outside systems that do not speak AMQP. The same events, the same rules, and the
/// receipts in the answer: what they tell is committed.
struct EventRoutes: Sendable {
    /// Of events in one batch.
    static let batchCountMax = 1_000
    /// Of lines that are settled in one transaction.
    private static let lineCountMax = 500

    let access: PublisherAccess
    let door: EventDoor
    let gate: EventGate

    func add(to router: Router<MaillageContext>) {
        router.post("/v1/events", use: take)
    }

    @Sendable private func take(_ request: Request, _ context: MaillageContext) async throws -> Response {
        let publisher = try await access.require(context)
        let visit = Visit(publisher: publisher, place: try gate.enter(publisher))
        let contentType = request.headers[.contentType] ?? ""
        let essence = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        switch essence {
        case "application/cloudevents-batch+json": return try await batch(request, visit)
        case "application/x-ndjson", "application/ndjson": return lines(request, visit, context)
        default: return try await single(request, contentType: contentType, essence, visit)
        }
    }

    /// A publisher's request for as long as it is served.
    private struct Visit: Sendable {
        let publisher: String
        let place: EventGate.Place
    }

    /// - Returns: the receipts, after which the publisher may have to rest.
    private func settle(_ messages: [OutsideMessage], _ visit: Visit) async throws -> [FeedbackSubmission.Receipt] {
        let answer = try await door.take(messages, from: visit.publisher)
        visit.place.rest(answer.rest)
        return answer.receipts
    }

    // MARK: One event

    private func single(
        _ request: Request, contentType: String, _ essence: String, _ visit: Visit
    ) async throws -> Response {
        let fields = request.headers.map { ($0.name.rawName, Self.percentDecoded($0.value)) }
        let isBinary = fields.contains { $0.0.lowercased() == "ce-specversion" }
        guard isBinary || essence == "application/cloudevents+json" else { throw Self.unsupported }
        let body = try await Self.collect(request, limitBytes: FeedbackSubmission.byteCountMax * 2)
        let message = OutsideMessage(body: body, contentType: contentType, fields: isBinary ? fields : [])
        guard let receipt = try await settle([message], visit).first else {
            throw Problem.notFound("event")
        }
        return try JSONResponse(receipt, status: Self.status(of: receipt)).response()
    }

    /// A client that looks at nothing but the status learns what matters.
    private static func status(of receipt: FeedbackSubmission.Receipt) -> HTTPResponse.Status {
        switch receipt.outcome {
        case .accepted, .duplicate: .ok
        case .waiting: .accepted
        default: receipt.reason == Refusal.Reason.tooManyWaiting.rawValue ? .tooManyRequests : .unprocessableContent
        }
    }

    // MARK: Many

    private func batch(_ request: Request, _ visit: Visit) async throws -> Response {
        let body = try await Self.collect(request, limitBytes: 1_048_576)
        guard let elements = JSONArrayElements.split(body) else {
            throw Problem(.badRequest, "malformed-json", "The body is no JSON array", detail: "nothing was taken")
                .mending("Send [event, event, …] in UTF-8.")
        }
        guard elements.count <= Self.batchCountMax else {
            throw Problem(
                .contentTooLarge, "batch-too-large", "There are too many events in the batch",
                detail: "\(elements.count) of at most \(Self.batchCountMax); nothing was taken"
            ).mending("Send several batches, or one event a line as application/x-ndjson.")
        }
        let receipts = try await settle(elements.map { OutsideMessage(body: Array($0)) }, visit)
        return try JSONResponse(FeedbackSubmission.Receipts(publisher: visit.publisher, receipts: receipts)).response()
    }

    /// As many lines as somebody likes, in bounded memory: receipts go back, a line each and in order, while events
    /// still come. The last line says how many were settled; where it is missing, the rest is to be sent again.
    private func lines(_ request: Request, _ visit: Visit, _ context: MaillageContext) -> Response {
        let logger = context.logger
        let body = ResponseBody { writer in
            var split = LineSplitter(bytesMax: FeedbackSubmission.byteCountMax)
            var count = 0
            do {
                for try await part in request.body {
                    split.append(Array(buffer: part))
                    // What is there by now is answered, so that a slow sender sees its receipts.
                    while !split.lines.isEmpty {
                        // A stream may last for days, and its publisher be suspended meanwhile.
                        _ = try await access.require(context)
                        let receipts = try await receipts(split.take(Self.lineCountMax), visit)
                        count += receipts.count
                        try await writer.write(receipts.text)
                    }
                }
                split.finish()
                if !split.lines.isEmpty { _ = try await access.require(context) }
                let receipts = try await receipts(split.take(Self.lineCountMax), visit)
                count += receipts.count
                try await writer.write(receipts.text)
                try await writer.write(ByteBuffer(string: "{\"settled\":\(count)}\n"))
            } catch is Problem {
                let problem =
                    #"{"settled":\#(count),"problem":"unauthenticated","mend":"the credential has ended; "#
                    + #"send the lines without a receipt again with another"}"#
                try await writer.write(ByteBuffer(string: problem + "\n"))
            } catch {
                logger.warning("a stream of events ended early", error: error)
                let problem =
                    #"{"settled":\#(count),"problem":"temporarily-unavailable","mend":"send the lines "#
                    + #"without a receipt again; what was settled is not counted twice"}"#
                try await writer.write(ByteBuffer(string: problem + "\n"))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/x-ndjson"], body: body)
    }

    /// A stream that has to rest is read no further meanwhile, which its sender feels.
    private func receipts(_ lines: [[UInt8]], _ visit: Visit) async throws -> (text: ByteBuffer, count: Int) {
        let answer = try await door.take(lines.map { OutsideMessage(body: $0) }, from: visit.publisher)
        visit.place.rest(answer.rest)
        if answer.rest > .zero { try await Task.sleep(for: answer.rest) }
        let receipts = answer.receipts
        var text = ByteBuffer()
        for receipt in receipts {
            text.writeBytes(try JSONFormat.encode(receipt))
            text.writeInteger(UInt8(ascii: "\n"))
        }
        return (text, receipts.count)
    }

    // MARK: Reading

    private static func collect(_ request: Request, limitBytes: Int) async throws -> [UInt8] {
        do {
            return try await BodyDecoder.collect(request, limitBytes: limitBytes)
        } catch let problem as Problem {
            throw problem.mending("Send many events one a line as application/x-ndjson.")
        }
    }

    private static let unsupported = Problem(
        .unsupportedMediaType, "unsupported-media-type", "The body is no CloudEvents message",
        detail: "expected application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, "
            + "or the event's attributes in ce- headers")

    /// The HTTP binding escapes what headers cannot hold (CloudEvents 1.0, HTTP binding 3.1.3.2).
    private static func percentDecoded(_ value: String) -> String {
        let bytes = Array(value.utf8)
        guard bytes.contains(UInt8(ascii: "%")) else { return value }
        var decoded: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "%"), place + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[place + 1...place + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(byte)
                place += 3
            } else {
                decoded.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
