import CofundingRules
import FundingDomain
import Identifiers
import Testing

@Suite struct DeMinimisRegisters {
    private static func grant(_ change: (inout DeMinimisGrant) -> Void = { _ in }) throws -> DeMinimisGrant {
        var grant = DeMinimisGrant(
            beneficiary: try #require(SIREN("200034528")), undertaking: [try #require(SIREN("180020026"))],
            grantedOn: try SubsidyControls.day("2026-03-02"), cents: 12_345_678, kind: .general,
            legalBasis: "règlement (UE) 2023/2831", authority: "Caisse des dépôts et consignations",
            reference: "TLE-2026-001")
        change(&grant)
        return grant
    }

    private static func room(
        on day: String = "2026-03-02", isSGEI: Bool = false, had cents: Int64 = 10_000_000
    ) throws -> DeMinimisRoom {
        let previous = DeMinimisAid(grantedOn: try SubsidyControls.day("2025-01-01"), cents: cents, siren: "180020026")
        return try StateAidRules.gber2014.deMinimisRoom(
            on: SubsidyControls.day(day),
            DeMinimisDeclaration(previous: [previous], fiscalYearStart: .january, isSGEI: isSGEI))
    }

    @Test func anEntryHasTheRoomThatTheAidLeft() throws {
        // given: 300,000 euros, 100,000 of them used
        let entry = try DeMinimisEntry(Self.grant(), room: Self.room())
        // then
        #expect(entry.roomLeftCents == 20_000_000 - 12_345_678)
        #expect(
            DeMinimisRegisterCSV.text([entry])
                == "sirenBeneficiaire,sirensEntrepriseUnique,dateOctroi,montant,categorie,baseJuridique,autoriteOctroi,"
                + "referenceOctroi,plafondRestant\n200034528,180020026;200034528,2026-03-02,123456.78,général,"
                + "règlement (UE) 2023/2831,Caisse des dépôts et consignations,TLE-2026-001,76543.22\n")
        let exact = try DeMinimisEntry(Self.grant { $0.cents = 20_000_000 }, room: Self.room())
        #expect(exact.roomLeftCents == 0)
        #expect(
            DeMinimisRegisterCSV.text([exact]).hasSuffix(
                ",200000.00,général,règlement (UE) 2023/2831,"
                    + "Caisse des dépôts et consignations,TLE-2026-001,0.00\n"))
    }

    @Test func aidAboveTheRoomOrFromAnotherDayOrKindIsNoEntry() throws {
        func field(_ grant: DeMinimisGrant, _ room: DeMinimisRoom) -> String? {
            #expect(throws: FundingError.self) { try DeMinimisEntry(grant, room: room) }?.field
        }
        #expect(field(try Self.grant { $0.cents = 20_000_001 }, try Self.room()) == "/amountCents")
        #expect(field(try Self.grant { $0.cents = 0 }, try Self.room()) == "/amountCents")
        #expect(field(try Self.grant { $0.cents = -1 }, try Self.room()) == "/amountCents")
        #expect(field(try Self.grant(), try Self.room(on: "2026-03-03")) == "/grantedOn")
        #expect(field(try Self.grant(), try Self.room(isSGEI: true)) == "/kind")
        #expect(field(try Self.grant { $0.legalBasis = "" }, try Self.room()) == "/legalBasis")
        #expect(field(try Self.grant { $0.authority = "=cmd" }, try Self.room()) == "/authority")
        #expect(field(try Self.grant { $0.reference = "a\nb" }, try Self.room()) == "/reference")
        let negative = #expect(throws: FundingError.self) { try DeMinimisEntry(Self.grant(), roomLeftCents: -1) }
        #expect(negative?.field == "/roomLeftCents")
    }

    @Test func aServiceOfGeneralInterestCountsAgainstItsOwnCeiling() throws {
        let entry = try DeMinimisEntry(Self.grant { $0.kind = .sgei }, room: Self.room(isSGEI: true))
        #expect(entry.roomLeftCents == 65_000_000 - 12_345_678)
        #expect(DeMinimisRegisterCSV.text([entry]).contains(",SIEG,"))
    }

    @Test func thousandsOfEntriesAreReadBackAsTheyWereWritten() throws {
        var random = SeededGenerator(seed: 3)
        var values = RandomAgreements(seed: 4)
        var entries: [DeMinimisEntry] = []
        for _ in 0..<5_000 {
            let members = try (0..<Int.random(in: 1...4, using: &random)).map { _ in
                try #require(SIREN(values.siren()))
            }
            let grant = DeMinimisGrant(
                beneficiary: members[0], undertaking: Set(members.dropFirst()), grantedOn: try values.day(),
                cents: Int64.random(in: 1...75_000_000, using: &random),
                kind: Bool.random(using: &random) ? .general : .sgei, legalBasis: values.text(),
                authority: values.text(), reference: values.text())
            entries.append(
                try DeMinimisEntry(grant, roomLeftCents: Int64.random(in: 0...75_000_000, using: &random)))
        }
        let bytes = Array(DeMinimisRegisterCSV.text(entries).utf8)
        #expect(try DeMinimisRegisterCSV.entries(of: bytes) == entries)
    }

    @Test(arguments: [
        ("\n200034528", "\n200034582", "sirenBeneficiaire"),
        (
            "180020026;200034528", "200034528;180020026",
            "sirensEntrepriseUnique"
        ),
        ("180020026;200034528", "180020026", "sirensEntrepriseUnique"),
        ("180020026;200034528", "180020026;", "sirensEntrepriseUnique"), ("2026-03-02", "2026-3-2", "dateOctroi"),
        ("123456.78", "123456.780", "montant"), ("général", "general", "categorie"),
        ("76543.22", ".22", "plafondRestant"),
    ])
    func aValueInAnotherFormIsNamedWithItsColumn(value: String, other: String, column: String) throws {
        let text = DeMinimisRegisterCSV.text([try DeMinimisEntry(Self.grant(), room: Self.room())])
        let changed = text.replacing(value, with: other, maxReplacements: 1)
        try #require(changed != text)
        let error = #expect(throws: CSVError.self) { try DeMinimisRegisterCSV.entries(of: Array(changed.utf8)) }
        guard case .value(let named, _) = error?.problem else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == column)
    }
}
