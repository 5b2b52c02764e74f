import Events
import Foundation
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Identity
import Inbox
import Logging
import Outbox
import Postgres
import ServiceRuntime
import TestSupport
import Testing

@testable import Funding

/// A funding service and the people who use it. Each step is what its name says, through HTTP or the inbox.
struct Programme: Sendable {
    let service: ServiceHarness
    let call = UUID()

    static func with(
        settings: [String: String] = [:], _ body: (Programme) async throws -> Void
    ) async throws {
        try await withoutMoney(settings: settings) { programme in
            #expect(try await programme.openProgramme().status == .created)
            try await body(programme)
        }
    }

    /// Before the programme is opened.
    static func withoutMoney(
        settings: [String: String] = [:], _ body: (Programme) async throws -> Void
    ) async throws {
        try await ServiceHarness.with(FundingService.self, settings: settings) {
            try await body(Programme(service: $0))
        }
    }

    // MARK: Steps

    func publishCall(animationCents: Int64 = 2_900_000_000, experimentsCents: Int64 = 3_000_000_000) async throws {
        try await service.deliver(
            Controls.call(call, animationCents: animationCents, experimentsCents: experimentsCents),
            subject: call.lowercase)
    }

    @discardableResult
    func publishRules(
        name: String = "aap-tle-2022", validFrom: String = "2026-01-01T00:00:00Z"
    ) async throws
        -> TestAnswer
    {
        try await service.request(
            .post, "/v1/rule-sets", as: [.operator],
            json: """
                {"ruleSet": "\(name)", "validFrom": "\(validFrom)", "animationRateBasisPoints": 5000,
                 "animationCeilingCents": {"etablissement_sante_public": 150000000, "esms": 37500000},
                 "experimentRateBasisPoints": 5000, "experimentCeilingCents": 30000000, "source": "NOR PRMI2204762A"}
                """)
    }

