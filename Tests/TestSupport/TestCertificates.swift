import Foundation
import Glibc

/// An authority made on the spot, and what it signs. Its folder goes with the closure.
package struct TestCertificates: Sendable {
    package struct Pair: Sendable {
        package let certificateFile: String
        package let keyFile: String
    }

    private let folder: String
    package var authorityFile: String { "\(folder)/authority.pem" }

    package static func with<R>(_ body: (TestCertificates) async throws -> R) async throws -> R {
        let folder = "/tmp/maillage-certificates-\(UUID().uuidString.lowercased())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificates = TestCertificates(folder: folder)
        try certificates.prepare()
        return try await body(certificates)
    }

    private func prepare() throws {
        try makeKey("authority.key")
        try openssl([
            "req", "-x509", "-new", "-key", "authority.key", "-days", "2", "-subj", "/CN=Authority of a test", "-out",
            "authority.pem",
        ])
        // `openssl ca` is the only command that can make a certificate that has expired.
        let settings = """
            [ca]
            default_ca = us
            [us]
            database = index.txt
            new_certs_dir = .
            default_md = sha256
            policy = any
            rand_serial = yes
            copy_extensions = copy
            [any]
            commonName = supplied

            """
        try settings.write(toFile: "\(folder)/ca.conf", atomically: true, encoding: .utf8)
        try "".write(toFile: "\(folder)/index.txt", atomically: true, encoding: .utf8)
        try "unique_subject = no\n".write(toFile: "\(folder)/index.txt.attr", atomically: true, encoding: .utf8)
    }

    /// A certificate for a host or, as its common name, a user.
    package func issue(for name: String, hasExpired: Bool = false) throws -> Pair {
        let stem = UUID().uuidString.lowercased()
        try makeKey("\(stem).key")
        try openssl([
            "req", "-new", "-key", "\(stem).key", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)",
            "-out",
            "\(stem).csr",
        ])
        let dates =
            hasExpired ? ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] : ["-days", "2"]
        try openssl(
            [
                "ca", "-batch", "-config", "ca.conf", "-in", "\(stem).csr", "-cert", "authority.pem", "-keyfile",
                "authority.key", "-notext", "-out", "\(stem).pem",
            ] + dates)
        return Pair(certificateFile: "\(folder)/\(stem).pem", keyFile: "\(folder)/\(stem).key")
    }

    private func makeKey(_ file: String) throws {
        try openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file])
        // A broker of another user reads it.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/\(file)")
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BrokerUnavailable(description: "openssl \(arguments) ended with \(process.terminationStatus)")
        }
    }

    /// Lends a server that proves itself by the pair and says nothing after that.
    package static func withServer<R>(_ pair: Pair, _ body: (UInt16) async throws -> R) async throws -> R {
        let port = try FreePorts.take(1)[0]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:\(port)", "-cert", pair.certificateFile, "-key", pair.keyFile, "-quiet",
        ]
        // An input that stays open: at its end the server would end.
        let input = Pipe()
        process.standardInput = input
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            // Not SIGTERM: a process that is started from a worker thread may inherit that it is blocked.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try? input.fileHandleForWriting.close()
        }
        return try await body(port)
    }
}
