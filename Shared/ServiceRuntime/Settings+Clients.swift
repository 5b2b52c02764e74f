import FoundationEssentials
package import Identity
package import Postgres
package import RabbitMQ

/// What the settings say about the servers that a service talks to.
extension Settings {
    package func databaseConfiguration(url key: SettingKey) -> PostgresConfiguration {
        PostgresConfiguration(
            connectionString: text(key), schema: text(.databaseSchema),
            applicationName: "maillage-\(text(.databaseSchema))", connectionCountMax: count(.poolConnections),
            statementTimeout: duration(.databaseStatementTimeout))
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
