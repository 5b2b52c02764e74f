import Events
import Foundation
import FundingDomain
import HTTPDefaults
import HTTPTypes
import Identity
import Postgres
import Synchronization
import TestSupport

@testable import Funding

/// People and events that move money at random, sensibly or not, several at a time. Whatever is answered by an error of
/// the server is repeated with its key until it is decided.
struct RandomMoney: Sendable {
    /// What there is to act on, as far as anybody was told.
    struct Things: Sendable {
        var envelopes: [UUID] = []
        var reservations: [UUID] = []
        var grants: [(id: UUID, cents: Int64, members: [String])] = []
        var agreements: [AgreementAnswer] = []
        var payments: [UUID] = []
        var recoveries: [UUID] = []
        var milestones: [UUID: Int] = [:]
        var experiments: [(experiment: UUID, agreement: AgreementAnswer)] = []
        var nextRank: [UUID: Int] = [:]
        /// What took effect, by the name of the command.
        var done: [String: Set<String>] = [:]
    }

    final class State: Sendable {
        let things = Mutex(Things())
    }

    private static let attemptsMax = 100
    private static let partners = ["732829320", "180020026"]

    let programme: Programme
    let calls: [UUID]
    let state = State()

    /// Carries out `count` commands one after the other.
    func work(_ chance: Chance, count: Int) async throws {
        var chance = chance
        for _ in 0..<count { try await step(&chance) }
    }

    private func step(_ chance: inout Chance) async throws {
        switch chance.number(0...28) {
        case 0: try await openEnvelope(&chance)
        case 1: try await adjust(&chance)
        case 2: try await allot(&chance)
        case 3, 4: try await reserve(&chance)
        case 5: try await letGo(&chance)
        case 6: try await decide(&chance)
        case 7: try await draft(&chance)
        case 8: try await sign(&chance)
        case 9: try await openSite(&chance)
        case 10: try await requestCofunding(&chance)
        case 11, 12: try await order(&chance)
        case 13: try await changeMilestone(&chance)
        case 14: try await cancel(&chance)
        case 15: try await proposeRecovery(&chance)
        case 16: try await settleRecovery(&chance)
        case 17: if chance.happens(onceIn: 3) { try await terminate(&chance) }
        case 18, 19: try await amend(&chance)
        case 20, 21: try await state(&chance)
        case 22: if chance.happens(onceIn: 3) { try await settle(&chance) }
        default: try await settlePayment(&chance)
        }
    }

    // MARK: Money above the grants

    private func openEnvelope(_ chance: inout Chance) async throws {
        let kind = chance.happens(onceIn: 2) ? "animation" : "experiments"
        let body = """
            {"call": "\(chance.pick(calls).lowercase)", "kind": "\(kind)",
             "amountCents": \(chance.cents(1_000_000...400_000_000))}
            """
        guard let opened = try await post("open", "/v1/envelopes", body, &chance) else { return }
        let id = try opened.decode(EnvelopeAnswer.self).id
        state.things.withLock { $0.envelopes.append(id) }
    }

    private func adjust(_ chance: inout Chance) async throws {
        guard let envelope = chance.pickOne(state.things.withLock { $0.envelopes }) else { return }
        let sign: Int64 = chance.happens(onceIn: 2) ? 1 : -1
        let body = #"{"changeCents": \#(sign * chance.cents(1...50_000_000))}"#
        try await change("adjust", "/v1/envelopes/\(envelope.lowercase)", "/adjustments", body, &chance)
    }

    private func allot(_ chance: inout Chance) async throws {
        let sign: Int64 = chance.happens(onceIn: 2) ? 1 : -1
        let body = """
            {"kind": "animation", "changeCents": \(sign * chance.cents(1...200_000_000)), "reason": "essai"}
            """
        _ = try await post("allot", "/v1/budget/allotments", body, &chance)
    }

