import CofundingRules
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// The essential data of subsidies that the law has published within three months of the signature.
struct OpenDataStore: Sendable {
    /// Who grants; nil where it is not configured.
    let funder: SubsidyFunder?
    let agreements: AgreementStore

    /// Puts an agreement's parties in the place of those that it has.
    func set(
        _ parties: @Sendable (Agreement) throws -> AgreementParties, of id: UUID, expected: Int64,
        in session: some PostgresSession
    ) async throws -> Versioned<Agreement> {
        let stored = try await agreements.find(id, isLocked: true, in: session)
        try stored.check(expected)
        let parties = try parties(stored.value)
        let published = try await session.query(
            """
            select a.reference from agreements a
            where a.id = \(id) and exists (select from subsidy_publications where agreement = a.id)
            """)
        // Corrections go by it.
        if let row = published.first, try row.get("reference") != parties.reference {
            throw FundingError.invalid(field: "/reference", expected: "the reference that is published")
        }
        do throws(PostgresError) {
            try await session.query(
                """
                update agreements set reference = \(parties.reference), object = \(parties.object),
                    payment_from = \(parties.payment.from.description)::text::date,
                    payment_until = \(parties.payment.until.description)::text::date, version = version + 1
                where id = \(id)
                """)
        } catch {
            throw error.isUniqueViolation ? FundingError.referenceUsed : error
        }
        let lines = parties.lines
        // Who gets what is the agreement's: here it gets the names that the public reads.
        try await session.query(
            """
            update agreement_lines a set siret = l.siret, legal_name = l.name, is_private_law = l.is_private_law,
                is_de_minimis = l.is_de_minimis
            from unnest(\(lines.map(\.siren)), \(lines.map(\.siret)), \(lines.map(\.name)),
                \(lines.map(\.isPrivateLaw)), \(lines.map(\.isDeMinimis)))
                as l (siren, siret, name, is_private_law, is_de_minimis)
            where a.agreement = \(id) and a.siren = l.siren
            """)
        return try await agreements.find(id, in: session)
    }

    /// Every signed agreement as the law sees it, with what was published of it last.
    func subsidies(in session: some PostgresSession) async throws -> [(agreement: UUID, subsidy: SubsidyAgreement)] {
        let rows = try await session.query(
            """
            select a.id, coalesce(a.reference, '') as reference, coalesce(a.object, '') as object,
                (a.signed_on at time zone 'UTC')::date::text as signed_on, a.payment_from::text as payment_from,
                a.payment_until::text as payment_until, (
                    select sum(granted_cents)::bigint from agreement_lines where agreement = a.id) as granted_cents,
                (select count(*) from tranches where agreement = a.id) as tranche_count,
                m.number as amendment, (m.signed_on at time zone 'UTC')::date::text as amended_on,
                p.published_on::text as published_on, p.amendment as published_amendment
            from agreements a
            left join lateral (
                select number, signed_on from amendments where agreement = a.id and state = 'signed'
                order by number desc limit 1) m on true
            left join lateral (
                select published_on, amendment from subsidy_publications where agreement = a.id
                order by id desc limit 1) p on true
            where a.state not in ('draft', 'discarded') order by a.id
            """)
        let lines = try await self.lines(in: session)
        return try rows.map { row in
            let id = try row.get("id", as: UUID.self)
            let period = try PaymentPeriod(row)
            let conditions: PaymentConditions = try row.get("tranche_count", as: Int64.self) > 1 ? .staged : .single
            let subsidy = SubsidyAgreement(
                reference: try row.get("reference"), signedOn: CalendarDay(try row.get("signed_on", as: String.self)),
                object: try row.get("object"), funder: funder ?? SubsidyFunder(name: "", siret: ""),
                grantedCents: try row.get("granted_cents"),
                lines: lines[id, default: []].map { line in
                    SubsidyLine(
                        name: line.name ?? "", siret: line.siret ?? "", cents: line.cents, conditions: conditions,
                        period: period, isDeMinimis: line.isDeMinimis, isPrivateLaw: line.isPrivateLaw ?? true)
                },
                amendment: try Self.amendment(row),
                published: try row.get("published_on", as: String?.self).flatMap { CalendarDay($0) }.map {
                    PublishedSubsidy(
                        amendment: Int(try row.get("published_amendment", as: Int32?.self) ?? 0), on: $0)
                })
            return (id, subsidy)
        }
    }

