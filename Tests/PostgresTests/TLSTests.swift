import Foundation
import Logging
import TestSupport
import Testing

@testable import Postgres

/// How connections are protected on their way, with certificates that are made on the spot.
@Suite(.timeLimit(.minutes(10)))
struct TLSTests {
    private struct Files {
        let folder: String
        var ca: String { "\(folder)/ca.pem" }
        var otherCA: String { "\(folder)/other.pem" }
        func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }
        func key(_ name: String) -> String { "\(folder)/\(name).key" }
    }

    private func makeFiles(_ databases: PrivateDatabases) throws -> Files {
        let files = Files(folder: databases.folder + "/certificates")
        try FileManager.default.createDirectory(atPath: files.folder, withIntermediateDirectories: true)
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        func openssl(_ arguments: [String]) throws {
            try databases.run("/usr/bin/openssl", arguments, isServers: false)
        }
        for name in ["ca", "other"] {
            try openssl(
                ["req", "-x509"] + key
                    + [
                        "-keyout", files.key(name), "-out", files.certificate(name), "-days", "2", "-subj",
                        "/CN=\(name)",
                    ])
        }
        for (name, subject) in [("server", "localhost"), ("client", "postgres")] {
            let request = "\(files.folder)/\(name).csr"
            try openssl(
                ["req", "-new"] + key
                    + [
                        "-keyout", files.key(name), "-out", request, "-subj", "/CN=\(subject)", "-addext",
                        "subjectAltName=DNS:\(subject)",
                    ])
            try openssl([
                "x509", "-req", "-in", request, "-CA", files.ca, "-CAkey", files.key("ca"), "-CAcreateserial",
                "-copy_extensions", "copy", "-days", "2", "-out", files.certificate(name),
            ])
        }
        try databases.own(files.key("server"))
        return files
    }

    private func withServer(
        access: String = "hostssl all all 127.0.0.1/32 trust",
        _ body: (PrivateDatabases.Server, Files) async throws -> Void
    ) async throws {
        try await PrivateDatabases.with { databases in
            let files = try makeFiles(databases)
            let server = try databases.makeServer(
                settings: """
                    ssl = on
                    ssl_cert_file = '\(files.certificate("server"))'
                    ssl_key_file = '\(files.key("server"))'
                    ssl_ca_file = '\(files.ca)'
                    """, access: access)
            try await body(server, files)
        }
    }

    private func withPool<R>(
        _ string: String, _ security: PostgresSecurity = PostgresSecurity(), _ body: (PostgresPool) async throws -> R
    ) async throws -> R {
        let configuration = PostgresConfiguration(
            connectionString: string + " user=postgres dbname=postgres", applicationName: "tls", security: security)
        let pool = PostgresPool(configuration: configuration, logger: Logger(label: "tests"))
        let result: Result<R, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.close()
        return try result.get()
    }

    private func refusal(_ string: String, _ security: PostgresSecurity = PostgresSecurity()) async throws -> String {
        let error = try await failure { try await withPool(string, security) { _ = try await $0.query("select 1") } }
        #expect(error.code == .connectionRefused)
        return "\(error)"
    }

    @Test func everythingWorksOverACheckedConnection() async throws {
        try await withServer { server, files in
            var security = PostgresSecurity()
            security.caFile = files.ca
            try await withPool("host=localhost hostaddr=127.0.0.1 port=\(server.port)", security) { pool in
                // given
                let row = try await pool.query(
                    "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
                ).first
                #expect(try row?.get("ssl") == true)
                #expect(try row?.get("version", as: String.self).hasPrefix("TLSv1.") == true)
                // then: records of every size pass both ways
                let big = [UInt8](repeating: 7, count: 8 << 20)
                #expect(try await pool.query("select \(big) as big").first?.get("big") == big)
                let rows = try await pool.query(
                    "select n, repeat('x', n % 5000) as text from generate_series(1, 20000) as n")
                #expect(try rows.map { try $0.get("n", as: Int.self) } == Array(1...20_000))
                try await pool.withTransaction { transaction in
                    let part = Array(big.prefix(100_000))
                    let results = try await transaction.pipeline((0..<50).map { "select \(part) as b, \($0) as n" })
                    #expect(try results.map { try $0[0].get("n", as: Int.self) } == Array(0..<50))
                    var byteCount = 0
                    try await transaction.copy(
                        out: "select repeat('x', 10000) from generate_series(1, 1000)", format: .text
                    ) { rows in
                        for try await piece in rows { byteCount += piece.count }
                    }
                    #expect(byteCount == 10_001_000)
                }
            }
        }
    }

    @Test func aServerOfAnotherAuthorityIsRefused() async throws {
        try await withServer { server, files in
            var security = PostgresSecurity()
            security.caFile = files.otherCA
            let words = try await refusal("host=localhost hostaddr=127.0.0.1 port=\(server.port)", security)
            #expect(words.contains("certificate verify failed"))
        }
    }

    @Test func aServerOfAnotherNameIsRefused() async throws {
        try await withServer { server, files in
            var security = PostgresSecurity()
            security.caFile = files.ca
            let words = try await refusal("host=db.example hostaddr=127.0.0.1 port=\(server.port)", security)
            #expect(words.contains("\"localhost\" does not match host name \"db.example\""))
        }
    }

    @Test func aServerWithoutTLSIsRefusedAndNeverSpokenToInTheClear() async throws {
        try await PrivateDatabases.with { databases in
            let files = try makeFiles(databases)
            let server = try databases.makeServer()
            var security = PostgresSecurity()
            security.caFile = files.ca
            let words = try await refusal("host=localhost hostaddr=127.0.0.1 port=\(server.port)", security)
            #expect(words.contains("server does not support SSL"))
        }
    }

    @Test func whereNoAuthorityIsKnownAServerCannotBeCheckedAtAll() async throws {
        try await withServer { server, _ in
            let words = try await refusal(
                "host=localhost hostaddr=127.0.0.1 port=\(server.port) sslmode=verify-full sslrootcert=/nowhere.pem")
            #expect(words.contains("root certificate file"))
        }
    }

    @Test func aServerThatWantsACertificateKnowsUsByOurs() async throws {
        try await withServer(access: "hostssl all all 127.0.0.1/32 cert") { server, files in
            let address = "host=localhost hostaddr=127.0.0.1 port=\(server.port)"
            var security = PostgresSecurity()
            security.caFile = files.ca
            // when
            let words = try await refusal(address, security)
            // then
            #expect(words.contains("valid client certificate"))
            // when
            security.certificateFile = files.certificate("client")
            security.keyFile = files.key("client")
            // then
            try await withPool(address, security) { pool in
                let row = try await pool.query("select client_dn from pg_stat_ssl where pid = pg_backend_pid()").first
                #expect(try row?.get("client_dn") == "/CN=postgres")
            }
        }
    }

    @Test(
        arguments: [
            ("host=db.example", [], nil), ("host=db.example sslmode=verify-full", [], "verify-full"),
            ("host=127.0.0.1,db.example", [], nil), ("host=localhost,127.0.0.1", [], "disable"),
            ("host=/var/run/postgresql", [], "disable"), ("host=localhost hostaddr=10.0.0.1 sslmode=prefer", [], nil),
            ("host=postgres sslmode=disable", [], nil), ("host=postgres", ["postgres"], "disable"),
            ("host=postgres,other sslmode=require", ["postgres"], nil),
            ("host=postgres sslmode=require", ["postgres"], "require"), ("service=far", [], nil),
        ] as [(String, Set<String>, String?)])
    func aHostElsewhereIsReachedWithItsNameCheckedOrNotAtAll(
        string: String, plaintextHosts: Set<String>, mode: String?
    ) throws {
        var security = PostgresSecurity()
        security.plaintextHosts = plaintextHosts
        let configuration = PostgresConfiguration(connectionString: string, applicationName: "a", security: security)
        // A host that is not named as allowed is checked, whatever the string wants otherwise.
        let expected = mode ?? (string.contains("sslmode") || string.contains("service") ? nil : "verify-full")
        if let expected {
            #expect(try ConnectionParameters(configuration)["sslmode"] == expected)
        } else {
            let error = #expect(throws: PostgresError.self) { try configuration.validate() }
            #expect(error?.code == .configuration)
        }
    }
}
