import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Files of answers: what is taken, shown and forgotten")
struct ImportRoutesTests {
    // MARK: Files that cannot be read

    @Test(arguments: [
        ("", "empty", 1), ("A;B\n1;2\n", "column-missing", 1), ("\"A;B\n1;2", "quote-not-closed", 1),
    ])
    func aFileThatIsNoneIsRejectedWithItsLine(text: String, reason: String, line: Int) async throws {
        try await ImportLab.with { imports in
            let begun = try await imports.send(text).decode(ImportLab.Begun.self)
            let view = try await imports.view(begun.id)
            #expect(view.state == "rejected" && view.rejection?.reason == reason && view.rejection?.line == line)
            #expect(try await imports.commit(begun.id).problemSlug == "wrong-state")
            #expect(try await imports.lab.count("import_chunks") == 0)
        }
    }

    @Test func aQuotationMarkThatIsNeverClosedRejectsTheFileWhereItOpens() async throws {
        try await ImportLab.with { imports in
            let lines = (0..<1_200).map { imports.line($0 % 400, comment: $0 == 200 ? "\"offen" : "zu") }
            let view = try await imports.view(try await imports.upload(lines))
            #expect(view.state == "rejected" && view.rejection?.reason == "quote-not-closed")
            #expect(view.rejection?.line == 202)
        }
    }

    @Test func filesInWindowsCharactersAreReadByTheCharsetThatIsTold() async throws {
        try await ImportLab.with { imports in
            // given
            let text = ImportLab.header + "\r\n" + imports.line(0, comment: "très bien") + "\r\n"
            let bytes = text.unicodeScalars.map { UInt8($0.value) }
            func state(_ charset: CSVCharset) async throws -> ImportLab.View {
                let store = ImportStore(pool: imports.lab.service.pool)
                let new = NewImport(
                    publisher: IntakeLab.publisher, mapping: "sus", mappingVersion: nil, edition: 1, charset: charset)
                var upload = try await store.begin(new, now: imports.lab.service.clock.now())
                for byte in bytes { try await upload.append([byte]) }
                try await upload.finish()
                while try await imports.stepper().advance() {}
                return try await imports.view(upload.id.uuidString)
            }
            // when, then
            let wrong = try await state(.utf8)
            #expect(wrong.preview?.refusedByReason == ["malformed-line": 1])
            #expect(wrong.preview?.errors.map(\.value) == ["undecodable"])
            #expect(wrong.preview?.errors.map(\.column) == ["REMARQUE"])
            #expect(try await state(.windows1252).preview?.tally.accepted == 1)
        }
    }

    @Test func aLongFileIsReadInChunksWhereverTheyEnd() async throws {
        try await ImportLab.with { imports in
            let lines = (0..<3_000).map { number in
                imports.line(number % 400, comment: String(repeating: "é\"\"", count: number % 37).quoted)
            }
            let view = try await imports.view(try await imports.upload(lines))
            #expect(view.byteCount > 4 * ImportWork.chunkBytes)
            #expect(view.preview?.tally.lines == 3_000)
            #expect(view.preview?.tally.accepted == 400)
            #expect(view.preview?.refusedByReason.keys.sorted() == ["already-answered"])
        }
    }

    // MARK: Who may do what

    @Test func anotherPublisherSeesNothingOfIt() async throws {
        try await ImportLab.with { imports in
            let id = try await imports.upload([imports.line(0)])
            let surveys = imports.headers("surveys")
            for path in ["/v1/imports/\(id)", "/v1/imports/\(id)/errors", "/v1/import-mappings/sus"] {
                #expect(try await imports.lab.service.request(.get, path, headers: surveys).status == .notFound)
            }
            let commit = try await imports.lab.service.request(.post, "/v1/imports/\(id)/commit", headers: surveys)
            let delete = try await imports.lab.service.request(.delete, "/v1/imports/\(id)", headers: surveys)
            #expect(commit.status == .notFound && delete.status == .notFound)
            #expect(try await imports.lab.service.request(.get, "/v1/imports").status == .unauthorized)
            #expect(try await imports.view(id).state == "previewed")
        }
    }

