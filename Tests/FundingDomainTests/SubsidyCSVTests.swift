import CofundingRules
import Foundation
import FundingDomain
import Testing

@Suite struct SubsidyFiles {
    private static let header = SubsidyField.header.joined(separator: ",") + "\n"

    @Test func theFileHasTheBytesOfTheFormat() throws {
        // given
        let record = try SubsidyControls.record {
            $0.object = "Animation, \"suivi\" et évaluation"
            $0.lines[0].natures = [.kind, .money]
            $0.lines[0].aidID = "12345"
            $0.lines[0].isDeMinimis = true
            $0.lines[0].cents = 2_200_080
            $0.grantedCents = 2_200_080
        }
        // then
        #expect(
            SubsidyCSV.text([record])
                == Self.header + "Caisse des dépôts et consignations,18002002600019,2026-03-02,TLE-2026-001,"
                + "Gérontopôle «Bien vieillir»,20003452800014,\"Animation, \"\"suivi\"\" et évaluation\",22000.80,"
                + "aide en numéraire;aide en nature,échelonné,2026-03-10/2028-12-31,12345,oui,1.0000000000\n")
        #expect(SubsidyCSV.text([]) == Self.header)
        #expect(SubsidyCSV.text([record]).utf8.first == UInt8(ascii: "n"))
        #expect(!SubsidyCSV.text([record]).utf8.contains(UInt8(ascii: "\r")))
    }

    @Test func paymentsAreWrittenAsTheFormatWantsThem() throws {
        let single = try SubsidyControls.record {
            $0.lines[0].conditions = .single
            $0.lines[0].period = PaymentPeriod(on: try SubsidyControls.day("2026-04-01"))
        }
        #expect(SubsidyCSV.text([single]).contains(",unique,2026-04-01,,non,"))
        let other = try SubsidyControls.record { $0.lines[0].conditions = .other("sur facture, à 30 jours") }
        #expect(SubsidyCSV.text([other]).contains(",\"sur facture, à 30 jours\",2026-03-10/2028-12-31,,non,"))
        #expect(try SubsidyCSV.records(of: Array(SubsidyCSV.text([other, single]).utf8)) == [other, single])
    }

    @Test func tenThousandRandomAgreementsAreReadBackAsTheyWereWritten() throws {
        var agreements = RandomAgreements(seed: 2026)
        var records: [SubsidyRecord] = []
        for _ in 0..<10_000 {
            // given
            let agreement = try agreements.next()
            // when
            let rows = agreement.rows(.beneficiarysPart)
            // then
            #expect(rows.allSatisfy { $0.faults.isEmpty })
            let own = rows.compactMap(\.record)
            #expect(own.reduce(0) { $0 + $1.amountCents } == agreement.grantedCents)
            #expect(own.reduce(0) { $0 + $1.share.value } <= SubsidyShare.whole)
            records += own
        }
        let bytes = Array(SubsidyCSV.text(records).utf8)
        let again = try SubsidyCSV.records(of: bytes)
        #expect(again == records)
        #expect(Array(SubsidyCSV.text(again).utf8) == bytes)
    }

    @Test(arguments: [
        "=1+1", "+33 1", "-2", "@SUM(A1)", "=HYPERLINK(\"http://x\")", "＝1", "＋1", "－1", "＠x", "=\u{301}1", "\"=1\"",
        "'=1", "\" =1", "Lot A;=1+1", "Lot A; \"-2\"", "a;b;@c", ";+1", "Lot; '=1",
    ])
    func aTextThatASpreadsheetWouldRunIsRefusedAndNotChanged(_ text: String) throws {
        let whole = try SubsidyControls.row(of: SubsidyControls.agreement()).draft
        let places: [(SubsidyField, (inout SubsidyDraft) -> Void)] = [
            (.funderName, { $0.funderName = text }), (.reference, { $0.reference = text }),
            (.beneficiaryName, { $0.beneficiaryName = text }), (.object, { $0.object = text }),
            (.conditions, { $0.conditions = .other(text) }),
        ]
        for (field, put) in places {
            var draft = whole
            put(&draft)
            #expect(draft.faults.map(\.field) == [field])
            #expect(draft.faults.first?.mend.contains("spreadsheet") == true)
            #expect(SubsidyRecord(draft) == nil)
        }
    }

    @Test(arguments: [
        "A=1", "SAS +Simple", "«@Santé»", "Lot 1; lot 2", "Saint-Étienne", "a - b", "R&D;", "50 %", "100", ";", "\"",
        "l'=x",
    ])
    func aHarmlessTextIsWrittenAsItIs(_ text: String) throws {
        let record = try SubsidyControls.record { $0.object = text }
        #expect(record.object == text)
        #expect(try SubsidyCSV.records(of: Array(SubsidyCSV.text([record]).utf8)).map(\.object) == [text])
    }

    @Test func onlyItsOwnBytesAreReadBack() throws {
        let text = SubsidyCSV.text([try SubsidyControls.record()])
        func problem(_ text: String) -> CSVError? { problem(of: Array(text.utf8)) }
        func problem(of bytes: [UInt8]) -> CSVError? {
            #expect(throws: CSVError.self) { try SubsidyCSV.records(of: bytes) }
        }
        let header = String(Self.header.dropLast())
        #expect(problem("") == CSVError(line: 1, problem: .header(expected: header)))
        #expect(problem("\u{FEFF}" + text) == CSVError(line: 1, problem: .byteOrderMark))
        #expect(problem(text.replacing("montant", with: "Montant"))?.problem == .header(expected: header))
        #expect(problem(text.replacing("\n", with: "\r\n")) == CSVError(line: 1, problem: .lineEnd))
        #expect(problem(String(text.dropLast())) == CSVError(line: 2, problem: .lineEnd))
        #expect(problem(text + "\n") == CSVError(line: 3, problem: .columns(expected: 14, found: 1)))
        #expect(problem(text + "a,b\n") == CSVError(line: 3, problem: .columns(expected: 14, found: 2)))
        #expect(problem(text.replacing("TLE-", with: "T\"LE-")) == CSVError(line: 2, problem: .strayQuote))
        #expect(problem(text.replacing("TLE-2026-001", with: "\"TLE\"x")) == CSVError(line: 2, problem: .strayQuote))
        #expect(problem(text.replacing("TLE-2026-001", with: "\"TLE")) == CSVError(line: 2, problem: .unclosedQuote))
        #expect(problem(text.replacing("TLE-2026-001", with: "\"TLE\"")) == CSVError(line: 0, problem: .notAsWritten))
        #expect(problem(of: Array(text.utf8) + [0xFF, 0x0A]) == CSVError(line: 0, problem: .notUTF8))
        let cut = Array(text.utf8.prefix { $0 != UInt8(ascii: "\n") }) + Array("\nx,".utf8)
        #expect(problem(of: cut) == CSVError(line: 2, problem: .lineEnd))
    }

    @Test(arguments: [
        ("18002002600019", "18002002600018", "idAttribuant"), ("2026-03-02", "2026-02-30", "dateConvention"),
        ("2026-03-02", "02/03/2026", "dateConvention"), ("TLE-2026-001", "", "referenceDecision"),
        ("TLE-2026-001", "=1", "referenceDecision"), ("300000.00", "300000", "montant"),
        ("300000.00", "0300000.00", "montant"), ("300000.00", "-1.00", "montant"), ("300000.00", "3e5.00", "montant"),
        ("300000.00", "92233720368547758070.00", "montant"), ("300000.00", "0.00", "montant"),
        ("aide en numéraire", "aide", "nature"), ("aide en numéraire", "aide en nature;aide en numéraire", "nature"),
        ("aide en numéraire", "aide en nature;", "nature"),
        ("échelonné", "e\u{301}chelonne\u{301}", "conditionsVersement"),
        ("échelonné", "", "conditionsVersement"),
        ("2026-03-10/2028-12-31", "2026-03-10_2028-12-31", "datesPeriodeVersement"),
        ("2026-03-10/2028-12-31", "2026-03-10", "datesPeriodeVersement"),
        ("2026-03-10/2028-12-31", "2026-03-10/2026-03-10", "datesPeriodeVersement"),
        ("2026-03-10/2028-12-31", "2028-12-31/2026-03-10", "datesPeriodeVersement"),
        (",non,", ",Non,", "notificationUE"),
        ("1.0000000000", "1", "pourcentageSubvention"), ("1.0000000000", "1.0000000001", "pourcentageSubvention"),
        ("1.0000000000", "100", "pourcentageSubvention"), (",,non", ",123456,non", "idRAE"),
    ])
    func aValueInAnotherFormIsNamedWithItsColumn(value: String, other: String, column: String) throws {
        let text = SubsidyCSV.text([try SubsidyControls.record()])
        let changed = text.replacing(value, with: other, maxReplacements: 1)
        try #require(changed.utf8.elementsEqual(text.utf8) == false)
        let error = #expect(throws: CSVError.self) { try SubsidyCSV.records(of: Array(changed.utf8)) }
        #expect(error?.line == 2)
        guard case .value(let named, let mend) = error?.problem else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == column)
        #expect(!mend.isEmpty)
    }

    /// Python reads the same file by itself: Tests/SystemTests/test_subsidies.py. MAILLAGE_WRITE_SUBSIDIES=1 writes it.
    @Test func theFileThatPythonReadsIsWhatIsWrittenHere() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Resources/subsidies/subsidies-2026.csv")
        var agreements = RandomAgreements(seed: 42)
        var records: [SubsidyRecord] = []
        for _ in 0..<60 { records += try agreements.next().rows(.beneficiarysPart).compactMap(\.record) }
        let text = SubsidyCSV.text(records)
        if ProcessInfo.processInfo.environment["MAILLAGE_WRITE_SUBSIDIES"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try Data(contentsOf: file) == Data(text.utf8))
    }
}
