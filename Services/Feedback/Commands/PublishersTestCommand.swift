import ArgumentParser
import AsyncHTTPClient
import Events
import FeedbackDomain
import FoundationEssentials
import Logging
import NIOCore
import NIOHTTP1
import RabbitMQ
import ServiceRuntime

/// `feedback publishers test`: for whoever builds an outside system. Sends events of every kind as that system would,
/// and says what each receipt means.
///
/// Nothing that is sent can count: it names an experiment that does not exist.
struct PublishersTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send samples as a publisher and explain each receipt.",
        discussion: """
            The samples name an experiment that does not exist, so that none of them counts; one waits for it, and is \
            refused after a day. With --broker the same is tried over AMQP.
            """)

    private static let timeout = TimeAmount.seconds(30)

    @Option(help: "Where feedback is reached: https://host.") var feedback: String

    @Option(help: "The publisher's user, such as telesuivi.1.") var user: String

    @Option(help: "File with its password.") var passwordFile: String

    @Option(help: "The outsiders' broker too: amqps://host/outside.") var broker: String?

    func validate() throws {
        guard PublisherCredential(user: user) != nil else {
            throw ValidationError("--user: a publisher's name and a number, such as telesuivi.1")
        }
    }

    func run() async throws {
        guard let text = try? String(contentsOfFile: passwordFile, encoding: .utf8) else {
            throw ValidationError("--password-file: no readable file")
        }
        let password = text.filter { !$0.isNewline }
        var failures = 0
        let settings = try Settings.load(keys: FeedbackService.allSettings)
        let clock = ProgrammeClock(offsetFile: settings.optionalText(.clockOffsetFile))
        let samples = PublisherSample.all(at: clock.now(), mark: EventID.next().lowercase)
        for sample in samples {
            let receipt = try await send(sample, password: password)
            failures += report(sample, receipt) ? 0 : 1
        }
        if let broker, let sample = samples.first {
            failures += try await publish(sample, to: broker, password: password) ? 0 : 1
        }
        StandardOutput.write(failures == 0 ? "all as it should be\n" : "\(failures) not as it should be\n")
        if failures > 0 { throw ExitCode.failure }
    }

    private func report(_ sample: PublisherSample, _ receipt: FeedbackSubmission.Receipt) -> Bool {
        let isExpected = receipt.outcome == sample.outcome && receipt.reason == sample.reason?.rawValue
        var lines = ["\(isExpected ? "ok  " : "ODD ") \(sample.what)"]
        lines.append("     \(receipt.outcome.rawValue)\(receipt.reason.map { ", \($0)" } ?? ""): \(sample.meaning)")
        if let field = receipt.field { lines.append("     field \(field)") }
        if let mend = receipt.mend { lines.append("     mend: \(mend)") }
        StandardOutput.write(lines.map { $0 + "\n" }.joined())
        return isExpected
    }

    private func send(_ sample: PublisherSample, password: String) async throws -> FeedbackSubmission.Receipt {
        var request = HTTPClientRequest(url: "\(feedback)/v1/events")
        request.method = .POST
        request.setBasicAuth(username: user, password: password)
        request.headers.add(name: "content-type", value: "application/cloudevents+json")
        request.body = .bytes(ByteBuffer(bytes: sample.body))
        var response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
        // Most samples are refused, and after that the door asks for a rest.
        for _ in 0..<10 {
            guard response.status == .tooManyRequests, let text = response.headers.first(name: "retry-after"),
                let seconds = Int(text)
            else { break }
            try await Task.sleep(for: .seconds(min(seconds, 10)))
            response = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
        }
        let body = Array(buffer: try await response.body.collect(upTo: 1 << 20))
        guard [200, 202, 422].contains(response.status.code) else {
            let advice = response.status.code == 401 ? ": user or password is wrong, ended or suspended" : ""
            throw ValidationError("\(feedback) answered \(response.status.code)\(advice)")
        }
        return try WireCoding.decode(FeedbackSubmission.Receipt.self, from: body)
    }

    /// The receipt of this door lies in the publisher's queue, for its own system to read: only the confirm is seen.
    private func publish(_ sample: PublisherSample, to broker: String, password: String) async throws -> Bool {
        guard let scheme = broker.firstRange(of: "://"), let credential = PublisherCredential(user: user) else {
            throw ValidationError("--broker: amqps://host/outside")
        }
        let url = "\(broker[..<scheme.upperBound])\(user):\(password)@\(broker[scheme.upperBound...])"
        let publisher = RabbitPublisher(
            configuration: try RabbitMQConfiguration(url: url, connectionName: "publishers-test"),
            logger: Logger(label: "publishers") { _ in SwiftLogNoOpLogHandler() })
        let outcomes = await publisher.publish(
            [
                OutgoingMessage(
                    exchange: FeedbackSubmission.queue(of: credential.publisher), routingKey: "", body: sample.body,
                    messageID: EventID.next().lowercase, contentType: EventEnvelope.contentType)
            ], deadline: .seconds(30))
        await publisher.close()
        let isTaken = outcomes == [.confirmed]
        StandardOutput.write(
            isTaken
                ? "ok   the first one again, over AMQP\n     the broker has it; its receipt, a duplicate, is in "
                    + "\(FeedbackSubmission.receiptsQueue(of: credential.publisher))\n"
                : "ODD  the first one again, over AMQP\n     \(outcomes.map { "\($0)" }.joined())\n")
        return isTaken
    }
}

