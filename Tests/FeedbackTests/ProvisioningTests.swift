import Events
import FeedbackDomain
import Foundation
import Outbox
import Postgres
import RabbitMQ
import TestSupport
import Testing

@testable import Feedback
@testable import ServiceRuntime

/// Several processes bring publishers to a real broker, and any of them may be slow.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ProvisioningTests {
    private static let password = "abcdefghijkmnpqrstuvwxyz23456789"

    private struct Stage {
        let lab: IntakeLab
        let broker: PrivateBroker
        let store: ProvisioningStore
        let publishers = PublisherStore(queueBytesTotal: 1 << 30)
        var management: BrokerManagement { get throws { try BrokerManagement(url: broker.managementURL) } }

        func provisioner(url: String? = nil) throws -> BrokerProvisioner {
            BrokerProvisioner(
                store: store, management: try BrokerManagement(url: url ?? broker.managementURL), virtualHost: "/",
                wakeUp: RelayWakeUp(), logger: TestBroker.quietLogger)
        }

        func users() async throws -> Set<String> {
            struct User: Decodable { let name: String }
            return Set(try await management.get([User].self, "users", columns: "name")?.map(\.name) ?? [])
        }

        func isProvisioned(_ name: String = "northcare") async throws -> Bool {
            try await publishers.find(name, in: lab.service.pool).isProvisioned
        }

        func suspend(_ name: String) async throws {
            let context = CommandContext(actor: "test", cause: .init(correlationID: "test"), now: Date())
            try await lab.service.pool.withTransaction { transaction in
                try await publishers.setSuspended(true, name, reason: "leak", context: context, in: transaction)
            }
        }

        func expireClaims() async throws {
            try await lab.service.pool.query("update publishers set claimed_until = '-infinity'")
        }
    }

    private func register(_ name: String, _ lab: IntakeLab) async throws {
        let store = PublisherStore(queueBytesTotal: 1 << 30)
        let context = CommandContext(actor: "test", cause: .init(correlationID: "test"), now: Date())
        let hash = CredentialHash(of: try #require(CredentialSecret(Self.password)))
        try await lab.service.pool.withTransaction { transaction in
            try await store.insert(
                name, PublisherTerms(organisation: "N", contact: "c", queueBytes: 1 << 20), context: context,
                in: transaction)
            _ = try await store.rotate(name, to: .password(hash), overlapHours: 0, in: transaction)
        }
    }

    private func with(_ body: (Stage) async throws -> Void) async throws {
        var extras = PrivateBroker.Extras()
        extras.hasManagement = true
        try await PrivateBroker.with(extras) { broker in
            try await IntakeLab.with(isOpen: false) { lab in
                try await register("northcare", lab)
                try await body(Stage(lab: lab, broker: broker, store: ProvisioningStore(pool: lab.service.pool)))
            }
        }
    }

    @Test func aSuspensionThatOvertakesASlowProvisionerHoldsInTheEnd() async throws {
        try await with { stage in
            // given: one that stands still in the middle of letting the publisher's user in
            let port = try #require(URLComponents(string: stage.broker.managementURL)?.port)
            let proxy = try CuttingProxy(to: port)
            defer { proxy.close() }
            proxy.stall(before: Array("PUT /api/users/northcare.1 ".utf8))
            let slow = try stage.provisioner(url: "http://guest:guest@127.0.0.1:\(proxy.port)")
            let quick = try stage.provisioner()
            try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await slow.provisionNext() }
                try await waitUntil("it stands still") { proxy.isStalled }
                // when: its claim runs out, and the publisher is suspended
                try await stage.expireClaims()
                try await stage.suspend("northcare")
                while try await quick.provisionNext() != nil {}
                #expect(try await stage.isProvisioned())
                #expect(try await !stage.users().contains("northcare.1"))
                proxy.resume()
                #expect(try await group.next() == "northcare")
            }
            // then: the late act was done, and is known to be wrong
            #expect(try await stage.users().contains("northcare.1"))
            #expect(try await !stage.isProvisioned())
            // when
            while try await quick.provisionNext() != nil {}
            // then
            #expect(try await !stage.users().contains("northcare.1"))
            #expect(try await stage.isProvisioned())
        }
    }

    @Test func aClientCertificateOpensTheBrokerForAsLongAsItsCredentialIsLiveAndNothingElseDoes() async throws {
        try await TestCertificates.with { authority in
            var extras = PrivateBroker.Extras()
            extras.hasManagement = true
            extras.tls = (authority.authorityFile, try authority.issue(for: "localhost"))
            try await PrivateBroker.with(extras) { broker in
                try await IntakeLab.with(isOpen: false) { lab in
                    try await register("northcare", lab)
                    let stage = Stage(lab: lab, broker: broker, store: ProvisioningStore(pool: lab.service.pool))
                    // given
                    let credential = try await lab.service.pool.withTransaction { transaction in
                        try await stage.publishers.rotate(
                            "northcare", to: .certificate, overlapHours: 0, in: transaction)
                    }
                    #expect(credential.user == "northcare.2")
                    while try await stage.provisioner().provisionNext() != nil {}
                    // then
                    #expect(try await outcome("northcare.2", stage, authority) == .confirmed)
                    // Nobody is let in by a name alone, nor by another's.
                    #expect(try await outcome("northcare.1", stage, authority) == nil)
                    #expect(try await outcome("southcare.2", stage, authority) == nil)
                    #expect(try await outcome("northcare.2", login: "northcare.2:@", stage, authority) == nil)
                    let hash = try await stage.publishers.hash(of: credential, in: lab.service.pool)
                    #expect(hash == nil)
                    let kinds = try await stage.publishers.find("northcare", in: lab.service.pool).credentials
                        .map(\.isCertificate)
                    #expect(kinds.last == true)
                    // when
                    try await stage.suspend("northcare")
                    while try await stage.provisioner().provisionNext() != nil {}
                    // then
                    #expect(try await outcome("northcare.2", stage, authority) == nil)
                }
            }
        }
    }

    /// What the broker says to one event of somebody with a certificate; nil when it lets nobody in.
    private func outcome(
        _ name: String, login: String = "", _ stage: Stage, _ authority: TestCertificates
    ) async throws -> PublishOutcome? {
        let pair = try authority.issue(for: name)
        let tls = RabbitMQTLS(
            authorityFile: authority.authorityFile, certificateFile: login.isEmpty ? pair.certificateFile : nil,
            keyFile: login.isEmpty ? pair.keyFile : nil)
        let configuration = try TestBroker.configuration(
            url: "amqps://\(login)localhost:\(stage.broker.tlsPort)/%2F", tls: tls, connectTimeout: .seconds(2))
        let isLetIn = (try? await TestBroker.administer(configuration) { _ in true }) ?? false
        guard isLetIn else { return nil }
        let publisher = RabbitPublisher(configuration: configuration, logger: TestBroker.quietLogger)
        let message = OutgoingMessage(
            exchange: FeedbackSubmission.queue(of: "northcare"), routingKey: "", body: Array("{}".utf8),
            messageID: UUID().uuidString, contentType: EventEnvelope.contentType)
        let outcomes = await publisher.publish([message], deadline: .seconds(20))
        await publisher.close()
        return outcomes.first
    }

    @Test func usersThatNoCredentialStandsForAreRemovedAndNobodyElses() async throws {
        try await with { stage in
            // given
            let management = try stage.management
            let allowed = ["configure": "^$", "write": #"^feedback\.in\.northcare\z"#, "read": "^$"]
            let others = ["southcare", "northcare-x.1", "northcare.x", "guest"]
            for user in ["northcare", "northcare.7"] + others.dropLast() {
                try await management.put("users", user, body: ["password": "unused", "tags": ""])
            }
            try await management.put("permissions", "/", "northcare", body: allowed)
            // Of the same name as a publisher, and something else.
            try await register("southcare", stage.lab)
            try await management.put(
                "permissions", "/", "southcare", body: ["configure": "^$", "write": "^mine$", "read": "^$"])
            // when
            let provisioner = try stage.provisioner()
            while try await provisioner.provisionNext() != nil {}
            // then
            let users = try await stage.users()
            #expect(!users.contains("northcare") && !users.contains("northcare.7"))
            #expect(users.isSuperset(of: others + ["northcare.1", "southcare.1"]))
        }
    }
}

