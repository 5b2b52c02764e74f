import Events
import FeedbackDomain
import Foundation
import HTTPTypes
import Identity
import Postgres
import TestSupport
import Testing

@testable import Feedback

@Suite("Instruments as documents")
struct InstrumentRoutesTests {
    private static func comfort(version: String = "1", factor: Int = 100) -> String {
        """
        {"name": "COMFORT", "version": "\(version)", "title": {"fr": "Confort", "en": "Comfort"},
         "items": [{"linkId": "c1", "levels": {"min": 1, "max": 5, "step": 1}, "mayBeMissing": true},
                   {"linkId": "c2", "levels": {"min": 1, "max": 5, "step": 1}, "mayBeMissing": true},
                   {"linkId": "p1", "levels": {"min": 0, "max": 10, "step": 1}, "mayBeMissing": false}],
         "scales": [{"name": "comfort", "unit": "hundredths", "method": "mean", "factor": \(factor),
                     "items": ["c1", "c2"], "reversed": ["c2"], "missing": "none"},
                    {"name": "pain", "unit": "points", "method": "sum", "factor": 1, "items": ["p1"],
                     "reversed": [], "missing": "none"}],
         "source": "the site's own"}
        """
    }

    private func publish(_ lab: IntakeLab, _ json: String, as role: Role = .operator) async throws -> TestAnswer {
        try await lab.service.request(.post, "/v1/instruments", as: [role], json: json)
    }

    @Test func aVersionIsPublishedOnceAndForEver() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // when
            let first = try await publish(lab, Self.comfort())
            let again = try await publish(lab, Self.comfort(), as: .administrator)
            let other = try await publish(lab, Self.comfort(factor: 10))
            // then
            #expect(first.status == .created && again.status == .ok)
            #expect(other.status == .conflict && other.problemSlug == "instrument-published")
            let told = try await lab.service.recordedEvents(type: InstrumentPublished.type.name)
            #expect(
                try told.map { try $0.decode(InstrumentPublished.self).scales.map(\.scale) } == [["comfort", "pain"]])
            let shown = try await lab.service.request(.get, "/v1/instruments/COMFORT/1", as: [.siteManager])
            #expect(try shown.decode(Instrument.self).items.count == 3)
            let missing = try await lab.service.request(.get, "/v1/instruments/COMFORT/2", as: [.siteManager])
            #expect(missing.status == .notFound)
            struct Listed: Decodable { let items: [Instrument] }
            let listed = try await lab.service.request(.get, "/v1/instruments", as: [.siteManager]).decode(Listed.self)
            #expect(listed.items.count == Instrument.builtIn.count + 1)
        }
    }

    @Test func aFlawIsNamedAndABuiltInVersionCannotBeTaken() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            let flawed = try await publish(lab, Self.comfort(factor: 0))
            #expect(flawed.status == .unprocessableContent && flawed.text.contains("/scales/0/factor"))
            let taken = try await publish(
                lab, Self.comfort(version: "F-SUS-2021").replacing("COMFORT", with: "SUS"))
            #expect(taken.problemSlug == "instrument-published")
            #expect(try await publish(lab, Self.comfort(), as: .siteManager).status == .forbidden)
        }
    }

    @Test func responsesAreScoredByTheVersionThatTheProtocolNames() async throws {
        try await IntakeLab.with(isOpen: false) { lab in
            // given
            #expect(try await publish(lab, Self.comfort()).status == .created)
            #expect(try await publish(lab, Self.comfort(version: "2", factor: 10)).status == .created)
            try await lab.register()
            let windows = [("COMFORT", "2"), ("EQ-5D-5L", "FR-5L-Andrade2020")].map {
                InstrumentWindow(
                    instrument: $0.0, instrumentVersion: $0.1, occasion: "M3", opensDay: 80, closesDay: 100)
            }
            try await lab.service.deliver(
                ProtocolApproved(
                    experiment: lab.experiment, protocolVersion: 1, legalQualification: "non_RIPH_satisfaction",
                    consentScope: "usability", windows: windows, milestones: []), subject: lab.experiment.lowercase,
                time: lab.start)
            try await lab.begin()
            try await lab.enrol(0..<2)
            // when
            var comfort = lab.event("a")
            comfort.instrument = "COMFORT"
            comfort.answers = "[5,2,7]"
            var whole = lab.event("b")
            whole.instrument = "EQ-5D-5L"
            whole.answers = "[5,5,5,5,5]"
            var partial = lab.event("c", participant: 1)
            partial.instrument = "EQ-5D-5L"
            partial.answers = "[5,5,null,5,5]"
            try await lab.settle(comfort, whole, partial)
            // then
            let rows = try await lab.service.pool.query(
                """
                select i.event_id, v.score, v.scales, v.value_set
                from response_values as v join identities as i on i.key = v.event order by i.event_id
                """)
            #expect(try rows.map { try $0.get("score", as: Int32?.self) } == [45, -525_491, nil])
            #expect(try rows[0].get("scales", as: String?.self) == #"{"pain":7}"#)
            #expect(try rows[1].get("value_set", as: String?.self) == "FR-5L-Andrade2020")
            let summary = try #require(try await FeedbackReadings(pool: lab.service.pool).summary(of: lab.experiment))
            let quality = try #require(summary.cells.first { $0.instrument == "EQ-5D-5L" })
            #expect(quality.responsesCount == 2 && quality.scoredCount == 1)
            let told = try await lab.service.recordedEvents(type: ResponsesRecorded.type.name)
            let items = try told.flatMap { try $0.decode(ResponsesRecorded.self).items }
            #expect(items.compactMap(\.valueSet) == ["FR-5L-Andrade2020", "FR-5L-Andrade2020"])
        }
    }

    @Test func aVersionThatIsNotPublishedIsRefusedAsUnknown() async throws {
        try await IntakeLab.with { lab in
            // given
            let windows = [
                InstrumentWindow(
                    instrument: "SUS", instrumentVersion: "nobody's", occasion: "M6", opensDay: 80, closesDay: 100)
            ]
            try await lab.service.deliver(
                ProtocolApproved(
                    experiment: lab.experiment, protocolVersion: 2, legalQualification: "non_RIPH_satisfaction",
                    consentScope: "usability", windows: windows, milestones: []), subject: lab.experiment.lowercase,
                time: lab.start)
            // when
            var event = lab.event("a")
            event.occasion = "M6"
            try await lab.settle(event)
            // then
            #expect(try await lab.receipt(of: "a").reason == "unknown-instrument")
        }
    }
}

