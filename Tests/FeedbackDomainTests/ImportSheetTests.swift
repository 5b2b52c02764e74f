import Foundation
import Testing

@testable import FeedbackDomain

@Suite("Files of answers")
struct ImportSheetTests {
    private static let experiments = (0..<3).map { _ in UUID() }
    private static let header = ["FINESS", "CODE", "DATE", "Q1", "Q2", "REMARQUE"]
    private static let line = ["750712184", "P001", "21/11/2026", "4", "Très bien", "rien"]

    private func mapping(_ change: (inout ImportMapping) -> Void = { _ in }) -> ImportMapping {
        var mapping = ImportMapping(
            participant: .init(column: "CODE"), occasion: .init(value: "M3"), instrument: .init(value: "SATIS"),
            answeredAt: .init(column: "DATE", format: .frenchDay),
            items: [
                .init(column: "Q1", linkId: "q1"), .init(column: "Q2", linkId: "q2", values: ["Très bien": "5"]),
            ])
        mapping.finess = "FINESS"
        mapping.establishments = [
            .init(finess: "750712184", experiments: [Self.experiments[0].uuidString]),
            .init(finess: "690781810", experiments: [Self.experiments[1].uuidString]),
        ]
        mapping.missing = ["NA"]
        mapping.comment = "REMARQUE"
        change(&mapping)
        return mapping
    }