    private func reserve(_ chance: inout Chance) async throws {
        guard let envelope = chance.pickOne(state.things.withLock { $0.envelopes }) else { return }
        let body = """
            {"beneficiarySiren": "\(Controls.siren)", "amountCents": \(chance.cents(1...60_000_000)),
             "purpose": "essai"}
            """
        guard let made = try await post("reserve", "/v1/envelopes/\(envelope.lowercase)/reservations", body, &chance)
        else { return }
        let id = try made.decode(Reservations.ReservationAnswer.self).id
        state.things.withLock { $0.reservations.append(id) }
    }

    private func letGo(_ chance: inout Chance) async throws {
        guard let reservation = chance.pickOne(state.things.withLock { $0.reservations }) else { return }
        try await change("let-go", "/v1/reservations/\(reservation.lowercase)", "/let-go", "{}", &chance)
    }

    // MARK: Grants and agreements

    private func decide(_ chance: inout Chance) async throws {
        let call = chance.pick(calls)
        let rank = state.things.withLock { things in
            let rank = things.nextRank[call, default: 1]
            things.nextRank[call] = rank + 1
            return rank
        }
        var decision = Controls.decision(
            UUID(), call: call, rank: rank, outcome: chance.happens(onceIn: 5) ? .reserve : .funded,
            requestedCents: chance.cents(100...80_000_000))
        decision.partners = Self.partners.prefix(chance.number(0...2)).map {
            ConsortiumMember(siren: $0, structureType: "esms", sector: nil)
        }
        try await deliver(decision, about: decision.application, &chance)
        let members = [Controls.siren] + decision.partners.map(\.siren)
        for grant in try await reading({ try await programme.grants(of: decision.application) })
        where grant.state == "reserved" {
            state.things.withLock { $0.grants.append((grant.id, grant.reservedCents, members)) }
        }
    }

    private func draft(_ chance: inout Chance) async throws {
        guard let grant = chance.pickOne(state.things.withLock { $0.grants }) else { return }
        let lines = lines(grant.members, cents: grant.cents, &chance)
        let body = """
            {"grant": "\(grant.id.lowercase)", "lines": \(lines),
             "terms": {"from": "2026-01-01", "until": "2026-12-31", "rateBasisPoints": 5000,
                       "statementMonths": 12, "statementDueDays": 60}}
            """
        guard let drafted = try await post("draft", "/v1/agreements", body, &chance) else { return }
        let agreement: AgreementAnswer = try drafted.decode()
        state.things.withLock { $0.agreements.append(agreement) }
    }

    /// All of the cents, divided at random.
    private func lines(_ members: [String], cents: Int64, _ chance: inout Chance) -> String {
        var left = cents
        let lines = members.enumerated().map { index, siren in
            let part = index == members.count - 1 ? left : chance.cents(0...max(1, left))
            left -= min(part, left)
            return #"{"siren": "\#(siren)", "grantedCents": \#(part), "structureType": "esms"}"#
        }
        return "[\(lines.joined(separator: ", "))]"
    }

    private func sign(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let path = "/v1/agreements/\(agreement.id.lowercase)"
        try await change("sign", path, "/sign", Programme.signatures, &chance)
    }

    private func openSite(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let opened = Controls.siteOpened(agreement)
        try await deliver(opened, about: opened.site, &chance)
    }

    private func requestCofunding(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let experiment = chance.uuid()
        let cents = chance.cents(100...40_000_000)
        try await deliver(
            Controls.request(experiment, under: agreement, requestedCents: cents), about: experiment, &chance)
        let grants = try await reading { try await programme.grants(of: agreement.application) }
        if let grant = grants.first(where: { $0.experiment == experiment && $0.state == "reserved" }) {
            state.things.withLock { $0.grants.append((grant.id, grant.reservedCents, [Controls.siren])) }
        }
        state.things.withLock { $0.experiments.append((experiment, agreement)) }
    }

    // MARK: Payments

