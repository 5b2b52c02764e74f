import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Feedback

/// A running experiment at a site of a known organisation, and somebody with a browser.
struct GiverLab {
    static let siren = "990000019"

    let lab: IntakeLab
    var service: ServiceHarness { lab.service }

    static func with(_ body: (GiverLab) async throws -> Void) async throws {
        try await IntakeLab.with { lab in
            let rows = try await lab.service.pool.query(
                "select site from experiments where experiment = \(lab.experiment)")
            let site: UUID = try rows[0].get("site")
            try await lab.service.deliver(
                SiteOpened(
                    site: site, agreement: UUID(), application: UUID(), call: UUID(), siren: siren,
                    openedAt: lab.start),
                subject: site.lowercase)
            try await body(GiverLab(lab: lab))
        }
    }

    struct Created: Decodable {
        let invitation: Listed
        let path: String
    }

    struct Listed: Decodable {
        let id: String
        let participant: String
        let state: String
    }

    func body(
        _ participant: Int = 0, instrument: String = "NPS", occasion: String = "M3", language: String? = nil,
        experiment: UUID? = nil, expiresAt: String? = nil
    ) -> String {
        var text = """
            {"experiment":"\((experiment ?? lab.experiment).lowercase)",\
            "participant":"\(IntakeLab.pseudonym(participant))","instrument":"\(instrument)","occasion":"\(occasion)"
            """
        if let language { text += ",\"language\":\"\(language)\"" }
        if let expiresAt { text += ",\"expiresAt\":\"\(expiresAt)\"" }
        return text + "}"
    }

    func post(
        _ path: String, _ json: String? = nil, organisation: String? = siren, headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await service.request(
            .post, path, as: [.siteManager], organisation: organisation, json: json, headers: headers)
    }

    func list() async throws -> [Listed] {
        struct Page: Decodable { let items: [Listed] }
        return try await service.request(
            .get, "/v1/invitations?experiment=\(lab.experiment.lowercase)", as: [.siteManager],
            organisation: Self.siren
        ).decode(Page.self).items
    }

    /// A link, as the site gives it to somebody.
    func link(_ participant: Int = 0, instrument: String = "NPS", language: String? = "fr") async throws -> String {
        let answer = try await post("/v1/invitations", body(participant, instrument: instrument, language: language))
        #expect(answer.status == .created, "\(answer.text)")
        return try answer.decode(Created.self).path
    }

    func get(_ path: String, headers: HTTPFields = [:]) async throws -> TestAnswer {
        try await service.request(.get, path, headers: headers)
    }

    /// Sends a form as a browser does.
    func submit(
        _ path: String, _ fields: [(String, String)], headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        let body = fields.map { "\(Self.encoded($0))=\(Self.encoded($1))" }.joined(separator: "&")
        return try await service.request(.post, path, json: body, headers: headers)
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    /// The secret of the form that a page shows.
    func secret(in page: TestAnswer) throws -> String {
        let found = try #require(page.text.firstMatch(of: /name="form" value="([0-9a-z]{26})"/))
        return String(found.1)
    }

    /// Answers NPS through a fresh link, to the receipt code.
    func answered(_ participant: Int = 0, level: Int = 9, comment: String = "") async throws -> String {
        let path = try await link(participant)
        let secret = try secret(in: await get(path))
        let sent = try await submit(
            path, [("form", secret), ("a0", "\(level)"), ("comment", comment), ("action", "send")])
        #expect(sent.status == .seeOther, "\(sent.text)")
        return try code(in: await get(try #require(sent.headers[.location])))
    }

    func code(in page: TestAnswer) throws -> String {
        String(try #require(page.text.firstMatch(of: /class="code">([a-z0-9-]+)</)).1)
    }

    /// What counts of one instrument, with comments.
    func responses() async throws -> [(state: String, version: Int, score: Int, comment: String?)] {
        try await service.pool.query(
            """
            select r.state, r.version, v.score, v.comment from responses as r
            left join response_values as v on v.response = r.response and v.version = r.version
            order by r.participant
            """
        ).map { row in
            (
                try row.get("state"), Int(try row.get("version", as: Int32.self)),
                Int(try row.get("score", as: Int32?.self) ?? -1), try row.get("comment")
            )
        }
    }
}
