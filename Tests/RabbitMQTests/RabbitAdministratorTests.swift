import Foundation
import RabbitMQ
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct RabbitAdministratorTests {
    private func error(
        _ configuration: RabbitMQConfiguration, _ body: (RabbitAdministrator) async throws -> Void
    ) async -> RabbitMQError? {
        await #expect(throws: RabbitMQError.self) { try await TestBroker.administer(configuration, body) }
    }

    @Test func aQueueThatExistsOtherwiseIsAPreconditionThatFails() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)

            // when
            let error = await error(configuration) { try await $0.declareQueue(queue, arguments: []) }

            // then
            #expect(error?.code == .preconditionFailed)
            #expect(error?.reason.contains(queue) == true)
            #expect(error?.isRetriable == false)
        }
    }

    @Test func aMissingQueueIsNamed() async throws {
        try await withBroker { configuration, name in
            let queue = name("missing")
            let error = await error(configuration) { _ = try await $0.messageCount(queue: queue) }
            #expect(error?.code == .notFound)
            #expect(error?.reason.contains(queue) == true)
        }
    }

    @Test func aNameOfTheBrokersOwnIsRefused() async throws {
        let error = await error(try TestBroker.configuration()) {
            try await $0.declareExchange("amq.ours", type: .topic)
        }
        #expect(error?.code == .accessRefused)
        #expect(error?.reason.contains("amq.ours") == true)
    }

    @Test func theConnectionGoesOnAfterARefusal() async throws {
        try await withBroker { configuration, name in
            let (missing, queue) = (name("missing"), name("orders"))
            let count = try await TestBroker.administer(configuration) { administrator in
                for _ in 0..<3 {
                    await #expect(throws: RabbitMQError.self) { try await administrator.purge(queue: missing) }
                }
                try await administrator.declareQueue(queue, arguments: quorum)
                return try await administrator.messageCount(queue: queue)
            }
            #expect(count == 0)
        }
    }

    @Test func messagesAreTakenOneByOne() async throws {
        try await withBroker { configuration, name in
            // given
            let queue = name("orders")
            try await configuration.declareQueue(queue)
            _ = try await withPublisher(configuration) { publisher in
                await publisher.publish(messages(0..<2, to: queue, padding: 200_000), deadline: .seconds(20))
            }

            try await TestBroker.administer(configuration) { administrator in
                // when
                let first = try await administrator.get(queue: queue)
                let second = try await administrator.get(queue: queue)
                let third = try await administrator.get(queue: queue)

                // then
                #expect(first?.body.count == 200_001 && first?.body.first == UInt8(ascii: "0"))
                #expect(second?.body.first == UInt8(ascii: "1"))
                #expect(second?.delivery.routingKey == queue)
                #expect(third == nil)
            }
        }
    }

    @Test func aWrongPasswordIsSaidWithoutShowingIt() async throws {
        // given
        var broker = try #require(URLComponents(string: try TestBroker.url()))
        broker.password = "s3cret"
        let configuration = try TestBroker.configuration(url: broker.string)

        // when
        let error = await error(configuration) { _ in }

        // then
        #expect(error?.code == .authenticationFailed)
        #expect(error.map { "\($0)".contains("s3cret") } == false)
    }

    @Test(arguments: ["localhost", "127.0.0.1:1,127.0.0.1", "[::1]:1,localhost"])
    func aNodeIsFoundByNameAndBehindOthersThatAreDown(hosts: String) async throws {
        // given
        let url = try TestBroker.url().replacing("127.0.0.1", with: hosts)

        // when
        let isConnected = try await TestBroker.administer(try TestBroker.configuration(url: url)) { _ in true }

        // then
        #expect(isConnected)
    }

    @Test func aHostWithoutAnAddressIsRefusedByName() async throws {
        let configuration = try RabbitMQConfiguration(
            url: "amqp://nowhere.invalid", connectionName: "tests", connectTimeout: .seconds(3))
        let error = await error(configuration) { _ in }
        #expect(error?.code == .connectionRefused)
        #expect(error?.reason.contains("nowhere.invalid") == true)
    }
}
