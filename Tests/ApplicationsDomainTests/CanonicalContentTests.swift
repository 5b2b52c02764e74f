import Testing

import struct FoundationEssentials.UUID

@testable import ApplicationsDomain

struct CanonicalContentTests {
    private static let application = UUID(uuidString: "01920000-0000-7000-8000-0000000000AB") ?? UUID()
    private static let call = UUID(uuidString: "01920000-0000-7000-8000-000000000001") ?? UUID()

    private func text(_ content: ApplicationContent) -> String {
        String(
            decoding: CanonicalContent.bytes(content, application: Self.application, call: Self.call), as: UTF8.self)
    }

    /// Receipts are kept for years: this text never changes under one schema name.
    @Test func aDepositHasTheseBytes() {
        #expect(
            text(Controls.content())
                == #"{"animationBudgetCents":150000000,"application":"01920000-0000-7000-8000-0000000000ab","#
                + #""call":"01920000-0000-7000-8000-000000000001","#
                + #""experiments":[{"budgetCents":60000000,"title":"Télésuivi"}],"#
                + #""lead":{"name":"CHU","sector":"sanitaire","siren":"200034528","#
                + #""structureType":"etablissement_sante_public"},"#
                + #""partners":[{"name":"Solutions SAS","siren":"100000009","#
                + #""structureType":"entreprise_fournisseur"}],"#
                + #""requestedCents":75000000,"schema":"maillage/application-content/1","#
                + #""title":"Maison de la santé numérique"}"#)
    }

    @Test func anEmptyDraftHasBytesToo() {
        #expect(
            text(ApplicationContent())
                == #"{"application":"01920000-0000-7000-8000-0000000000ab","#
                + #""call":"01920000-0000-7000-8000-000000000001","experiments":[],"partners":[],"#
                + #""schema":"maillage/application-content/1"}"#)
    }

    @Test func charactersAreEscapedInTheShortestForm() {
        let content = ApplicationContent(title: "a\"b\\c\n\t\r\u{8}\u{C}\u{1F}/é")
        #expect(text(content).hasSuffix(#""title":"a\"b\\c\n\t\r\b\f\u001f/é"}"#))
    }

    @Test func theContactIsNoPartOfIt() {
        var other = Controls.content()
        other.contact = .init(name: "Autre", email: "autre@chu.example")
        #expect(text(other) == text(Controls.content()))
    }

    @Test func everyOtherChangeChangesTheBytes() {
        let changes: [(inout ApplicationContent) -> Void] = [
            { $0.title = "Autre" }, { $0.lead?.siren = "1" }, { $0.lead?.sector = .city }, { $0.partners = [] },
            { $0.requestedCents = 1 }, { $0.animationBudgetCents = nil }, { $0.experiments[0].budgetCents = 1 },
            { $0.partners[0].name = nil }, { $0.lead?.structureType = .medicoSocial },
        ]
        let texts = changes.map { change in
            var content = Controls.content()
            change(&content)
            return text(content)
        }
        #expect(Set(texts + [text(Controls.content())]).count == changes.count + 1)
    }
}
