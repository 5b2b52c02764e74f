import RabbitMQ
import TestSupport
import Testing

/// Lends a node with a TLS listener, its authority and an authority that it does not know.
struct TLSBrokerTrait: SuiteTrait, TestScoping {
    struct Scope: Sendable {
        let broker: PrivateBroker
        let authority: TestCertificates
        let stranger: TestCertificates
    }

    @TaskLocal static var scope: Scope?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await TestCertificates.with { authority in
            try await TestCertificates.with { stranger in
                var extras = PrivateBroker.Extras()
                extras.tls = (authority.authorityFile, try authority.issue(for: "localhost"))
                try await PrivateBroker.with(extras) { broker in
                    let scope = Scope(broker: broker, authority: authority, stranger: stranger)
                    try await Self.$scope.withValue(scope) { try await function() }
                }
            }
        }
    }
}

extension Trait where Self == TLSBrokerTrait {
    static var tlsBroker: Self { Self() }
}

@Suite(.serialized, .tlsBroker, .timeLimit(.minutes(10))) struct TLSTests {
    private let scope: TLSBrokerTrait.Scope
    private var broker: PrivateBroker { scope.broker }

    init() throws { scope = try #require(TLSBrokerTrait.scope) }

    private func configuration(
        _ port: UInt16, login: String = "guest:guest@", tls: RabbitMQTLS, heartbeat: Duration = .seconds(10)
    ) throws -> RabbitMQConfiguration {
        try TestBroker.configuration(
            url: "amqps://\(login)localhost:\(port)/%2F", tls: tls, heartbeat: heartbeat, connectTimeout: .seconds(2))
    }

    private var tls: RabbitMQTLS { RabbitMQTLS(authorityFile: scope.authority.authorityFile) }

    private func certified(for user: String, from authority: TestCertificates) throws -> RabbitMQTLS {
        let pair = try authority.issue(for: user)
        return RabbitMQTLS(
            authorityFile: scope.authority.authorityFile, certificateFile: pair.certificateFile, keyFile: pair.keyFile)
    }

    /// Why there is no connection, and how long it took to say so.
    private func refusal(_ configuration: RabbitMQConfiguration) async throws -> (error: RabbitMQError, took: Duration)
    {
        let start = ContinuousClock.now
        let error = await #expect(throws: RabbitMQError.self) {
            try await TestBroker.administer(configuration) { _ in }
        }
        return (try #require(error), ContinuousClock.now - start)
    }

    @Test func messagesOfEverySizeGoAndComeOverTLS() async throws {
        try await withBroker(configuration(broker.tlsPort, tls: tls, heartbeat: .seconds(1))) { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            let sizes = [0, 1, 16_384, 131_065, 1 << 20]

            try await withPublisher(configuration) { publisher in
                try await withConsumer(configuration, queue) { consumer in
                    async let numbers = consumer.take(2_000 + sizes.count)

                    // when
                    var outcomes = await publisher.publish(
                        messages(0..<2_000, to: queue, padding: 700), deadline: .seconds(30))
                    for (index, size) in sizes.enumerated() {
                        let message = messages(2_000 + index..<2_001 + index, to: queue, padding: size)
                        outcomes += await publisher.publish(message, deadline: .seconds(30))
                    }

                    // then
                    #expect(outcomes.allSatisfy { $0 == .confirmed })
                    #expect(try await numbers == Array(0..<2_000 + sizes.count))

                    // when: nothing is said for many heartbeats
                    let end = ContinuousClock.now + .seconds(4)
                    try await waitUntil("four heartbeats have passed") { ContinuousClock.now > end }

                    // then
                    #expect(await consumer.isConnected)
                    #expect(await publisher.isConnected)
                }
            }
        }
    }

    @Test func anAuthorityThatDidNotSignIsRefused() async throws {
        let tls = RabbitMQTLS(authorityFile: scope.stranger.authorityFile)
        let (error, _) = try await refusal(configuration(broker.tlsPort, tls: tls))
        #expect(error.code == .certificateRefused)
        #expect(error.reason.contains("from none of the given authorities"))
        #expect(!error.isRetriable)
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        try await TestCertificates.withServer(scope.authority.issue(for: "elsewhere.example")) { port in
            let configuration = try configuration(port, tls: tls)
            try await waitUntil("the server listens") {
                try await refusal(configuration).error.code != .connectionRefused
            }
            let (error, _) = try await refusal(configuration)
            #expect(error.code == .certificateRefused)
            #expect(error.reason.contains("for another name"))
        }
    }

    @Test func aCertificateThatHasExpiredIsRefused() async throws {
        try await TestCertificates.withServer(scope.authority.issue(for: "localhost", hasExpired: true)) { port in
            let configuration = try configuration(port, tls: tls)
            try await waitUntil("the server listens") {
                try await refusal(configuration).error.code != .connectionRefused
            }
            let (error, _) = try await refusal(configuration)
            #expect(error.code == .certificateRefused)
            #expect(error.reason.contains("has expired"))
        }
    }

    /// The control of the two tests above, and a server that is silent behind its handshake.
    @Test func aServerThatProvesItselfAndThenIsSilentIsGivenUpInTime() async throws {
        try await TestCertificates.withServer(scope.authority.issue(for: "localhost")) { port in
            let configuration = try configuration(port, tls: tls)
            try await waitUntil("the server listens") {
                try await refusal(configuration).error.code != .connectionRefused
            }
            let (error, took) = try await refusal(configuration)
            #expect(error.code == .deadlineExceeded)
            #expect(took < .seconds(4))
        }
    }

    @Test func theClientsCertificateLogsInUnderItsCommonName() async throws {
        // given
        try broker.control("add_user", "maillage-funding", "unused")
        try broker.control("set_permissions", "maillage-funding", ".*", ".*", ".*")
        let tls = try certified(for: "maillage-funding", from: scope.authority)

        try await withBroker(configuration(broker.tlsPort, login: "", tls: tls)) { configuration, name in
            // when
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            let outcomes = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<10, to: queue), deadline: .seconds(20))
            }

            // then
            #expect(outcomes == Array(repeating: .confirmed, count: 10))
            #expect(try await withConsumer(configuration, queue) { try await $0.take(10) } == Array(0..<10))
        }
    }

    @Test func aCertificateForNobodyTheBrokerKnowsIsRefused() async throws {
        let tls = try certified(for: "nobody", from: scope.authority)
        let (error, _) = try await refusal(configuration(broker.tlsPort, login: "", tls: tls))
        #expect(error.code == .authenticationFailed)
    }

    @Test func aClientsCertificateOfAStrangerIsRefused() async throws {
        let tls = try certified(for: "maillage-funding", from: scope.stranger)
        let (error, took) = try await refusal(configuration(broker.tlsPort, login: "", tls: tls))
        #expect(error.reason.contains("our certificate"))
        #expect(took < .seconds(4))
    }

    @Test func aKeyThatIsNotTheCertificatesIsRefused() async throws {
        let (one, other) = (try scope.authority.issue(for: "one"), try scope.authority.issue(for: "other"))
        let tls = RabbitMQTLS(
            authorityFile: scope.authority.authorityFile, certificateFile: one.certificateFile, keyFile: other.keyFile)
        let (error, _) = try await refusal(configuration(broker.tlsPort, login: "", tls: tls))
        #expect(error.code == .configuration)
        #expect(error.reason.contains("do not hold a pair"))
    }

    @Test func plainAMQPToTheTLSPortIsToldSo() async throws {
        let url = "amqp://guest:guest@localhost:\(broker.tlsPort)/%2F"
        let (error, took) = try await refusal(
            TestBroker.configuration(url: url, connectTimeout: .seconds(2)))
        #expect(error.reason.contains("the URL must be amqps"))
        #expect(took < .seconds(4))
    }

    @Test func tlsToThePlainPortIsToldSo() async throws {
        let (error, took) = try await refusal(configuration(broker.port, tls: tls))
        #expect(error.reason.contains("speaks no TLS"))
        #expect(took < .seconds(4))
    }

    @Test func aFrozenBrokerEndsThePublishAtItsDeadlineAlsoOverTLS() async throws {
        try await withBroker(configuration(broker.tlsPort, tls: tls, heartbeat: .seconds(60))) { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            try await withPublisher(configuration) { publisher in
                #expect(await publisher.publish(messages(0..<1, to: queue), deadline: .seconds(20)) == [.confirmed])
                broker.pause()
                defer { broker.resume() }

                // when
                let start = ContinuousClock.now
                let large = messages(0..<2, to: queue, padding: 32 << 20)
                let outcomes = await publisher.publish(large, deadline: .seconds(2))
                let waited = ContinuousClock.now - start

                // then
                #expect(outcomes.allSatisfy { if case .unknown = $0 { true } else { false } })
                #expect(waited >= .seconds(1.9) && waited < .seconds(4))
            }
        }
    }
}