    private func order(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let planned = chance.pick(agreement.tranches)
        let (tranche, siren) = (planned.id, chance.pick(planned.parts).siren)
        var offsets = "[]"
        if chance.happens(onceIn: 4), let recovery = chance.pickOne(state.things.withLock { $0.recoveries }) {
            offsets = #"[{"recovery": "\#(recovery.lowercase)", "amountCents": \#(chance.cents(1...2_000_000))}]"#
        }
        let body = """
            {"creditorName": "CHU de Lille", "iban": "\(Controls.iban)", "siren": "\(siren)", "offsets": \(offsets)}
            """
        guard let ordered = try await post("order", "/v1/tranches/\(tranche.lowercase)/payments", body, &chance)
        else { return }
        let id = try ordered.decode(PaymentAnswer.self).id
        state.things.withLock { $0.payments.append(id) }
        if chance.happens(onceIn: 3) { try await cancel(id, &chance) }
    }

    private func settlePayment(_ chance: inout Chance) async throws {
        guard let payment = chance.pickOne(state.things.withLock { $0.payments }) else { return }
        let path = "/v1/payments/\(payment.lowercase)"
        try await change("approve", path, "/approve", "{}", &chance)
        try await change("execute", path, "/execute", #"{"bankReference": "\#(payment.lowercase)"}"#, &chance)
    }

    // MARK: What stops and comes back

    /// Reaches the milestone of an experiment, or loses it again.
    private func changeMilestone(_ chance: inout Chance) async throws {
        let experiments = state.things.withLock { $0.experiments.map(\.experiment) }
        guard let experiment = chance.pickOne(experiments) else { return }
        let version = state.things.withLock { things in
            let version = things.milestones[experiment, default: 0] + 1
            things.milestones[experiment] = version
            return version
        }
        if version.isMultiple(of: 2) {
            let lost = Controls.lost(experiment, version: version)
            try await deliver(lost, about: experiment, sequence: version, &chance)
        } else {
            let reached = Controls.milestone(experiment, version: version)
            try await deliver(reached, about: experiment, sequence: version, &chance)
        }
    }

    private func cancel(_ chance: inout Chance) async throws {
        guard let payment = chance.pickOne(state.things.withLock { $0.payments }) else { return }
        try await cancel(payment, &chance)
    }

    private func cancel(_ payment: UUID, _ chance: inout Chance) async throws {
        let verb = chance.happens(onceIn: 2) ? "cancel" : "reject"
        try await change(verb, "/v1/payments/\(payment.lowercase)", "/\(verb)", #"{"reason": "essai"}"#, &chance)
    }

    private func terminate(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let path = "/v1/agreements/\(agreement.id.lowercase)"
        try await change("terminate", path, "/terminate", #"{"reason": "essai"}"#, &chance)
    }

    // MARK: Amendments, statements and the end

    private func amend(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let path = "/v1/agreements/\(agreement.id.lowercase)"
        let now = try await reading { try await programme.agreement(agreement.id) }
        let members = [Controls.siren] + Self.partners.prefix(chance.number(0...2))
        let cents = chance.happens(onceIn: 3) ? chance.cents(1...max(1, now.grantedCents)) : now.grantedCents
        let body = #"{"reason": "essai", "lines": \#(lines(members, cents: cents, &chance))}"#
        guard let drafted = try await post("amend", "\(path)/amendments", body, &chance) else { return }
        let amendment = "/v1/amendments/\(try drafted.decode(Amendments.AmendmentAnswer.self).id.lowercase)"
        if chance.happens(onceIn: 3) {
            try await change("discard", amendment, "/discard", "{}", &chance)
        } else {
            try await change("sign-amendment", amendment, "/sign", Programme.signatures, &chance)
        }
    }

    /// Submits, accepts or reopens a statement.
    private func state(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let statements = try await reading { try await programme.statements(of: agreement.id) }
        guard let statement = chance.pickOne(statements) else { return }
        let path = "/v1/expense-statements/\(statement.id.lowercase)"
        let items = #"{"items": [{"category": "staff", "declaredCents": \#(chance.cents(1...90_000_000))}]}"#
        try await change("submit", path, "/submit", items, &chance)
        if chance.happens(onceIn: 5) {
            try await change("reopen", path, "/reopen", #"{"reason": "essai"}"#, &chance)
        } else {
            try await change("accept", path, "/accept", "{}", &chance)
        }
    }

    private func settle(_ chance: inout Chance) async throws {
        guard let agreement = chance.pickOne(state.things.withLock { $0.agreements }) else { return }
        let path = "/v1/agreements/\(agreement.id.lowercase)"
        for statement in try await reading({ try await programme.statements(of: agreement.id) })
        where statement.state != "accepted" {
            let path = "/v1/expense-statements/\(statement.id.lowercase)"
            let items = #"{"items": [{"category": "staff", "declaredCents": \#(chance.cents(1...90_000_000))}]}"#
            try await change("submit", path, "/submit", items, &chance)
            try await change("accept", path, "/accept", "{}", &chance)
        }
        try await change("settle", path, "/settlement", #"{"reason": "essai"}"#, &chance)
    }

    private func proposeRecovery(_ chance: inout Chance) async throws {
        guard let payment = chance.pickOne(state.things.withLock { $0.payments }) else { return }
        let body = #"{"amountCents": \#(chance.cents(1...20_000_000)), "reason": "essai"}"#
        guard let proposed = try await post("propose", "/v1/payments/\(payment.lowercase)/recoveries", body, &chance)
        else { return }
        let id = try proposed.decode(Recoveries.RecoveryAnswer.self).id
        state.things.withLock { $0.recoveries.append(id) }
    }

    private func settleRecovery(_ chance: inout Chance) async throws {
        guard let recovery = chance.pickOne(state.things.withLock { $0.recoveries }) else { return }
        let path = "/v1/recoveries/\(recovery.lowercase)"
        try await change("claim", path, "/order", "{}", &chance)
        let reference = chance.uuid().lowercase
        let receipt = #"{"amountCents": \#(chance.cents(1...10_000_000)), "bankReference": "\#(reference)"}"#
        try await change("receive", path, "/receipts", receipt, &chance)
        if chance.happens(onceIn: 3) { try await change("waive", path, "/waive", "{}", &chance) }
    }

    // MARK: Repeating until it is decided

    /// - Returns: the answer to what took effect.
    private func post(
        _ name: String, _ path: String, _ body: String, headers: HTTPFields = [:], _ chance: inout Chance
    ) async throws -> TestAnswer? {
        var headers = headers
        headers[.idempotencyKey] = chance.uuid().lowercase
        // Who orders a payment may not approve it.
        let subject =
            ["approve", "claim", "accept"].contains(name) ? "approver" : name == "waive" ? "third" : "operator"
        let answer = try await reading {
            let answer = try await programme.service.request(
                .post, path, as: [.operator, .payingOfficer], subject: subject, json: body, headers: headers)
            guard answer.status.code < 500 else { throw Undecided() }
            return answer
        }
        guard answer.status.kind == .successful else { return nil }
        // The bank may say twice that it has paid, and is answered as the first time.
        let effect = name == "execute" ? path : "\(path) \(headers[.idempotencyKey] ?? "")"
        state.things.withLock { _ = $0.done[name, default: []].insert(effect) }
        return answer
    }

    /// Changes a thing as it is now; who else was faster wins.
    private func change(
        _ name: String, _ path: String, _ verb: String, _ body: String, _ chance: inout Chance
    ) async throws {
        let version = try await reading {
            let found = try await programme.service.request(.get, path, as: [.operator])
            guard found.status.code < 500 else { throw Undecided() }
            return found.version
        }
        _ = try await post(name, path + verb, body, headers: Programme.ifMatch(version), &chance)
    }

    private func deliver(
        _ payload: some EventPayload, about subject: UUID, sequence: Int = 1, _ chance: inout Chance
    ) async throws {
        let id = chance.uuid()
        try await reading {
            try await programme.service.deliver(payload, subject: subject.lowercase, sequence: Int64(sequence), id: id)
        }
    }

    private struct Undecided: Error {}

    @discardableResult
    private func reading<R>(_ body: () async throws -> R) async throws -> R {
        var attemptCount = 1
        while true {
            do {
                return try await body()
            } catch  where attemptCount < Self.attemptsMax {
                attemptCount += 1
            }
        }
    }
}

extension Chance {
    fileprivate mutating func pickOne<T>(_ things: [T]) -> T? { things.isEmpty ? nil : pick(things) }
}
