import Testing

import struct FoundationEssentials.UUID

@testable import ExperimentationDomain

struct SiteTests {
    @Test func aPlannedSiteOpensOnce() throws {
        var site = try Controls.site(open: false)
        #expect(site.state == .planned && site.version == 1)
        try site.open(addressCommune: "Nancy", at: Controls.now)
        #expect(site.state == .open && site.version == 2 && site.openedAt == Controls.now)
        let opened = site
        #expect(refusal { try site.open(addressCommune: nil, at: Controls.now) }?.slug == "site-already-open")
        #expect(site == opened)
    }

    @Test(arguments: ["", "  ", "a\nb", String(repeating: "x", count: 101)])
    func aCommuneIsOneLine(_ commune: String) throws {
        var site = try Controls.site(open: false)
        let explanation = refusal { try site.open(addressCommune: commune, at: Controls.now) }
        #expect(explanation?.field == "/addressCommune" && site.state == .planned)
    }
}
