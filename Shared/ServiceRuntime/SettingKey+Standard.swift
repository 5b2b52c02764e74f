package import Events

/// The keys that every service has.
extension SettingKey {
    package static let configFile = SettingKey(
        "config.file", .path, about: "JSON file with settings; environment variables win over it")
    package static let environment = SettingKey(
        "environment", .oneOf(["development", "production"]), default: "development",
        about: "production refuses what only tests and demos may do")
    package static let logLevel = SettingKey(
        "log.level", .oneOf(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info",
        about: "least severe records that are written")
    package static let clockOffsetFile = SettingKey(
        "clock.offset-file", .path,
        about: "file with the seconds that the programme clock is ahead; never in production")

    package static let httpHost = SettingKey(
        "http.host", .text(bytesMax: 255), default: "127.0.0.1", about: "address to listen on; 0.0.0.0 in a container")
    package static let httpPort = SettingKey(
        "http.port", .count(0...65_535), default: "8080", unit: "port", about: "port to listen on; 0 takes a free one")
    package static let httpProxyCount = SettingKey(
        "http.proxy-count", .count(0...4), default: "0", unit: "proxies",
        about: "proxies of ours in front, whose X-Forwarded-For entries are trusted")
    package static let httpRate = SettingKey(
        "http.rate", .count(1...100_000), default: "200", unit: "requests/s",
        about: "requests that one caller may keep up, per replica")
    package static let httpBurst = SettingKey(
        "http.burst", .count(1...1_000_000), default: "400", unit: "requests",
        about: "requests that one caller may send at once, per replica")

    package static let databaseURL = SettingKey(
        "database.url", .text(bytesMax: 2_048), about: "libpq connection string of the run role", isSecret: true)
    package static let databaseOwnerURL = SettingKey(
        "database.owner-url", .text(bytesMax: 2_048), about: "libpq connection string of the owner; migrate only",
        isSecret: true)
    package static let databaseSchema = SettingKey(
        "database.schema", .text(bytesMax: 63), about: "the service's schema")
    package static let databaseRunRole = SettingKey(
        "database.run-role", .text(bytesMax: 63), about: "role that migrate grants what serve needs")
    package static let databaseCAFile = SettingKey(
        "database.ca-file", .path,
        about: "PEM file with the authorities that the database's certificate must come from")
    package static let databaseCertificateFile = SettingKey(
        "database.certificate-file", .path, about: "PEM file with our certificate for the database")
    package static let databaseKeyFile = SettingKey(
        "database.key-file", .path, about: "PEM file with the certificate's private key, readable by its owner alone")
    package static let databasePlaintextHosts = SettingKey(
        "database.plaintext-hosts", .text(bytesMax: 1_024),
        about: "hosts, parted by commas, that may be reached without TLS; else only this machine may")
    package static let databaseStatementTimeout = SettingKey(
        "database.statement-timeout", .duration(.milliseconds(100) ... .seconds(600)), default: "30s",
        about: "longest that one statement may take")
    package static let databaseIdleTransactionTimeout = SettingKey(
        "database.idle-transaction-timeout", .duration(.milliseconds(500) ... .seconds(600)), default: "3500ms",
        about: "longest that a transaction may be silent before it loses its locks: the process hangs")
    package static let poolConnections = SettingKey(
        "pool.connections", .count(2...200), default: "8", unit: "connections",
        about: "database connections per replica; the relay keeps one of them")

    package static let brokerURL = SettingKey(
        "broker.url", .url(schemes: ["amqp", "amqps"]), about: "broker of the services, as the service's own user",
        isSecret: true)
    package static let brokerAdminURL = SettingKey(
        "broker.admin-url", .url(schemes: ["amqp", "amqps"]),
        about: "broker of the services, as an administrator; topology only", isSecret: true)
    package static let brokerManagementURL = SettingKey(
        "broker.management-url", .url(schemes: ["http", "https"]),
        about: "management interface of the services' broker, as an administrator; topology only", isSecret: true)
    package static let brokerCAFile = SettingKey(
        "broker.ca-file", .path, about: "PEM file with the authorities that the broker's certificate must come from")
    package static let brokerCertificateFile = SettingKey(
        "broker.certificate-file", .path,
        about: "PEM file with our certificate for the broker; logs in where the URL names no user")
    package static let brokerKeyFile = SettingKey(
        "broker.key-file", .path, about: "PEM file with the certificate's private key, without a passphrase")
    /// For the service that takes messages from outside; it names it in its own keys.
    package static let brokerOutsideURL = SettingKey(
        "broker.outside-url", .url(schemes: ["amqp", "amqps"]), about: "broker of the outside publishers",
        isSecret: true)
    /// As ``brokerOutsideURL``, for `topology apply`.
    package static let brokerOutsideAdminURL = SettingKey(
        "broker.outside-admin-url", .url(schemes: ["amqp", "amqps"]),
        about: "broker of the outside publishers, as an administrator; topology only", isSecret: true)
    package static let brokerOutsideManagementURL = SettingKey(
        "broker.outside-management-url", .url(schemes: ["http", "https"]),
        about: "management interface of the outside publishers' broker, where it is another; topology only",
        isSecret: true)
    package static let brokerOutsideCAFile = SettingKey(
        "broker.outside-ca-file", .path, about: "as broker.ca-file, for the outside publishers' broker")
    package static let brokerOutsideCertificateFile = SettingKey(
        "broker.outside-certificate-file", .path,
        about: "as broker.certificate-file, for the outside publishers' broker")
    package static let brokerOutsideKeyFile = SettingKey(
        "broker.outside-key-file", .path, about: "as broker.key-file, for the outside publishers' broker")

    package static let identityPublicKeyFile = SettingKey(
        "identity.public-key-file", .path, about: "PEM file with the issuer's ES256 public keys, at most four")
    package static let identityIssuer = SettingKey(
        "identity.issuer", .text(bytesMax: 512), about: "iss of the tokens that are taken")
    package static let identityAudience = SettingKey(
        "identity.audience", .text(bytesMax: 512), default: "maillage", about: "aud that a token must name")

    package static let relayBatch = SettingKey(
        "relay.batch", .count(1...2_000), default: "500", unit: "events", about: "events that the relay takes at once")
    package static let relayWindow = SettingKey(
        "relay.window", .count(1...1_000), default: "500", unit: "messages",
        about: "messages published before the broker has confirmed the first")
    package static let inboxBatch = SettingKey(
        "inbox.batch", .count(1...1_000), default: "500", unit: "messages", about: "messages applied in one transaction"
    )
    package static let inboxWorkers = SettingKey(
        "inbox.workers", .count(1...8), default: "1", unit: "workers", about: "batches applied side by side")

    package static let checkpointInterval = SettingKey(
        "checkpoint.interval", .duration(.milliseconds(100) ... .seconds(3_600)), default: "30s",
        about: "between two checkpoints of the log; a lost last event is found after at most twice as long")

    package static let startTimeout = SettingKey(
        "start.timeout", .duration(.seconds(1) ... .seconds(600)), default: "60s",
        about: "how long the start waits for database and broker")
    package static let drainTimeout = SettingKey(
        "drain.timeout", .duration(.seconds(1) ... .seconds(300)), default: "10s",
        about: "how long a stop may take before the process ends with status 1")

    /// The keys of every service, with the defaults that follow from the service's name.
    package static func standard(for owner: EventOwner) -> [SettingKey] {
        [
            configFile, environment, logLevel, clockOffsetFile, httpHost, httpPort, httpProxyCount, httpRate, httpBurst,
            databaseURL, databaseOwnerURL, databaseSchema.with(default: owner.rawValue),
            databaseRunRole.with(default: "maillage_\(owner.rawValue)"), databaseCAFile,
            databaseCertificateFile, databaseKeyFile, databasePlaintextHosts, databaseStatementTimeout,
            databaseIdleTransactionTimeout, poolConnections, brokerURL, brokerAdminURL, brokerManagementURL,
            brokerCAFile, brokerCertificateFile, brokerKeyFile,
            identityPublicKeyFile, identityIssuer, identityAudience, relayBatch, relayWindow,
            inboxBatch, inboxWorkers, checkpointInterval, startTimeout, drainTimeout,
        ]
    }
}
