import Events
import Postgres

/// What is wrong with the ledger; nothing, as a rule.
struct LedgerReport: Encodable, Sendable {
    struct Finding: Encodable, Sendable, Equatable {
        enum Kind: String, Encodable, Sendable {
            /// A block is missing, follows another one than it says, or has another hash than its entries.
            case chain
            /// An entry is not what it was when it was sealed.
            case entry
            /// The chain is another one than the one that was published.
            case seal
            /// Accounts and entries disagree, or a balance was below zero.
            case balance
            /// An entry that no program of ours makes.
            case move
            /// An entry and the event that tells it disagree.
            case event
        }

        let kind: Kind
        let what: String
    }

    var blockCount: Int64 = 0
    var sealedCount: Int64 = 0
    /// Entries that wait for their seal.
    var unsealedCount: Int64 = 0
    var accountCount: Int64 = 0
    /// Of the last block, in hexadecimal digits.
    var lastHash: String?
    var findings: [Finding] = []

    var isWhole: Bool { findings.isEmpty }
}

/// Reads the whole ledger again, and believes nothing of it: the hash chain, the sums, the moves, the events.
struct LedgerVerifier: Sendable {
    private static let findingsMax = 20

    let pool: PostgresPool

    /// - Parameter anchors: hashes of blocks, in hexadecimal digits, as somebody else has kept them.
    func verify(anchors: [Int64: Set<String>] = [:]) async throws -> LedgerReport {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            var report = LedgerReport()
            let hashes = try await verifyChain(&report, in: transaction)
            try await verifySeals(hashes, anchors, &report, in: transaction)
            for (kind, query) in Self.contradictions {
                for row in try await transaction.query(query) {
                    report.findings.append(.init(kind: kind, what: try row.get("what")))
                }
            }
            let counts = try await transaction.query(
                "select (select count(*) from transfers) as entries, (select count(*) from accounts) as accounts")
            if let row = counts.first {
                report.unsealedCount = try row.get("entries", as: Int64.self) - report.sealedCount
                report.accountCount = try row.get("accounts")
            }
            return report
        }
    }

    // MARK: The chain

    /// - Returns: the hash of every block as it is kept.
    private func verifyChain(
        _ report: inout LedgerReport, in transaction: PostgresTransaction
    ) async throws -> [Int64: String] {
        var hashes: [Int64: String] = [:]
        var (number, hash, position): (Int64, [UInt8], Int64) = (0, LedgerChain.beginning, 0)
        while true {
            let blocks = try await LedgerBlockStore.blocks(after: number, limit: 100, in: transaction)
            for block in blocks {
                let frame = block.frame
                if frame.number != number + 1 {
                    report.add(.chain, "block \(number + 1) is missing")
                } else if frame.previousHash != hash || frame.after != position {
                    report.add(.chain, "block \(frame.number) does not follow block \(number) as it stands")
                }
                try await verify(block, &report, in: transaction)
                (number, hash, position) = (frame.number, block.hash, frame.upTo)
                hashes[number] = LedgerChain.digits(hash)
                report.blockCount += 1
            }
            guard blocks.count == 100 else { break }
        }
        report.lastHash = hashes[number]
        return hashes
    }

    private func verify(
        _ block: LedgerBlockStore.Block, _ report: inout LedgerReport, in transaction: PostgresTransaction
    ) async throws {
        let entries = try await LedgerChain.entries(
            after: block.frame.after, upTo: block.frame.upTo, in: transaction)
        var hasher = LedgerChain.Hasher(block.frame, entryCount: block.entryCount)
        var edited: [Int64] = []
        for (place, entry) in entries.enumerated() {
            hasher.add(entry)
            let mark = block.marks.dropFirst(place * LedgerChain.markBytes).prefix(LedgerChain.markBytes)
            if !mark.elementsEqual(entry.mark) { edited.append(entry.number) }
        }
        report.sealedCount += Int64(entries.count)
        if Int64(entries.count) != block.entryCount {
            report.add(
                .chain,
                "block \(block.frame.number) sealed \(block.entryCount) entries; there are \(entries.count)")
        } else if hasher.finish() != block.hash {
            report.add(.chain, "block \(block.frame.number) has another hash than its entries")
        }
        for number in edited.prefix(Self.findingsMax) {
            report.add(.entry, "entry \(number) of block \(block.frame.number) is not what was sealed")
        }
    }

    /// What our own log and others say of the blocks.
    private func verifySeals(
        _ hashes: [Int64: String], _ anchors: [Int64: Set<String>], _ report: inout LedgerReport,
        in transaction: PostgresTransaction
    ) async throws {
        var published: Set<Int64> = []
        let rows = try await transaction.query(
            "select data from events where type = \(LedgerSealed.type.name) order by position")
        for row in rows {
            let seal = try WireCoding.decode(LedgerSealed.self, from: Array(try row.get("data", as: String.self).utf8))
            published.insert(seal.block)
            if hashes[seal.block] != seal.hash {
                report.add(.seal, "block \(seal.block) was published with the hash \(seal.hash)")
            }
        }
        for block in hashes.keys.sorted() where !published.contains(block) {
            report.add(.seal, "block \(block) was never published")
        }
        for (block, known) in anchors.sorted(by: { $0.key < $1.key }) {
            for hash in known.sorted() where hashes[block] != hash {
                report.add(.seal, "block \(block) had the hash \(hash) when somebody kept it")
            }
        }
    }

    // MARK: What may not be

    private static let contradictions: [(LedgerReport.Finding.Kind, PostgresQuery)] = [
        (
            .balance,
            """
            select 'the sums of ' || kind || ' ' || owner || ' differ from its entries' as what
            from ledger_differences order by account limit \(findingsMax)
            """
        ),
        (
            .balance,
            """
            select 'entry ' || id || ' does not continue the sums of its accounts' as what
            from (
                select id, debit_after_cents <> sum(amount_cents) over (partition by debit_account order by id)
                    or credit_after_cents <> sum(amount_cents) over (partition by credit_account order by id)
                    as is_wrong
                from transfers) t
            where is_wrong order by id limit \(findingsMax)
            """
        ),
        (
            .balance,
            """
            select a.kind || ' ' || a.owner || ' is below zero with entry ' || min(b.id) as what
            from (
                select id, account, sum(cents) over (partition by account order by id) as balance_cents
                from (
                    select id, debit_account as account, -amount_cents as cents from transfers
                    union all select id, credit_account, amount_cents from transfers) m
            ) b join accounts a on a.id = b.account
            where b.balance_cents < 0 and a.kind <> 'budget'
            group by a.id order by a.id limit \(findingsMax)
            """
        ),
        (
            .move,
            """
            select 'entry ' || t.id || ' (' || t.reason || ') moves money where none may move' as what
            from transfers t
            join accounts d on d.id = t.debit_account
            join accounts c on c.id = t.credit_account
            where not exists (
                    select from ledger_moves m
                    where m.reason = t.reason and m.debit_kind = d.kind and m.credit_kind = c.kind
                        and case m.edge
                            when 'below' then c.parent = d.id
                            when 'above' then d.parent = c.id
                            when 'beside' then c.parent = d.parent
                            else c.owner = d.envelope end)
                -- Envelopes of before there was a programme, and what its parts were charged for them.
                and not (t.reason = 'open' and d.kind = 'budget' and c.kind = 'available')
                and not (t.reason = 'adopt' and d.kind = 'part' and c.kind = 'budget'
                    and t.amount_cents = (
                        select sum(o.amount_cents) from transfers o
                        join accounts b on b.id = o.debit_account and b.kind = 'budget'
                        join accounts v on v.id = o.credit_account and v.kind = 'available'
                        join envelopes e on e.id = v.owner
                        join programme_parts p on p.kind = e.kind and p.id = d.owner
                        where o.reason = 'open'))
            order by t.id limit \(findingsMax)
            """
        ),
        (
            .event,
            """
            select 'entry ' || t.id || ' (' || t.reason || ') is of ' || t.amount_cents || ' cents, its event says '
                || coalesce(e.cents::text, 'nothing') as what
            from transfers t
            left join (
                select id, type, abs(coalesce((data::jsonb ->> 'changeCents')::bigint,
                    (data::jsonb ->> 'reservedCents')::bigint, (data::jsonb ->> 'grantedCents')::bigint,
                    (data::jsonb ->> 'amountCents')::bigint)) as cents
                from events where id in (select event from transfers)) e on e.id = t.event
            where case t.reason when 'adopt' then e.type is distinct from 'funding.programme.opened.v1'
                else e.cents is distinct from t.amount_cents end
            order by t.id limit \(findingsMax)
            """
        ),
    ]
}

extension LedgerReport {
    mutating func add(_ kind: Finding.Kind, _ what: String) { findings.append(Finding(kind: kind, what: what)) }

    /// For a person: what was read, and what is wrong with it.
    var text: String {
        let lines =
            [
                "blocks: \(blockCount), entries sealed: \(sealedCount), waiting: \(unsealedCount),"
                    + " accounts: \(accountCount)",
                "last block: \(lastHash.map { "\(blockCount):\($0)" } ?? "none")",
            ] + findings.map { "\($0.kind.rawValue): \($0.what)" }
            + [isWhole ? "ledger: whole" : "ledger: \(findings.count) findings"]
        return lines.map { $0 + "\n" }.joined()
    }
}