/// The same in the tables alone.
@Suite struct ProvisioningClaimTests {
    private func with(_ body: (IntakeLab, ProvisioningStore) async throws -> Void) async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            try await body(lab, ProvisioningStore(pool: lab.service.pool))
        }
    }

    private func isProvisioned(_ lab: IntakeLab) async throws -> Bool {
        try await PublisherStore(queueBytesTotal: 1).find(IntakeLab.publisher, in: lab.service.pool).isProvisioned
    }

    @Test func aClaimThatWasOvertakenNotesNothing() async throws {
        try await with { lab, store in
            // given
            let first = try #require(try await store.claim(seconds: 60))
            #expect(try await store.claim(seconds: 60) == nil)
            try await lab.service.pool.query("update publishers set claimed_until = '-infinity'")
            let second = try #require(try await store.claim(seconds: 60))
            // when, then
            #expect(try await !store.holds(first))
            #expect(try await !store.finish(first))
            #expect(try await !store.release(first, seconds: 0))
            #expect(try await !isProvisioned(lab))
            #expect(try await store.holds(second))
            #expect(try await store.finish(second))
            #expect(try await isProvisioned(lab))
        }
    }

    @Test func whatIsReopenedWhileSomebodyWorksOnItIsLookedAtOnceMore() async throws {
        try await with { lab, store in
            // given
            let task = try #require(try await store.claim(seconds: 60))
            // when
            try await store.reopen()
            #expect(try await store.claim(seconds: 60) == nil)
            #expect(try await store.finish(task))
            // then
            #expect(try await !isProvisioned(lab))
            let again = try #require(try await store.claim(seconds: 60))
            #expect(try await store.finish(again))
            #expect(try await isProvisioned(lab))
        }
    }
}