    private func read(
        _ cells: [String], _ mapping: ImportMapping? = nil, header: [String] = header
    ) throws -> ImportLine {
        var reader = CSVReader(separator: UInt8(ascii: ";"))
        reader.append(Array(cells.map { "\"\($0)\"" }.joined(separator: ";").utf8))
        reader.finish()
        return ImportSheet(mapping ?? self.mapping(), header: header, charset: .utf8)
            .read(try #require(try reader.next()))
    }

    private func changed(_ column: String, to cell: String) throws -> ImportLine {
        var cells = Self.line
        cells[try #require(Self.header.firstIndex(of: column))] = cell
        return try read(cells)
    }

    // MARK: Lines

    @Test func aLineBecomesAnAnswerByTheMapping() throws {
        let answer = try #require(try read(Self.line).answer)
        #expect(answer.experiment == Self.experiments[0] && answer.finess == "750712184")
        #expect(answer.participant == "P001" && answer.occasion == "M3" && answer.instrument == "SATIS")
        #expect(answer.levels == [.init(linkId: "q1", level: 4), .init(linkId: "q2", level: 5)])
        #expect(answer.comment == "rien")
        // Noon in Paris, in winter.
        #expect(answer.answeredAt == Date(timeIntervalSince1970: 1_795_258_800))
    }

    @Test(arguments: [
        ("FINESS", "75071218", "invalid-field", "whole-number"),
        ("FINESS", "590780193", "unknown-establishment", "whole-number"), ("CODE", "", "invalid-field", "empty"),
        ("CODE", "1 55 08 13 001 001 08", "forbidden-identifier", "identifier"),
        ("DATE", "31/02/2026", "invalid-field", "date"), ("DATE", "hier", "invalid-field", "text"),
        ("Q1", "4,5", "invalid-field", "decimal-number"), ("Q2", "Bien sûr", "invalid-field", "text"),
    ])
    func whatIsWrongIsToldByColumnAndKindAndNeverByValue(
        column: String, cell: String, reason: String, kind: String
    ) throws {
        let line = try changed(column, to: cell)
        let fault = try #require(line.faults.first)
        #expect(line.answer == nil && line.faults.count == 1)
        #expect(fault.refusal.reason.rawValue == reason && fault.column == column)
        #expect(fault.valueClass?.rawValue == kind)
        #expect(!fault.mend.french.isEmpty && !fault.mend.english.isEmpty)
        if !cell.isEmpty { #expect(!"\(fault)".contains(cell)) }
    }

    @Test func aLineTellsAllThatIsWrongWithItAtOnce() throws {
        let line = try read(["x", "", "y", "z", "5", ""])
        #expect(line.faults.map(\.column) == ["FINESS", "CODE", "DATE", "Q1"])
    }

    @Test func anItemThatWasLeftOutIsNoFault() throws {
        let answer = try #require(try read(["750712184", "P001", "21/11/2026", "NA", "", ""]).answer)
        #expect(answer.levels.isEmpty && answer.comment == nil)
    }

    @Test func fieldsTooFewAreAFaultAndEmptyOnesTooManyAreNot() throws {
        #expect(try read(Array(Self.line.dropLast())).faults.map(\.refusal.reason) == [.malformedLine])
        #expect(try read(Self.line + ["x"]).faults.map(\.refusal.reason) == [.malformedLine])
        #expect(try read(Self.line + ["", ""]).answer != nil)
    }

    @Test func anExperimentOfAnotherEstablishmentIsRefused() throws {
        let mapping = mapping { mapping in
            mapping.experiment = .init(column: "EXP")
            mapping.establishments?[0].experiments.append(Self.experiments[2].uuidString)
        }
        func line(_ experiment: UUID) throws -> ImportLine {
            try read(Self.line + [experiment.uuidString.lowercased()], mapping, header: Self.header + ["EXP"])
        }
        #expect(try line(Self.experiments[2]).answer?.experiment == Self.experiments[2])
        #expect(try line(Self.experiments[1]).faults.map(\.refusal.reason) == [.unknownEstablishment])
    }

    // MARK: Headings

    @Test(arguments: [";", ",", "\t"])
    func separatorAndMarkAreFoundByTheMappingsColumns(separator: String) throws {
        let text =
            "\u{FEFF}\n" + (Self.header + ["autre; chose, encore"].map { "\"\($0)\"" }).joined(separator: separator)
        let beginning = try ImportSheet.begin(
            Array((text + "\r\nrest").utf8), isWhole: false, charset: .windows1252, mapping())
        #expect(beginning.separator == separator.utf8.first && beginning.charset == .utf8)
        #expect(beginning.header.prefix(6) == Self.header[...] && beginning.place.line == 3)
        #expect(beginning.place.byte == text.utf8.count + 2)
    }

    @Test(arguments: [
        ("", "empty"), ("CODE;DATE;Q1;Q2;REMARQUE\n", "column-missing"),
        ("FINESS;CODE;DATE;Q1;Q2;Q1;REMARQUE\n", "column-repeated"), ("FINESS;\"CODE\n", "quote-not-closed"),
        ("750712184;P001;21/11/2026;4;5;rien\n", "column-missing"),
    ])
    func aFileWithOtherHeadingsIsRejectedAndNothingOfItIsTold(text: String, reason: String) {
        do throws(ImportRejection) {
            _ = try ImportSheet.begin(Array(text.utf8), isWhole: true, charset: .utf8, mapping())
            Issue.record("it was taken")
        } catch {
            #expect(error.reason.rawValue == reason)
            #expect(!"\(error)".contains("P001"))
        }
    }

    @Test func headingsInAnotherCharsetAreToldSo() {
        let latin = Array("FINESS;Pr".utf8) + [0xE9] + Array("nom\n".utf8)
        #expect(throws: ImportRejection.notText) {
            try ImportSheet.begin(latin, isWhole: true, charset: .utf8, mapping())
        }
    }

    // MARK: Refusals of the intake

    @Test(
        arguments: [
            ("/data/participant", "CODE"), ("/time", "DATE"), ("/data/items/q2", "Q2"), ("/data/answers/0", "Q1"),
            ("/data/comment", "REMARQUE"), ("/data/experiment", "FINESS"), ("/data/occasion", nil),
            ("/data/answers", nil), ("/data/answers/9", nil),
        ] as [(String, String?)])
    func aRefusalFindsItsColumn(field: String, column: String?) {
        let sheet = ImportSheet(mapping(), header: Self.header, charset: .utf8)
        #expect(sheet.column(of: Refusal(.invalidField, at: field, mend: ""), linkIds: ["q1", "q2"]) == column)
    }

    @Test(arguments: Refusal.Reason.allCases) func everyReasonHasAMendInFrench(reason: Refusal.Reason) {
        let words = ImportWords(Refusal(reason, mend: "mend"))
        #expect(words.english == "mend" && words.french.count > 10)
    }

    // MARK: Mappings

    @Test func aMappingThatSaysEverythingIsAllowed() throws { try mapping().check() }

    @Test func doubtfulNumbersAreNamed() {
        let mapping = mapping { $0.establishments?.append(.init(finess: "458174839", experiments: [])) }
        #expect(mapping.doubtfulEstablishments == ["458174839"])
    }

    struct Flawed: Sendable {
        let field: String
        let change: @Sendable (inout ImportMapping) -> Void

        init(_ field: String, _ change: @escaping @Sendable (inout ImportMapping) -> Void) {
            self.field = field
            self.change = change
        }
    }

    @Test(arguments: [
        Flawed("/participant/column") { $0.participant = .init(value: "P001") },
        Flawed("/participant") { $0.participant = .init(column: "A", value: "B") },
        Flawed("/occasion") { $0.occasion = .init() }, Flawed("/establishments") { $0.establishments = nil },
        Flawed("/finess") { $0.finess = nil },
        Flawed("/establishments/1/finess") { $0.establishments?[1].finess = "750712184" },
        Flawed("/establishments/0/finess") { $0.establishments?[0].finess = "75" },
        Flawed("/establishments/0/experiments") { $0.establishments?[0].experiments = [] },
        Flawed("/establishments/0/experiments/0") { $0.establishments?[0].experiments = ["x"] },
        Flawed("/experiment") { ($0.finess, $0.establishments) = (nil, nil) },
        Flawed("/answeredAt/hour") { $0.answeredAt.hour = "25:00" },
        Flawed("/items/1/linkId") { $0.items[1].linkId = "q1" },
        Flawed("/items/1/column") { $0.items[1].column = "Q1" },
        Flawed("/comment") { $0.comment = " x" }, Flawed("/items") { ($0.items, $0.comment) = ([], nil) },
    ])
    func aMappingThatMeansNothingIsToldWhere(flawed: Flawed) {
        do throws(ImportMappingFlaw) {
            try mapping(flawed.change).check()
            Issue.record("it was taken")
        } catch { #expect(error.field == flawed.field) }
    }

    // MARK: Times

    @Test(arguments: [
        ("2026-07-14", LocalTimeFormat.day, "2026-07-14T10:00:00Z"),
        ("14/07/2026 08:05", .frenchMinute, "2026-07-14T06:05:00Z"),
        ("2026-01-01 00:00:00", .second, "2025-12-31T23:00:00Z"),
        // The night in which the clocks skip an hour, and the one in which they show an hour twice.
        ("2026-03-29 01:59", .minute, "2026-03-29T00:59:00Z"), ("2026-03-29 03:00", .minute, "2026-03-29T01:00:00Z"),
        ("2026-10-25 02:30", .minute, "2026-10-25T00:30:00Z"), ("2026-10-25 03:00", .minute, "2026-10-25T02:00:00Z"),
        ("2024-02-29", .day, "2024-02-29T11:00:00Z"), ("2026-11-21T09:30:00Z", .instant, "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00.5+01:00", .instant, "2026-11-21T08:30:00.500Z"),
    ])
    func timesOfParisBecomeInstants(text: String, format: LocalTimeFormat, expected: String) throws {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: expected.contains("."))
        #expect(format.instant(text, secondOfDay: 43_200) == (try style.parse(expected)))
    }

    @Test(arguments: [
        ("2026-02-29", LocalTimeFormat.day), ("2026-13-01", .day), ("2026-1-01", .day), ("01/01/26", .frenchDay),
        ("2026-01-01 24:00", .minute), ("2026-01-01 10:60", .minute), ("2026-01-01T10:00:00", .instant),
        ("2026-01-01T10:00:00.Z", .instant), ("", .day), ("२०२६-०१-०१", .day),
    ])
    func whatIsNoTimeIsNone(text: String, format: LocalTimeFormat) {
        #expect(format.instant(text, secondOfDay: 0) == nil)
    }
}
