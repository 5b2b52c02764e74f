import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// A publisher with a mapping for files of F-SUS answers, and what it sees of its imports.
struct ImportLab {
    static let finess = "750712184"
    static let password = "abcdefghijkmnpqrstuvwxyz23456789"
    static let header = "FINESS;CODE;DATE;" + (1...10).map { "Q\($0)" }.joined(separator: ";") + ";REMARQUE"

    let lab: IntakeLab

    static func with(batch: Int = 500, isOpen: Bool = true, _ body: (ImportLab) async throws -> Void) async throws {
        try await IntakeLab.with(isOpen: isOpen) { lab in
            let store = PublisherStore(queueBytesTotal: 1 << 30)
            let context = CommandContext(actor: "test", cause: .init(correlationID: "test"), now: Date())
            let secret = try #require(CredentialSecret(password))
            try await lab.service.pool.withTransaction { transaction in
                let terms = PublisherTerms(organisation: "o", contact: "c", queueBytes: 1 << 20)
                try await store.insert("surveys", terms, context: context, in: transaction)
                for name in [IntakeLab.publisher, "surveys"] {
                    _ = try await store.rotate(
                        name, to: .password(CredentialHash(of: secret)), overlapHours: 0, in: transaction)
                }
            }
            let imports = ImportLab(lab: lab)
            _ = try await imports.publish(imports.mapping)
            try await body(imports)
        }
    }

    var mapping: String {
        let items = (1...10).map { #"{"column":"Q\#($0)","linkId":"sus-\#($0)"}"# }.joined(separator: ",")
        return """
            {"finess":"FINESS","establishments":[{"finess":"\(Self.finess)","experiments":["\(lab.experiment)"]}],\
            "participant":{"column":"CODE"},"occasion":{"value":"M3"},"instrument":{"value":"SUS"},\
            "instrumentVersion":{"value":"F-SUS-2021"},"answeredAt":{"column":"DATE","format":"dd/MM/yyyy"},\
            "items":[\(items)],"missing":["NA"],"comment":"REMARQUE"}
            """
    }

    func headers(_ user: String = IntakeLab.publisher, _ type: String = "application/json") -> HTTPFields {
        [
            .contentType: type,
            .authorization: "Basic " + Data("\(user).1:\(Self.password)".utf8).base64EncodedString(),
        ]
    }

    func publish(_ document: String, as name: String = "sus") async throws -> TestAnswer {
        try await lab.service.request(.put, "/v1/import-mappings/\(name)", json: document, headers: headers())
    }

    func line(
        _ participant: Int, finess: String = finess, date: String = "31/05/2026", first: String = "4",
        comment: String = ""
    ) -> String {
        "\(finess);\(IntakeLab.pseudonym(participant));\(date);\(first);2;4;2;4;2;4;2;4;2;\(comment)"
    }

    /// Uploads lines below the headings.
    func upload(_ lines: [String], query: String = "mapping=sus") async throws -> String {
        let answer = try await send(([Self.header] + lines).joined(separator: "\r\n"), query: query)
        #expect(answer.status == .created)
        // On a busy machine the answer may come before the preview is ready.
        while try await stepper().advance() {}
        return try answer.decode(Begun.self).id
    }

    func send(_ text: String, query: String = "mapping=sus", type: String = "text/csv") async throws -> TestAnswer {
        try await lab.service.request(
            .post, "/v1/imports?\(query)", json: text, headers: headers(IntakeLab.publisher, type))
    }

    func commit(_ id: String) async throws -> TestAnswer {
        try await lab.service.request(.post, "/v1/imports/\(id)/commit", headers: headers())
    }

    func stepper(_ count: Int = 500) -> ImportStepper {
        ImportStepper(intake: lab.intake, lineCountMax: count)
    }

    func commitWhole(_ id: String) async throws -> View {
        #expect(try await commit(id).status == .accepted)
        while try await stepper().advance() {}
        return try await view(id)
    }

    func view(_ id: String) async throws -> View {
        try await lab.service.request(.get, "/v1/imports/\(id)", headers: headers()).decode(View.self)
    }

    struct Begun: Decodable { let id: String, state: String }

    struct View: Decodable {
        struct Tally: Decodable, Equatable { let lines: Int, accepted: Int, duplicate: Int, waiting: Int, refused: Int }
        struct Range: Decodable { let firstLine: Int, lastLine: Int, tally: Tally }
        struct Mend: Decodable, Equatable { let fr: String, en: String }
        struct Finding: Decodable, Equatable {
            let line: Int, column: String?, value: String?, outcome: String, reason: String, mend: Mend
        }
        struct Phase: Decodable {
            let tally: Tally, refusedByReason: [String: Int], ranges: [Range], errors: [Finding], errorsCount: Int
        }
        struct Rejection: Decodable { let reason: String, line: Int }

        let state: String, mappingVersion: Int, bytesDone: Int, byteCount: Int
        let rejection: Rejection?, preview: Phase?, commit: Phase?
    }
}
