import RabbitMQ
import Testing

@Suite struct RabbitMQConfigurationTests {
    @Test(arguments: [
        ("amqp://a:b@broker", "maillage at broker:5672 virtual host /"),
        ("amqp://a:b@broker/", "maillage at broker:5672 virtual host /"),
        ("amqp://broker:5673/feedback", "maillage at broker:5673 virtual host feedback"),
        ("amqp://a:p%40ss%2F@[::1]:5673/%2Fin", "maillage at [::1]:5673 virtual host /in"),
        ("amqp://a:b@one,two:5673,[fe80::1]/v", "maillage at one:5672,two:5673,[fe80::1]:5672 virtual host v"),
    ])
    func anAddressIsReadInAllItsForms(url: String, description: String) throws {
        #expect(try RabbitMQConfiguration(url: url, connectionName: "maillage").description == description)
    }

    @Test(arguments: [
        "http://a:s3cret@broker", "amqps://a:s3cret@broker", "AMQP://a:s3cret@broker", "amqp://a:s3cret@broker:0",
        "amqp://a:s3cret@broker:99999",
        "amqp://a:s3cret%zz@broker", "amqp://a:s3cret%00@broker", "amqp://a:s3cret@broker/a/b",
        "amqp://a:s3cret@broker/a?heartbeat=5", "amqp://a:s3cret@:5672/",
    ])
    func aBadAddressIsRefusedWithoutShowingIt(url: String) {
        let error = #expect(throws: RabbitMQError.self) {
            try RabbitMQConfiguration(url: url, connectionName: "maillage")
        }
        #expect(error?.code == .configuration)
        #expect(error.map { "\($0)".contains("s3cret") } == false)
    }

    @Test func thePasswordIsInNoDescription() throws {
        // given
        let configuration = try RabbitMQConfiguration(
            url: "amqp://user:s3cret@broker", connectionName: "maillage")

        // when
        var dumped = ""
        dump(configuration, to: &dumped)

        // then
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("s3cret"))
        }
    }

    @Test(arguments: [
        ("amqps://broker", RabbitMQTLS(), "amqps needs the file with the authorities"),
        ("amqps://broker", RabbitMQTLS(authorityFile: "/etc/hosts", keyFile: "/etc/hosts"), "without the certificate"),
        ("amqps://broker", RabbitMQTLS(authorityFile: "/etc/hosts", certificateFile: "/etc/hosts"), "without the key"),
        ("amqps://broker", RabbitMQTLS(authorityFile: "/nowhere.pem"), "cannot be read: /nowhere.pem"),
        ("amqps://one,10.0.0.1", RabbitMQTLS(authorityFile: "/etc/hosts"), "not the address 10.0.0.1"),
        ("amqps://[::1]", RabbitMQTLS(authorityFile: "/etc/hosts"), "not the address ::1"),
        ("amqp://broker", RabbitMQTLS(authorityFile: "/etc/hosts"), "is amqp, not amqps"),
    ])
    func tlsThatIsHalfGivenIsRefusedWithWhatIsMissing(url: String, tls: RabbitMQTLS, reason: String) {
        let error = #expect(throws: RabbitMQError.self) {
            try RabbitMQConfiguration(url: url, connectionName: "maillage", tls: tls)
        }
        #expect(error?.code == .configuration)
        #expect(error?.reason.contains(reason) == true)
    }

    @Test func tlsHasAPortOfItsOwn() throws {
        let configuration = try RabbitMQConfiguration(
            url: "amqps://a:b@one,two:5673/v", connectionName: "maillage", tls: RabbitMQTLS(authorityFile: "/etc/hosts")
        )
        #expect(configuration.description == "maillage at one:5671,two:5673 virtual host v")
    }

    @Test func aHeartbeatOfLessThanASecondIsRefused() {
        #expect(throws: RabbitMQError.self) {
            try RabbitMQConfiguration(
                url: "amqp://broker", connectionName: "maillage", heartbeat: .milliseconds(500))
        }
    }
}
