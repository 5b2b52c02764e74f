import FoundationEssentials
package import Identity
package import Logging
package import Postgres
package import RabbitMQ

/// What the settings say about the servers that a service talks to.
extension Settings {
    /// - Throws: ``SettingsError`` that names the key and leaves out the URL, which holds a password: for a URL that
    ///   libpq cannot read, or that would send anything in the clear to a host that may not be reached so.
    package func databaseConfiguration(url key: SettingKey) throws(SettingsError) -> PostgresConfiguration {
        var security = PostgresSecurity()
        security.caFile = optionalText(.databaseCAFile)
        security.certificateFile = optionalText(.databaseCertificateFile)
        security.keyFile = optionalText(.databaseKeyFile)
        let hosts = optionalText(.databasePlaintextHosts)?.split(separator: ",") ?? []
        security.plaintextHosts = Set(hosts.map { $0.filter { !$0.isWhitespace } })
        let configuration = PostgresConfiguration(
            connectionString: text(key), schema: text(.databaseSchema),
            applicationName: "maillage-\(text(.databaseSchema))", connectionCountMax: count(.poolConnections),
            statementTimeout: duration(.databaseStatementTimeout),
            idleTransactionTimeout: duration(.databaseIdleTransactionTimeout), security: security)
        do throws(PostgresError) {
            try configuration.validate()
        } catch {
            let problem = error.reason ?? "cannot be used"
            throw SettingsError(violations: [.init(key: key.environmentName, value: nil, problem: problem)])
        }
        return configuration
    }

    /// Lends a command the run role's database, and closes it whatever becomes of the command.
    /// - Throws: ``SettingsError``, and what the closure throws.
    package func withPool<R>(logger: Logger, _ body: (PostgresPool) async throws -> R) async throws -> R {
        let pool = PostgresPool(configuration: try databaseConfiguration(url: .databaseURL), logger: logger)
        let result: Result<R, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }

    /// - Throws: ``SettingsError`` that names the key and leaves out the URL, which holds a password.
    package func brokerConfiguration(url key: SettingKey) throws(SettingsError) -> RabbitMQConfiguration {
        do throws(RabbitMQError) {
            return try RabbitMQConfiguration(
                url: text(key), connectionName: "maillage-\(text(.databaseSchema))", tls: brokerTLS(url: key))
        } catch {
            throw SettingsError(
                violations: [.init(key: key.environmentName, value: nil, problem: error.description)])
        }
    }

    /// The files that belong to the broker of the URL.
    private func brokerTLS(url key: SettingKey) -> RabbitMQTLS {
        let isOutside = [SettingKey.brokerOutsideURL, .brokerOutsideAdminURL].contains { $0.name == key.name }
        return RabbitMQTLS(
            authorityFile: optionalText(isOutside ? .brokerOutsideCAFile : .brokerCAFile),
            certificateFile: optionalText(isOutside ? .brokerOutsideCertificateFile : .brokerCertificateFile),
            keyFile: optionalText(isOutside ? .brokerOutsideKeyFile : .brokerKeyFile))
    }

    package func tokenVerifier() async throws(SettingsError) -> TokenVerifier {
        let path = text(.identityPublicKeyFile)
        let problem: String
        do {
            let pem = try String(contentsOfFile: path, encoding: .utf8)
            return try await TokenVerifier(
                publicKeyPEM: pem, issuer: text(.identityIssuer), audience: text(.identityAudience))
        } catch let error as VerifierError {
            problem = error.description
        } catch {
            problem = "no readable file"
        }
        throw SettingsError(
            violations: [
                .init(key: SettingKey.identityPublicKeyFile.environmentName, value: path, problem: problem)
            ])
    }
}