@Suite("What may not be stored about persons")
struct ForbiddenIdentifierTests {
    private static let number = "1 85 05 78 006 084 91"

    /// All text that the schema holds, in one string.
    private func stored(_ lab: IntakeLab) async throws -> String {
        var text = ""
        for table in ["identities", "waiting", "quarantine", "response_values", "receipts_outbox", "events"] {
            for row in try await lab.service.pool.query(
                "select to_jsonb(t)::text as row from \(identifier: table) as t")
            {
                text += try row.get("row", as: String.self)
            }
        }
        for (table, column) in [("waiting", "body"), ("quarantine", "body"), ("receipts_outbox", "body")] {
            let rows = try await lab.service.pool.query(
                "select \(identifier: column) as body from \(identifier: table)")
            for row in rows { text += String(decoding: try row.get("body", as: [UInt8].self), as: UTF8.self) }
        }
        return text
    }

    @Test func anIdentifierInACommentIsMaskedAndCountedWhateverBecomesOfTheEvent() async throws {
        try await IntakeLab.with { lab in
            // given: one that counts, one that waits, one that is refused
            var events = [lab.event("a"), lab.event("b"), lab.event("c", participant: 1, day: 10)]
            for index in events.indices { events[index].comment = "\(Self.number) ou 06 12 34 56 78" }
            events[1].participant = "nobody"
            // when
            let tally = try await lab.intake.settle(events.map { lab.message($0.body) })
            // then
            #expect(tally.accepted == 1 && tally.waiting == 1 && tally.refused == 1 && tally.masked == 2)
            let text = try await stored(lab)
            #expect(!text.contains("006 084") && !text.contains("12 34 56"))
            let rows = try await lab.service.pool.query("select comment, masked_count from response_values")
            #expect(try rows[0].get("comment", as: String.self) == "[masqué] ou [masqué]")
            #expect(try rows[0].get("masked_count", as: Int32.self) == 2)
            let quarantined = try await lab.service.pool.query("select body from quarantine")
            let body = String(decoding: try quarantined[0].get("body", as: [UInt8].self), as: UTF8.self)
            #expect(body.contains("[masqué] ou [masqué]") && body.contains(#""answers""#))
            // when: the same again
            #expect(try await lab.settle(events[0], events[1]).duplicates == 2)
        }
    }

    @Test func aRegisterNumberInThePlaceOfACodeIsRefusedAndNothingOfItIsKept() async throws {
        try await IntakeLab.with { lab in
            // given
            var asParticipant = lab.event("a")
            asParticipant.participant = Self.number
            let asID = lab.event("185057800608491")
            var escaped = lab.event("c")
            escaped.participant = "\\u0031 85 05 78 006 084 91"
            // when
            let tally = try await lab.settle(asParticipant, asID, escaped)
            // then
            #expect(tally.refused == 3)
            let receipts = try await lab.receipts()
            #expect(receipts.map(\.reason) == [String?](repeating: "forbidden-identifier", count: 3))
            #expect(receipts.map(\.field) == ["/data/participant", "/id", "/data/participant"])
            let text = try await stored(lab)
            #expect(!text.contains("006 084") && !text.contains("185057800608491"))
        }
    }
}
