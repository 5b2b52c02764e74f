import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Outbox
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Files of answers become events")
struct ImportTests {
    private static let nasty = "\"dit \"\"bien\"\";\r\nsur deux lignes, et rappelez le 06 12 34 56 78\""

    /// Lines 2 to 11; the seventh has two physical lines.
    private func mixed(_ lab: ImportLab) -> [String] {
        [
            lab.line(0), lab.line(0), lab.line(0, first: "5"), lab.line(1, finess: "690781810"),
            lab.line(2, date: "31/02/2026"), lab.line(3, comment: Self.nasty), lab.line(4, first: "6"),
            lab.line(999), lab.line(5, date: "01/03/2026"), "", lab.line(6, first: "NA"), lab.line(7) + ";zu;viel",
        ]
    }

    @Test func aPreviewCountsNothingAndTheCommitDoesWhatItSaid() async throws {
        try await ImportLab.with { imports in
            // given
            try await imports.lab.settle(imports.lab.event("of another door", participant: 50))
            let before = try await imports.lab.fingerprint()
            // when
            let id = try await imports.upload(mixed(imports))
            // then
            let preview = try #require(try await imports.view(id).preview)
            #expect(preview.tally == .init(lines: 11, accepted: 3, duplicate: 1, waiting: 1, refused: 6))
            #expect(
                preview.refusedByReason == [
                    "already-answered": 1, "unknown-establishment": 1, "invalid-field": 1, "level-out-of-range": 1,
                    "before-start": 1, "malformed-line": 1,
                ])
            let told = preview.errors.map { "\($0.line) \($0.column ?? "-") \($0.value ?? "-") \($0.reason)" }
            #expect(
                told == [
                    "4 CODE text already-answered", "5 FINESS whole-number unknown-establishment",
                    "6 DATE date invalid-field", "9 Q1 whole-number level-out-of-range", "11 DATE date before-start",
                    "14 - - malformed-line",
                ])
            #expect(try await imports.lab.fingerprint() == before)
            #expect(try await imports.lab.count("import_seen") == 0)
            // when
            let committed = try await imports.commitWhole(id)
            // then
            let commit = try #require(committed.commit)
            #expect(committed.state == "committed" && committed.bytesDone == committed.byteCount)
            #expect(commit.tally == preview.tally && commit.refusedByReason == preview.refusedByReason)
            #expect(commit.errors == preview.errors)
            #expect(try await imports.lab.count("responses") == 1 + 3)
            #expect(try await imports.lab.count("waiting") == 1)
            #expect(try await imports.lab.count("import_chunks") == 0)
            #expect(try await imports.lab.receipts().count == 1 + 11)
            let comments = try await imports.lab.service.pool.query(
                "select comment, masked_count from response_values where comment is not null")
            #expect(
                try comments.first?.get("comment") == "dit \"bien\";\r\nsur deux lignes, et rappelez le [masqué]")
        }
    }

    @Test func theSameFileTwiceChangesNothingWhateverItLooksLike() async throws {
        try await ImportLab.with { imports in
            // given
            let lines = mixed(imports).filter { !$0.hasSuffix("viel") && !$0.contains(Self.nasty) }
            _ = try await imports.commitWhole(try await imports.upload(lines))
            let before = try await imports.lab.fingerprint()
            // when: in another order, with another separator, under another version of the mapping
            let document = imports.mapping.replacing(#""missing""#, with: #""about":"zwei","missing""#)
            #expect(try await imports.publish(document).status == .created)
            let other = ([ImportLab.header] + [lines[0], lines[1], lines[3], lines[2], lines[6]] + lines[7...])
                .joined(separator: "\n").replacing(";", with: "\t")
            let id = try await imports.send(other).decode(ImportLab.Begun.self).id
            let again = try await imports.commitWhole(id)
            // then
            #expect(again.mappingVersion == 2)
            let tally = try #require(again.commit?.tally)
            // Refused lines are named by their bytes, in which the separator stands.
            #expect(tally.accepted == 0 && tally.duplicate + tally.refused == tally.lines)
            let after = try await imports.lab.fingerprint()
            #expect(Self.counted(before) == Self.counted(after))
            // when: exactly the same
            let last = try await imports.commitWhole(try await imports.upload(lines))
            // then
            #expect(last.commit?.tally.duplicate == last.commit?.tally.lines)
            #expect(last.preview?.tally == last.commit?.tally)
            #expect(try await imports.lab.fingerprint() == after)
            #expect(last.commit?.errors.contains { $0.outcome == "duplicate" } ?? false)
        }
    }

    private static func counted(_ fingerprint: [String]) -> [String] {
        fingerprint.filter { !$0.hasPrefix("identities") && !$0.hasPrefix("quarantine") }
    }

    @Test func aLineThatWasMendedIsAnotherEvent() async throws {
        try await ImportLab.with { imports in
            // given
            let first = try await imports.commitWhole(
                try await imports.upload([imports.line(0, first: "7"), imports.line(1)]))
            #expect(first.commit?.refusedByReason == ["level-out-of-range": 1])
            // when
            let mended = try await imports.commitWhole(
                try await imports.upload([imports.line(0, first: "3"), imports.line(1, first: "1")]))
            // then
            #expect(mended.commit?.tally.accepted == 1)
            #expect(mended.commit?.refusedByReason == ["already-answered": 1])
            #expect(try await imports.lab.count("responses") == 2)
        }
    }

    @Test func aHigherEditionHasLinesJudgedAgainThatWereRefused() async throws {
        try await ImportLab.with { imports in
            // given
            let pool = imports.lab.service.pool
            let publisher = IntakeLab.publisher
            let nothing = [UUID()]
            try await pool.query("update publishers set experiments = \(nothing) where publisher = \(publisher)")
            let lines = [imports.line(0), imports.line(1)]
            let refused = try await imports.commitWhole(try await imports.upload(lines))
            #expect(refused.commit?.refusedByReason == ["experiment-not-allowed": 2])
            try await pool.query("update publishers set experiments = null where publisher = \(publisher)")
            // when
            let same = try await imports.commitWhole(try await imports.upload(lines))
            let again = try await imports.commitWhole(
                try await imports.upload(lines, query: "mapping=sus&edition=2"))
            // then
            #expect(same.commit?.tally.duplicate == 2 && same.commit?.errors.count == 2)
            #expect(again.commit?.tally.accepted == 2)
        }
    }

    // MARK: Whoever dies

    @Test(arguments: [1, 3, 7]) func replicasTogetherTakeEveryLineOnce(count: Int) async throws {
        try await ImportLab.with { imports in
            // given
            let lines = (0..<60).map { imports.line($0, first: $0 % 7 == 0 ? "9" : "4") }
            let id = try await imports.upload(lines + lines.prefix(5))
            #expect(try await imports.commit(id).status == .accepted)
            // when
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let stepper = imports.stepper(count)
                        try await imports.lab.eventually("it is committed", within: .seconds(120)) {
                            _ = try await stepper.advance()
                            return try await imports.view(id).state == "committed"
                        }
                    }
                }
                try await group.waitForAll()
            }
            // then
            let view = try await imports.view(id)
            #expect(view.commit?.tally == view.preview?.tally)
            #expect(view.commit?.tally.accepted == 51 && view.commit?.tally.lines == 65)
            #expect(try await imports.lab.receipts().count == 65)
            #expect(try await imports.lab.count("responses") == 51)
        }
    }

    @Test func aStepThatFailsLeavesNothingAndTheNextOneGoesOn() async throws {
        try await ImportLab.with { imports in
            // given
            let id = try await imports.upload((0..<20).map { imports.line($0) })
            #expect(try await imports.commit(id).status == .accepted)
            #expect(try await imports.stepper(5).advance())
            let pool = imports.lab.service.pool
            try await pool.query("alter table import_ranges rename to import_ranges_away")
            // when
            await #expect(throws: PostgresError.self) { try await imports.stepper(5).advance() }
            try await pool.query("alter table import_ranges_away rename to import_ranges")
            // then
            #expect(try await imports.lab.count("responses") == 5)
            while try await imports.stepper(5).advance() {}
            let view = try await imports.view(id)
            #expect(view.commit?.tally == view.preview?.tally)
            #expect(view.commit?.ranges.map(\.firstLine) == [2, 7, 12, 17])
        }
    }

    @Test func aLineThatMakesTheDatabaseFailIsRefusedAlone() async throws {
        try await ImportLab.with { imports in
            try await imports.lab.poisonTheDatabase()
            let id = try await imports.upload(
                (0..<9).map { imports.line($0, comment: $0 == 4 ? "poison" : "") })
            let view = try await imports.commitWhole(id)
            #expect(view.commit?.tally.accepted == 8)
            #expect(view.commit?.refusedByReason == ["internal-error": 1])
            #expect(view.commit?.errors.map(\.line) == [6])
        }
    }

    @Test func aLineThatEndsTheProcessIsFoundByHalvingAndRefusedAlone() async throws {
        try await ImportLab.with { imports in
            // given: whoever looks at the line of participant 10 dies with it
            let killer = 12
            let id = try await imports.upload((0..<20).map { imports.line($0) })
            #expect(try await imports.commit(id).status == .accepted)
            var deathCount = 0
            // when
            while true {
                let rows = try await imports.lab.service.pool.query("select state, next_line, attempts from imports")
                guard try rows[0].get("state", as: String.self) == "committing" else { break }
                let attempts = Int(try rows[0].get("attempts", as: Int32.self))
                let next = Int(try rows[0].get("next_line", as: Int32.self))
                let step = next..<next + max(1, 8 >> attempts)
                if attempts < 12, step.contains(killer) {
                    try await imports.lab.service.pool.query("update imports set attempts = attempts + 1")
                    deathCount += 1
                    try #require(deathCount < 50)
                } else {
                    #expect(try await imports.stepper(8).advance())
                }
            }
            // then
            let commit = try #require(try await imports.view(id).commit)
            #expect(commit.tally == .init(lines: 20, accepted: 19, duplicate: 0, waiting: 0, refused: 1))
            #expect(commit.errors.map { "\($0.line) \($0.reason)" } == ["12 internal-error"])
            #expect(try await imports.lab.scores()["P010"] == nil)
        }
    }

    @Test func ofALineThatCannotBeReadEveryCellIsKeptMaskedByItself() async throws {
        try await ImportLab.with { imports in
            // given: numbers behind a comma
            let id = try await imports.upload([
                imports.line(0) + ";a,0612345678;x", imports.line(1, comment: "bat A,06 12 34 56 78") + ";trop",
            ])
            // when
            _ = try await imports.commitWhole(id)
            // then
            let rows = try await imports.lab.service.pool.query("select body from quarantine order by position")
            let kept = try rows.map { String(decoding: try $0.get("body", as: [UInt8].self), as: UTF8.self) }
            #expect(kept.count == 2)
            #expect(kept.allSatisfy { $0.contains("[masqué]") && !$0.contains("56") })

            // given: spaces that do not break, as another charset writes them
            let mapping = try WireCoding.decode(ImportMapping.self, from: Array(imports.mapping.utf8))
            let header = ImportLab.header.split(separator: ";").map(String.init)
            var bytes = Array(imports.line(2, comment: "le \"06").utf8)
            for pair in ["12", "34", "56", "78\" soir"] { bytes += [0xA0] + Array(pair.utf8) }
            var reader = CSVReader(separator: UInt8(ascii: ";"))
            reader.append(bytes)
            reader.finish()
            let record = try #require(try reader.next())
            // when
            let line = ImportSheet(mapping, header: header, charset: .utf8).read(record)
            // then
            #expect(line.faults.map(\.valueClass) == [.undecodable])
            let text = String(decoding: line.kept, as: UTF8.self)
            #expect(text.hasSuffix("\"le \"\"[masqué]\"\" soir\""))

            // given: the charset's own spaces, in a cell that was cut within a character
            let cut = imports.line(2, comment: "le 06\u{A0}12\u{A0}34\u{A0}56\u{A0}78, c'est un caf")
            reader = CSVReader(separator: UInt8(ascii: ";"))
            reader.append(Array(cut.utf8) + [0xC3])
            reader.finish()
            // when
            let second = ImportSheet(mapping, header: header, charset: .utf8).read(try #require(try reader.next()))
            // then
            #expect(String(decoding: second.kept, as: UTF8.self).hasSuffix("\"[masqué]\""))
        }
    }

    // MARK: Items by name, through every door

    @Test func anEventMayNameItsItemsAndTheVersionItMeans() async throws {
        try await IntakeLab.with { lab in
            // given
            let items = (1...10).reversed().map { #""sus-\#($0)":\#($0 % 2 == 1 ? 4 : 2)"# }.joined(separator: ",")
            func message(_ id: String, _ data: String, participant: Int) -> InboundMessage {
                let body = String(decoding: lab.event(id, participant: participant).body, as: UTF8.self)
                return lab.message(Array(body.replacing(#""answers":[4,2,4,2,4,2,4,2,4,2]"#, with: data).utf8))
            }
            // when
            let version = #""instrumentVersion":"F-SUS-2021""#
            _ = try await lab.intake.settle([
                message("a", "\"items\":{\(items)},\(version)", participant: 0),
                message("b", "\"items\":{\(items)},\"instrumentVersion\":\"1996\"", participant: 1),
                message("c", "\"items\":{\"sus-99\":1}", participant: 2),
                message("d", "\"items\":{\(items)},\"answers\":[]", participant: 3),
                message("e", "\"answers\":[],\(version)", participant: 4),
                message("f", "\"items\":{\"sus-1\":4,\"sus-1\":5}", participant: 5),
                message("g", "\"items\":{\(items)},\"comment\":\"06 12 34 56 78\"", participant: 6),
            ])
            try await lab.settle(lab.event("h", participant: 7))
            // then
            let scores = try await lab.scores()
            #expect(scores.keys.sorted() == ["P000", "P006", "P007"] && scores["P000"] == scores["P007"])
            var told: [String: String] = [:]
            for id in ["b", "c", "d", "e", "f"] {
                let receipt = try await lab.receipt(of: id)
                told[id] = "\(receipt.reason ?? "") \(receipt.field ?? "")"
            }
            #expect(
                told == [
                    "b": "not-in-protocol /data/instrumentVersion", "c": "invalid-field /data/items/sus-99",
                    "d": "invalid-field /data/items", "e": "invalid-field /data/instrumentVersion",
                    "f": "invalid-field /data/items",
                ])
            let comments = try await lab.service.pool.query(
                "select comment from response_values where comment is not null")
            #expect(try comments.map { try $0.get("comment", as: String.self) } == ["[masqué]"])
        }
    }
}