/// An event that shows something, and what is to come of it.
struct PublisherSample {
    let what: String
    let body: [UInt8]
    let outcome: FeedbackSubmission.ReceiptOutcome
    let reason: Refusal.Reason?
    let meaning: String

    /// - Parameter mark: makes the ids of this run its own.
    static func all(at now: Date, mark: String) -> [PublisherSample] {
        func event(_ id: String, time: Date = now, answers: String = "[9]", also: String = "") -> [UInt8] {
            Array(
                """
                {"specversion":"1.0","id":"test-\(mark)-\(id)","source":"urn:maillage:publishers-test",\
                "type":"\(FeedbackSubmission.submitted)","time":"\(WireInstant.format(time))","data":{\
                "experiment":"00000000-0000-7000-8000-000000000000","participant":"TEST","instrument":"NPS",\
                "occasion":"M1","answers":\(answers)\(also)}}
                """.utf8)
        }
        return [
            PublisherSample(
                what: "a well-formed event", body: event("a"), outcome: .waiting, reason: nil,
                meaning: "its experiment is not known; it would be kept for a day, until it is"),
            PublisherSample(
                what: "the same event again", body: event("a"), outcome: .duplicate, reason: nil,
                meaning: "sent again it counts once: repeat whenever you are in doubt"),
            PublisherSample(
                what: "another answer under the same id", body: event("a", answers: "[3]"), outcome: .refused,
                reason: .identityConflict, meaning: "source and id name one event for ever"),
            PublisherSample(
                what: "an answer of tomorrow", body: event("b", time: now + 86_400), outcome: .refused,
                reason: .timeInFuture, meaning: "the clock of your system is wrong"),
            PublisherSample(
                what: "an answer that is no number", body: event("c", answers: #"["nine"]"#), outcome: .refused,
                reason: .invalidField, meaning: "the field is named; the message is in your quarantine"),
            PublisherSample(
                what: "a comment of 4,001 characters",
                body: event("d", also: #","comment":"\#(String(repeating: "x", count: 4_001))""#), outcome: .refused,
                reason: .commentTooLong, meaning: "the field is named; nothing of the event counts"),
            PublisherSample(
                what: "half an event", body: Array(event("e").prefix(60)), outcome: .refused, reason: .malformedBody,
                meaning: "a message that does not name itself gets a receipt without a name"),
        ]
    }
}
