import BankMessages
import Crypto
import Events
import FundingDomain
import Outbox
import Postgres

import struct FoundationEssentials.UUID

/// What the bank says of our payments, taken at its word: it knows what it has paid.
struct BankMessageStore: Sendable {
    /// What became of one transaction that the bank told of.
    struct Outcome: Codable, Sendable, Equatable {
        enum Result: String, Codable, Sendable {
            /// The bank has paid: the money is booked.
            case executed
            /// The bank has not paid, and will not: the tranche can be ordered again.
            case rejected
            /// It is under way, or said before.
            case noted
            /// The money came back after it was paid: somebody has to look.
            case returned
            /// No payment of ours, another amount, or one that the bank cannot have.
            case unknown
        }

        /// As the bank calls it.
        let reference: String
        let payment: UUID?
        let result: Result
        /// Why, as a slug or the bank's code.
        let reason: String?
    }

    let payments: PaymentStore
    /// The account that is paid from; nil where none is configured, so that entries of any are taken.
    let debtorIBAN: String?

    /// Takes in a `pain.002` or a `camt.054`. The same file again changes nothing and is answered as before.
    /// - Throws: `BankMessagesError` when it is neither.
    func take(
        _ document: [UInt8], _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [Outcome] {
        let hash = Array(SHA256.hash(data: document))
        try await session.query("select pg_advisory_xact_lock(hashtextextended('funding.bank-messages', 0))")
        let known = try await session.query("select outcome from bank_messages where sha256 = \(hash)")
        if let row = known.first {
            return try WireCoding.decode([Outcome].self, from: try row.get("outcome", as: PostgresJSON.self).bytes)
        }
        let outcomes: [Outcome]
        do {
            outcomes = try await take(PaymentStatusReport(reading: document), command, in: session)
        } catch BankMessagesError.unknownMessage {
            outcomes = try await take(DebitCreditNotification(reading: document), command, in: session)
        }
        try await session.query(
            """
            insert into bank_messages (sha256, document, outcome, received_by, received_at)
            values (\(hash), \(document), \(PostgresJSON(bytes: try WireCoding.encode(outcomes))), \(command.actor),
                \(command.now))
            """)
        return outcomes
    }
}

// MARK: Transaction by transaction

extension BankMessageStore {
    /// What a message says of one transaction.
    private struct Told {
        let reference: String
        let amountCents: Int64?
        let news: News

        enum News {
            case executed(bankReference: String)
            case rejected(reason: String)
            case returned(reason: String)
            case underWay(code: String)
            /// On an account that is not ours.
            case elsewhere
        }
    }

    /// Its own amount; an entry of one transaction may leave it out.
    private static func amountCents(of transaction: NotifiedTransaction, in entry: NotifiedEntry) -> Int64? {
        transaction.amountCents ?? (entry.transactions.count == 1 ? entry.amountCents : nil)
    }