    @discardableResult
    func openEnvelope(_ kind: String, _ cents: Int64) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/envelopes", as: [.operator],
            json: #"{"call": "\#(call.lowercase)", "kind": "\#(kind)", "amountCents": \#(cents)}"#)
    }

    @discardableResult
    func openProgramme(
        amountCents: Int64 = 6_300_000_000, animationCents: Int64 = 2_900_000_000,
        experimentsCents: Int64 = 3_000_000_000
    ) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/budget", as: [.operator],
            json: """
                {"name": "Tiers-lieux d'expérimentation", "amountCents": \(amountCents),
                 "animationCents": \(animationCents), "experimentsCents": \(experimentsCents)}
                """)
    }

    /// Envelopes of as many calls, without a command each.
    func openEnvelopes(count: Int, cents: Int64) async throws -> [UUID] {
        try await service.pool.withTransaction { transaction in
            let part = try #require(try await ProgrammeStore.lockPart(for: .animation, in: transaction))
            var (envelopes, entries): ([Envelope], [LedgerStore.Entry]) = ([], [])
            for _ in 0..<count {
                let funds = CallFunds(call: UUID(), animationCents: cents, experimentsCents: 0)
                let (envelope, transfer) = try Envelope.open(
                    id: UUID(), purpose: .animation, amountCents: cents, of: funds, from: part)
                envelopes.append(envelope)
                entries.append(.init(transfer: transfer, at: service.clock.clock.now(), event: UUID()))
            }
            try await transaction.query(
                """
                insert into calls (call, animation_cents, experiments_cents)
                select call, \(cents), 0 from unnest(\(envelopes.map(\.call))) as call
                """)
            try await transaction.query(
                """
                insert into envelopes (id, call, kind, amount_cents, opened_at)
                select e.id, e.call, 'animation', \(cents), now()
                from unnest(\(envelopes.map(\.id)), \(envelopes.map(\.call))) as e (id, call)
                """)
            try await LedgerStore.book(entries, in: transaction)
            return envelopes.map(\.id)
        }
    }

    /// Call, rules and both envelopes.
    func prepare(animationCents: Int64 = 1_000_000_000, experimentsCents: Int64 = 500_000_000) async throws {
        try await publishCall()
        #expect(try await publishRules().status == .created)
        #expect(try await openEnvelope("animation", animationCents).status == .created)
        #expect(try await openEnvelope("experiments", experimentsCents).status == .created)
    }

    @discardableResult
    func decide(_ decision: ApplicationDecided, id: UUID = UUID()) async throws -> UUID {
        try await service.deliver(decision, subject: decision.application.lowercase, sequence: 1, id: id)
    }

    /// The grant of a funded application of the next rank.
    func reservedGrant(rank: Int = 1, cents: Int64 = 100_000_000) async throws -> GrantAnswer {
        let application = UUID()
        try await decide(Controls.decision(application, call: call, rank: rank, requestedCents: cents))
        return try #require(try await grants(of: application).first)
    }

    /// - Parameter content: members of the body beside the grant: lines, schedule, terms.
    func draft(_ grant: UUID, content: String = "") async throws -> TestAnswer {
        let rest = content.isEmpty ? "" : ", \(content)"
        return try await service.request(
            .post, "/v1/agreements", as: [.operator], json: #"{"grant": "\#(grant.lowercase)"\#(rest)}"#)
    }

    func sign(_ agreement: UUID, version: Int64? = 1, json: String = Programme.signatures) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/agreements/\(agreement.lowercase)/sign", as: [.operator], json: json,
            headers: Self.ifMatch(version))
    }

    static let signatures = """
        {"signedOn": "2026-03-01", "signatories": [
          {"side": "funder", "name": "Claude Martin", "role": "directrice"},
          {"side": "beneficiary", "name": "Dominique Petit", "role": "directeur"}]}
        """

    func signedAgreement(rank: Int = 1, cents: Int64 = 100_000_000) async throws -> AgreementAnswer {
        let drafted = try await draft(try await reservedGrant(rank: rank, cents: cents).id)
        let id = try drafted.decode(AgreementAnswer.self).id
        let signed = try await sign(id)
        #expect(signed.status == .ok)
        return try signed.decode()
    }

    /// - Parameter content: further members of the body: siren, offsets.
    func order(
        _ tranche: UUID, by subject: String = "orderer", iban: String = Controls.iban, content: String = ""
    ) async throws -> TestAnswer {
        let rest = content.isEmpty ? "" : ", \(content)"
        return try await service.request(
            .post, "/v1/tranches/\(tranche.lowercase)/payments", as: [.operator], subject: subject,
            json: #"{"creditorName": "CHU de Lille", "iban": "\#(iban)"\#(rest)}"#)
    }

    func approve(_ payment: UUID, by subject: String = "approver", version: Int64? = 1) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/payments/\(payment.lowercase)/approve", as: [.payingOfficer], subject: subject, json: "{}",
            headers: Self.ifMatch(version))
    }

    func execute(
        _ payment: UUID, reference: String = "BDT-1", version: Int64? = 2, key: String = UUID().uuidString
    ) async throws -> TestAnswer {
        var headers = Self.ifMatch(version)
        headers[.idempotencyKey] = key
        return try await service.request(
            .post, "/v1/payments/\(payment.lowercase)/execute", as: [.payingOfficer], subject: "approver",
            json: #"{"bankReference": "\#(reference)"}"#, headers: headers)
    }

    func reserve(
        _ envelope: UUID, _ cents: Int64, key: String = UUID().uuidString, siren: String = Controls.siren
    ) async throws -> TestAnswer {
        try await service.request(
            .post, "/v1/envelopes/\(envelope.lowercase)/reservations", as: [.operator],
            json: #"{"beneficiarySiren": "\#(siren)", "amountCents": \#(cents), "purpose": "recours en cours"}"#,
            headers: [.idempotencyKey: key])
    }

    // MARK: Reading

    /// What reading the whole ledger again finds.
    func verification(anchors: [Int64: Set<String>] = [:]) async throws -> LedgerReport {
        try await LedgerVerifier(pool: service.pool).verify(anchors: anchors)
    }

    func envelopes() async throws -> [String: EnvelopeAnswer] {
        let answer = try await service.request(.get, "/v1/envelopes?call=\(call.lowercase)", as: [.operator])
        let items = try answer.decode(PageAnswer<EnvelopeAnswer>.self).items
        return Dictionary(uniqueKeysWithValues: items.map { ($0.kind, $0) })
    }

    func grants(of application: UUID) async throws -> [GrantAnswer] {
        let path = "/v1/grants?application=\(application.lowercase)"
        return try await service.request(.get, path, as: [.operator]).decode(PageAnswer<GrantAnswer>.self).items
    }

    func agreement(_ id: UUID) async throws -> AgreementAnswer {
        try await service.request(.get, "/v1/agreements/\(id.lowercase)", as: [.operator]).decode()
    }

    func statements(of agreement: UUID) async throws -> [StatementAnswer] {
        try await service.request(
            .get, "/v1/agreements/\(agreement.lowercase)/expense-statements?limit=200", as: [.operator]
        ).decode(PageAnswer<StatementAnswer>.self).items
    }

    func tranche(_ number: Int, of agreement: UUID) async throws -> TrancheAnswer {
        try #require(try await self.agreement(agreement).tranches.first { $0.number == number })
    }

    /// Those of the programme itself apart, which is open when a test begins.
    func eventTypes() async throws -> [String] {
        let events = try await service.recordedEvents().filter { !$0.type.hasPrefix("funding.programme.") }
        return events.map { String($0.type.dropFirst("funding.".count).dropLast(".v1".count)) }
    }

    /// Nothing is wrong with the ledger, whatever it is held against.
    func expectBalancedLedger(_ place: SourceLocation = #_sourceLocation) async throws {
        try await expectEqualSums(place)
        let findings = try await verification().findings
        #expect(findings == [], sourceLocation: place)
    }

    /// Every transfer is in the balances, and every balance is in the transfers.
    func expectEqualSums(_ place: SourceLocation = #_sourceLocation) async throws {
        let differences = try await service.pool.query("select * from ledger_differences")
        #expect(differences.isEmpty, sourceLocation: place)
        let sums = try await service.pool.query(
            "select sum(debited_cents)::bigint as debited, sum(credited_cents)::bigint as credited from accounts")
        let row = try #require(sums.first)
        #expect(
            try row.get("debited", as: Int64.self) == row.get("credited", as: Int64.self), sourceLocation: place)
    }

    /// Tries what is parked, as if its time had come.
    func retryParked() async throws {
        try await service.pool.query("update inbox_parked set next_attempt_at = now() - interval '1 second'")
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let parts = try await FundingService.build(
            BuildContext(
                pool: service.pool, clock: service.clock.clock, settings: service.settings, logger: logger,
                wakeUp: RelayWakeUp()))
        _ = try await InboxProcessor(pool: service.pool, handlers: parts.handlers, logger: logger).sweep()
    }

    /// Statements on this database that wait for a lock.
    func blockedCount() async throws -> Int {
        let rows = try await service.pool.query(
            """
            select count(*) as n from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'
            """)
        return try #require(rows.first).get("n")
    }

    func parkedCount() async throws -> Int {
        let rows = try await service.pool.query("select count(*) as n from inbox_parked")
        return try #require(rows.first).get("n")
    }

    static func ifMatch(_ version: Int64?) -> HTTPFields {
        var headers = HTTPFields()
        if let version { headers[.ifMatch] = "\"v\(version)\"" }
        return headers
    }
}