    @Test func anExperimentThatAPublisherMayNotTellOfIsRefusedHereToo() async throws {
        try await ImportLab.with { imports in
            try await imports.lab.service.pool.query(
                "update publishers set experiments = \([UUID()]) where publisher = \(IntakeLab.publisher)")
            let view = try await imports.view(try await imports.upload([imports.line(0)]))
            #expect(view.preview?.refusedByReason == ["experiment-not-allowed": 1])
        }
    }

    @Test func aMappingThatIsWrongIsToldWhereAndTheSameOneIsTheSameVersion() async throws {
        try await ImportLab.with { imports in
            let same = try await imports.publish(imports.mapping)
            let wrong = try await imports.publish(imports.mapping.replacing("sus-2", with: "sus-1"))
            let format = try await imports.publish(imports.mapping.replacing("dd/MM/yyyy", with: "D.M.Y"))
            #expect(same.status == .ok && same.text.contains(#""version":1"#))
            #expect(wrong.status == .unprocessableContent && wrong.text.contains("/items/1/linkId"))
            #expect(format.status == .unprocessableContent && format.text.contains("/answeredAt/format"))
        }
    }

    @Test func uploadsHaveLimits() async throws {
        try await ImportLab.with { imports in
            #expect(try await imports.send("x", type: "text/plain").status == .unsupportedMediaType)
            #expect(try await imports.send("x", type: "text/csv; charset=utf-16").status == .unsupportedMediaType)
            #expect(try await imports.send("x", query: "mapping=other").problemSlug == "invalid-field")
            #expect(try await imports.send("x", query: "mapping=sus&edition=0").problemSlug == "invalid-field")
            for number in 0..<10 { _ = try await imports.upload([imports.line(number)]) }
            #expect(try await imports.send("x").problemSlug == "too-many-imports")
        }
    }

    // MARK: Forgetting

    @Test func bytesAreForgottenAfterAWeekAndAllOfItAfterThreeMonths() async throws {
        try await ImportLab.with { imports in
            // given
            let open = try await imports.upload([imports.line(0), imports.line(1, first: "8")])
            let deleted = try await imports.upload([imports.line(2)])
            let store = ImportStore(pool: imports.lab.service.pool)
            let path = "/v1/imports/\(deleted)"
            #expect(
                try await imports.lab.service.request(.delete, path, headers: imports.headers()).status == .noContent)
            // when
            imports.lab.service.clock.advance(by: .seconds(6 * 86_400))
            #expect(try await store.forget(now: imports.lab.service.clock.now(), limit: 10) == 0)
            imports.lab.service.clock.advance(by: .seconds(2 * 86_400))
            #expect(try await store.forget(now: imports.lab.service.clock.now(), limit: 10) == 1)
            // then
            #expect(try await imports.lab.count("import_chunks") == 0)
            let view = try await imports.view(open)
            #expect(view.state == "expired" && view.preview?.errorsCount == 1)
            #expect(try await imports.commit(open).problemSlug == "wrong-state")
            imports.lab.service.clock.advance(by: .seconds(90 * 86_400))
            #expect(try await store.forget(now: imports.lab.service.clock.now(), limit: 10) == 1)
            #expect(try await imports.lab.count("import_errors") == 0)
        }
    }

    // MARK: Errors for a spreadsheet

    @Test func errorsAreAFileOfTheirOwn() async throws {
        try await ImportLab.with { imports in
            let id = try await imports.upload([imports.line(0), imports.line(1, first: "a\"b")])
            let answer = try await imports.lab.service.request(
                .get, "/v1/imports/\(id)/errors?phase=preview", headers: imports.headers())
            #expect(answer.status == .ok && answer.text.hasPrefix("\u{FEFF}line;column;value;outcome;reason;"))
            let lines = answer.text.split(separator: "\r\n")
            #expect(lines.count == 2 && lines[1].hasPrefix(#"3;"Q1";"text";"refused";"invalid-field";"un nombre"#))
        }
    }
}

extension String {
    fileprivate var quoted: String { "\"\(self)\"" }
}