    private func take(
        _ report: PaymentStatusReport, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [Outcome] {
        var told = report.transactions.map { transaction in
            let reason = Self.reason(transaction.reasons, or: transaction.status.code)
            // That a payment is settled is booked when the account's entry tells the bank's reference.
            return Told(
                reference: transaction.originalEndToEndID, amountCents: transaction.amountCents,
                news: transaction.status.outcome == .rejected ? .rejected(reason: reason) : .underWay(code: reason))
        }
        // What is rejected as a whole names no transaction: the message, or its one block, which is called alike.
        let wholes =
            [(report.originalMessageID, report.groupStatus, report.groupReasons, told.isEmpty)]
            + report.blocks.map { ($0.originalID, $0.status, $0.reasons, $0.transactions.isEmpty) }
        for (reference, status, reasons, isWhole) in wholes where isWhole && status?.outcome == .rejected {
            guard let batch = PaymentBatchStore.id(of: reference) else { continue }
            let reason = Self.reason(reasons, or: status?.code ?? "RJCT")
            for payment in try await payments.inBatch(batch, in: session) {
                let name = PaymentBatchStore.reference(payment)
                guard !told.contains(where: { $0.reference == name }) else { continue }
                told.append(Told(reference: name, amountCents: nil, news: .rejected(reason: reason)))
            }
        }
        return try await take(told, command, in: session)
    }

    private func take(
        _ notification: DebitCreditNotification, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [Outcome] {
        var told: [Told] = []
        for account in notification.accounts {
            let isOurs = debtorIBAN == nil || account.accountIBAN == debtorIBAN
            for entry in account.entries {
                for transaction in entry.transactions {
                    guard let reference = transaction.endToEndID else { continue }
                    told.append(
                        Told(
                            reference: reference, amountCents: Self.amountCents(of: transaction, in: entry),
                            news: isOurs ? Self.news(transaction, of: entry) : .elsewhere))
                }
            }
        }
        return try await take(told, command, in: session)
    }

    private static func news(_ transaction: NotifiedTransaction, of entry: NotifiedEntry) -> Told.News {
        if let reason = transaction.returnReason { return .returned(reason: Self.reason([reason], or: "RETURNED")) }
        if entry.isReversal { return .returned(reason: "REVERSED") }
        guard entry.status == .booked, transaction.direction == .debit,
            let bankReference = bankReference(of: transaction, in: entry)
        else { return .underWay(code: entry.status.rawValue) }
        return .executed(bankReference: bankReference)
    }

    /// Of several transactions that were booked as one entry, each is named by the entry's reference and its own.
    private static func bankReference(of transaction: NotifiedTransaction, in entry: NotifiedEntry) -> String? {
        if let reference = transaction.bankReference { return reference }
        guard let reference = entry.bankReference else { return nil }
        guard entry.transactions.count > 1, let own = transaction.endToEndID else { return reference }
        return String("\(own)/\(reference)".prefix(Payment.bankReferenceLengthMax))
    }

    private func take(
        _ told: [Told], _ command: CommandContext, in session: some PostgresSession
    ) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for transaction in told { outcomes.append(try await take(transaction, command, in: session)) }
        return outcomes
    }

    private func take(
        _ told: Told, _ command: CommandContext, in session: some PostgresSession
    ) async throws -> Outcome {
        func outcome(_ payment: UUID?, _ result: Outcome.Result, _ reason: String?) -> Outcome {
            Outcome(reference: told.reference, payment: payment, result: result, reason: reason)
        }
        guard let id = PaymentBatchStore.id(of: told.reference) else { return outcome(nil, .unknown, "not-ours") }
        do {
            let payment = try await payments.find(id, in: session).value.payment
            guard told.amountCents == nil || told.amountCents == payment.netCents else {
                return outcome(id, .unknown, "another-amount")
            }
            switch told.news {
            case .underWay(let code): return outcome(id, .noted, code)
            case .elsewhere: return outcome(id, .unknown, "another-account")
            case .executed where told.amountCents == nil: return outcome(id, .unknown, "no-amount")
            case .returned(let reason): return outcome(id, .returned, reason)
            case .rejected(let reason):
                let isNew = try await payments.reject(told: id, reason: reason, command, in: session)
                return outcome(id, isNew ? .rejected : .noted, reason)
            case .executed(let bankReference):
                let isNew = try await payments.execute(
                    told: id, bankReference: bankReference, command, in: session)
                return outcome(id, isNew ? .executed : .noted, nil)
            }
        } catch let refusal as FundingError {
            return outcome(id, .unknown, refusal.slug)
        } catch StoreRefusal.notFound {
            return outcome(nil, .unknown, "not-ours")
        }
    }

    /// The bank's code; what it adds in words may name persons and is kept in the document alone.
    private static func reason(_ reasons: [PaymentReason], or other: String) -> String {
        let codes = reasons.compactMap(\.code)
        return codes.isEmpty ? other : codes.joined(separator: " ")
    }
}