    /// The one that made what is in force; nil for an agreement as it was signed first.
    private static func amendment(_ row: PostgresRow) throws -> SubsidyAmendment? {
        guard let number = try row.get("amendment", as: Int32?.self),
            let day = CalendarDay(try row.get("amended_on", as: String.self))
        else { return nil }
        return SubsidyAmendment(number: Int(number), signedOn: day)
    }

    /// Publishes the rows of every agreement that is complete, unless they are published as they are.
    /// - Returns: the references of those that were.
    func publish(_ command: CommandContext, in session: some PostgresSession) async throws -> [String] {
        try await session.query("select pg_advisory_xact_lock(hashtextextended('funding.open-data', 0))")
        let today = try await ParisDays.day(of: command.now, in: session)
        var published: [String] = []
        let last = try await documents(in: session)
        for (agreement, subsidy) in try await subsidies(in: session) {
            let rows = subsidy.rows(SubsidyPolicy.decree2017.amountMeaning)
            let records = rows.compactMap(\.record)
            let document = SubsidyCSV.text(records)
            let isNewVersion = subsidy.published?.amendment ?? 0 != subsidy.amendment?.number ?? 0
            guard !records.isEmpty, records.count == rows.count, last[agreement] != document || isNewVersion
            else { continue }
            try await session.query(
                """
                insert into subsidy_publications (agreement, published_on, published_by, published_at, document,
                    amendment)
                values (\(agreement), \(today.description)::text::date, \(command.actor), \(command.now),
                    \(document), \(Int32(subsidy.amendment?.number ?? 0)))
                """)
            published.append(subsidy.reference)
        }
        return published
    }

    /// What was published last of each agreement.
    private func documents(in session: some PostgresSession) async throws -> [UUID: String] {
        let rows = try await session.query(
            "select distinct on (agreement) agreement, document from subsidy_publications order by agreement, id desc")
        return try Dictionary(uniqueKeysWithValues: rows.map { (try $0.get("agreement"), try $0.get("document")) })
    }

    /// All rows that were published, the last publication of each agreement, as one file.
    func file(in session: some PostgresSession) async throws -> String {
        var records: [SubsidyRecord] = []
        for document in try await documents(in: session).values {
            records += try SubsidyCSV.records(of: Array(document.utf8))
        }
        return SubsidyCSV.text(records.sorted { ($0.signedOn, $0.reference) < ($1.signedOn, $1.reference) })
    }

    private struct Line {
        let name: String?
        let siret: String?
        let cents: Int64
        let isPrivateLaw: Bool?
        let isDeMinimis: Bool?
    }

    private func lines(in session: some PostgresSession) async throws -> [UUID: [Line]] {
        let rows = try await session.query(
            """
            select agreement, legal_name, siret, granted_cents, is_private_law, is_de_minimis
            from agreement_lines where granted_cents > 0 order by agreement, position
            """)
        var lines: [UUID: [Line]] = [:]
        for row in rows {
            lines[try row.get("agreement"), default: []].append(
                Line(
                    name: try row.get("legal_name"), siret: try row.get("siret"), cents: try row.get("granted_cents"),
                    isPrivateLaw: try row.get("is_private_law"), isDeMinimis: try row.get("is_de_minimis")))
        }
        return lines
    }
}

extension PaymentPeriod {
    fileprivate init?(_ row: PostgresRow) throws {
        guard let from = try row.get("payment_from", as: String?.self).flatMap({ CalendarDay($0) }),
            let until = try row.get("payment_until", as: String?.self).flatMap({ CalendarDay($0) })
        else { return nil }
        self.init(first: from, last: until)
    }
}
